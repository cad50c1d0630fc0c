"""Whose time is taken: the same overlap rule that PostgreSQL's exclusion constraints enforce."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db.models import OuterRef, Q, QuerySet

from appointments.models import HOLDS_PATIENT, HOLDS_THERAPIST, Appointment, TimeSlot, WaitingOffer, WaitingOfferStatus
from appointments.policy import LONGEST_MINUTES

# How far back one has to look for what may still last: an index on `start` is then entered at both ends, however long
# the history is. The database holds both (CHECK on appointments; a slot ends on the next day at the latest).
LONGEST_VISIT: Final = timedelta(minutes=LONGEST_MINUTES)
LONGEST_SLOT: Final = timedelta(hours=25)
# Of any clock and UTC.
MOST_AHEAD: Final = timedelta(hours=14)
MOST_BEHIND: Final = timedelta(hours=12)
ONE_DAY: Final = timedelta(days=1)


def overlapping(start: datetime | OuterRef, end: datetime | OuterRef) -> Q:
    """Half-open overlap: a visit that ends when the next begins does not overlap it."""
    return Q(start__lt=end, end__gt=start)


def visits_after(now: datetime) -> Q:
    """Visits that last beyond `now`, as far as their start tells."""
    return Q(start__gt=now - LONGEST_VISIT)


def visits_over(start: datetime, end: datetime) -> Q:
    """Visits that overlap `[start, end)`."""
    return overlapping(start, end) & visits_after(start)


def on_days(first: date | None = None, last: date | None = None) -> Q:
    """Appointments of these days, both included, each by its institution's calendar."""
    # The indexes are by `start`, not by the local date.
    days = Q()
    if first is not None:
        days &= Q(appointment_date__gte=first, start__gte=_midnight(first) - MOST_AHEAD)
    if last is not None:
        days &= Q(appointment_date__lte=last, start__lt=_midnight(last + ONE_DAY) + MOST_BEHIND)
    return days


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def slots_around(start: datetime, end: datetime) -> Q:
    """Slots that contain the whole of `[start, end)`."""
    return Q(start__lte=start, end__gte=end, start__gt=start - LONGEST_SLOT)


def therapist_bookings(
    therapist_id: int, start: datetime, end: datetime, slot_id: int | None, *, but: int | None
) -> QuerySet[Appointment]:
    """Bookings in the way of the therapist; bookings inside the same slot are not."""
    taken = Appointment.objects.filter(HOLDS_THERAPIST, visits_over(start, end), therapist_id=therapist_id)
    if slot_id is not None:
        taken = taken.exclude(time_slot_id=slot_id)
    return taken.exclude(pk=but)


def patient_bookings(patient_id: int, start: datetime, end: datetime, *, but: int | None) -> QuerySet[Appointment]:
    """Bookings in the way of the patient."""
    return Appointment.objects.filter(HOLDS_PATIENT, visits_over(start, end), patient_id=patient_id).exclude(pk=but)


def held_for_waiting(therapist_id: int, start: datetime, end: datetime, slot_id: int | None) -> QuerySet[WaitingOffer]:
    """Places held for the waiting list in the way of a booking outside their slot."""
    held = WaitingOffer.objects.filter(
        overlapping(start, end), therapist_id=therapist_id, status=WaitingOfferStatus.OFFERED
    )
    return held if slot_id is None else held.exclude(time_slot_id=slot_id)


def containing_slots(therapist_id: int, start: datetime, end: datetime) -> QuerySet[TimeSlot]:
    """Published slots of the therapist that contain the whole time, with or without a place left."""
    return TimeSlot.objects.filter(slots_around(start, end), therapist_id=therapist_id, is_available=True)
