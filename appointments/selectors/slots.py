"""Published time: which slots a reader sees, and which of them can be booked."""

from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value

from appointments.models import HOLDS_THERAPIST, Appointment, TimeOff, TimeSlot
from appointments.selectors.conflicts import LONGEST_SLOT, overlapping, visits_after
from core.accounts.models import Role, User

STAFF: Final = frozenset({Role.OPERATOR, Role.ADMIN})
# Of the therapist only the name and the clock are shown; a month of slots would carry thirty whole accounts with it.
SHOWN: Final = (
    *(field.name for field in TimeSlot._meta.concrete_fields),
    *("therapist__first_name", "therapist__last_name", "therapist__username", "therapist__institution__timezone"),
)


def slots_for(reader: User, now: datetime) -> QuerySet[TimeSlot]:
    """The slots that `reader` may know of, each with `can_book`; patients see what is open to bookings in principle."""
    rows = TimeSlot.objects.select_related("therapist__institution").only(*SHOWN)
    rows = rows.annotate(can_book=ExpressionWrapper(bookable(now), output_field=BooleanField()))
    if reader.role != Role.ADMIN:
        rows = rows.filter(therapist__institution_id=reader.institution_id)
    if reader.role == Role.PATIENT:
        rows = rows.filter(is_available=True, therapist__is_active=True)
    return rows.order_by("start", "id")


def available(slots: QuerySet[TimeSlot], now: datetime) -> QuerySet[TimeSlot]:
    """Those of `slots_for` that can be booked; the rule is asked once, not again for what is shown."""
    return slots.filter(bookable(now)).annotate(can_book=Value(True))


def bookable(now: datetime) -> Q:
    """Slots in which a place is free: not past, not full, not hidden, and nothing else keeps the therapist away."""
    other = Appointment.objects.filter(
        HOLDS_THERAPIST,
        visits_after(now),
        overlapping(OuterRef("start"), OuterRef("end")),
        ~Q(time_slot_id=OuterRef("pk")),
        therapist_id=OuterRef("therapist_id"),
    )
    off = TimeOff.objects.filter(overlapping(OuterRef("start"), OuterRef("end")), therapist_id=OuterRef("therapist_id"))
    here = Q(therapist__away_until__isnull=True) | Q(therapist__away_until__lte=now)
    taking = Q(therapist__is_active=True, therapist__taking_appointments=True) & here
    return Q(is_available=True, is_booked=False, start__gt=now) & taking & ~Exists(other) & ~Exists(off)


def bookable_slots(therapist_id: int, day: date, minutes: int, now: datetime) -> QuerySet[TimeSlot]:
    """A therapist's slots of the institution's `day` that have a place for a visit of `minutes`; one query."""
    long_enough = Q(end__gte=F("start") + timedelta(minutes=minutes))
    rows = TimeSlot.objects.filter(bookable(now), long_enough, therapist_id=therapist_id, date=day)
    return rows.order_by("start", "id")


def overlapping_slots(therapist_id: int, start: datetime, end: datetime) -> QuerySet[TimeSlot]:
    """Slots of the therapist in the way of another one."""
    return TimeSlot.objects.filter(overlapping(start, end), therapist_id=therapist_id, start__gt=start - LONGEST_SLOT)
