"""What each person may see. Everything that reads appointments for somebody begins here."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable

from appointments.models import FORMER, HOLDS_THERAPIST, Appointment, AppointmentStatus, Assignment
from appointments.models.assignment import OpenRequestDecline
from appointments.models.service import Service
from appointments.models.slot import TimeOff, TimeSlot
from appointments.selectors.conflicts import on_days, overlapping, visits_after
from core.accounts.models import Institution, Role, User
from core.lookups import AnyOf


def visible_to(user: User, now: datetime) -> QuerySet[Appointment]:
    """The appointments that `user` sees, each with `viewer_status`: the status as this reader is to see it."""
    rows = Appointment.objects.filter(hidden_at__isnull=True)
    if user.role == Role.ADMIN:
        return rows.annotate(viewer_status=F("status"))
    rows = rows.filter(institution_id=user.institution_id)
    if user.role == Role.OPERATOR:
        return rows.annotate(viewer_status=F("status"))
    if user.role == Role.PATIENT:
        return rows.filter(patient_id=user.pk).annotate(viewer_status=F("status"))
    return _visible_to_therapist(rows, user, now)


def held_by(therapist_id: int) -> Q:
    """The therapist's own appointments; one that expired on them is no longer theirs."""
    return Q(therapist_id=therapist_id) & ~Q(status=AppointmentStatus.AUTO_CANCELLED)


def _visible_to_therapist(rows: QuerySet[Appointment], user: User, now: datetime) -> QuerySet[Appointment]:
    lost = Assignment.objects.order_by().filter(therapist_id=user.pk, status__in=FORMER)
    open_now = Appointment.objects.order_by().filter(takeable_by(user, now), institution_id=user.institution_id)
    # Asked ahead: as a condition it would stand four times in the query, each time with its seven subqueries.
    others = lost.values_list("appointment_id", Value(False)).union(open_now.values_list("pk", Value(True)))
    by_id = list(others)
    takeable = AnyOf("pk", [pk for pk, is_open in by_id if is_open])
    rows = rows.filter(held_by(user.pk) | Q(AnyOf("pk", {pk for pk, _ in by_id}))).annotate(_takeable=takeable)
    return rows.annotate(
        viewer_status=Case(
            When(held_by(user.pk) | Q(_takeable=True), then=F("status")),
            default=Value(AppointmentStatus.CANCELLED.value),
            output_field=CharField(),
        )
    )


def takeable_by(therapist: User, now: datetime) -> Combinable | Q:
    """Open requests that this therapist could take: qualified, free, inside published time, not declined."""
    away = therapist.away_until is not None and now < therapist.away_until
    if not therapist.is_active or not therapist.taking_appointments or away:
        return Q(pk__in=[])
    qualified = (
        Q(service__isnull=True)
        | ~Exists(Service.therapists.through.objects.filter(user_id=therapist.pk))
        | Exists(Service.therapists.through.objects.filter(user_id=therapist.pk, service_id=OuterRef("service_id")))
    )
    busy = Appointment.objects.filter(
        HOLDS_THERAPIST,
        visits_after(now),
        overlapping(OuterRef("start"), OuterRef("end")),
        therapist_id=therapist.pk,
    )
    slots = TimeSlot.objects.filter(therapist_id=therapist.pk)
    published = ~Exists(slots.filter(date__gte=OuterRef("appointment_date"))) | Exists(
        slots.filter(is_available=True, is_booked=False, start__lte=OuterRef("start"), end__gte=OuterRef("end"))
    )
    off = TimeOff.objects.filter(overlapping(OuterRef("start"), OuterRef("end")), therapist_id=therapist.pk)
    declined = OpenRequestDecline.objects.filter(appointment=OuterRef("pk"), therapist_id=therapist.pk)
    return Q(open=True, start__gt=now) & qualified & ~Exists(busy) & ~Exists(off) & published & ~Exists(declined)


def was_shown_open(therapist: User, appointment_id: int) -> Appointment | None:
    """An open request that this therapist could once have taken and no longer sees."""
    rows = Appointment.objects.filter(
        pk=appointment_id, institution_id=therapist.institution_id, opened_at__isnull=False, hidden_at__isnull=True
    )
    mine = Service.therapists.through.objects.filter(user_id=therapist.pk)
    qualified = Q(service__isnull=True) | ~Exists(mine) | Exists(mine.filter(service_id=OuterRef("service_id")))
    return rows.filter(qualified).first()


def today_of(user: User, now: datetime) -> Q:
    """Today on the calendar of the reader's institution; for admins, of each institution."""
    institutions = Institution.objects.all() if user.role == Role.ADMIN else filter(None, [user.institution])
    today = Q(pk__in=[])
    for institution in institutions:
        local = now.astimezone(ZoneInfo(institution.timezone)).date()
        today |= Q(on_days(local, local), institution=institution)
    return today
