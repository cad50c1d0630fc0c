"""What an offer needs: a therapist who may be asked, a clock, and the slot that contains the time."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from appointments.errors import InvalidInput, PermissionDenied, TherapistUnavailable
from appointments.models import Appointment, Origin, TimeOff, TimeSlot
from appointments.policy import Policy
from appointments.selectors.conflicts import containing_slots, overlapping
from core.accounts.models import Role, User
from core.prepared import prepared


def lock_therapist(therapist_id: int, institution_id: int) -> User:
    """The therapist, locked so that an offer and a suspension cannot cross. Raises InvalidInput."""
    therapist = next(iter(_locked(therapist_id, institution_id)), None)
    if therapist is None:
        raise InvalidInput("No such therapist.", code="does_not_exist", attr="therapist")
    return therapist


@prepared
def _locked(therapist_id: int, institution_id: int) -> QuerySet[User]:
    rows = User.objects.select_for_update(no_key=True).filter(role=Role.THERAPIST, institution_id=institution_id)
    return rows.filter(pk=therapist_id).order_by()


def lock_own_therapist(therapist_id: int, actor: User) -> User:
    """The therapist, locked, where the actor may say when they work. Raises PermissionDenied, InvalidInput."""
    if actor.role == Role.PATIENT or (actor.role == Role.THERAPIST and therapist_id != actor.pk):
        raise PermissionDenied("Only the therapist and operators say when a therapist works.")
    home = actor.institution_id
    if actor.role == Role.ADMIN:
        home = User.objects.filter(pk=therapist_id).values_list("institution_id", flat=True).first()
    return lock_therapist(therapist_id, home or 0)


def require_available(therapist: User, start: datetime, end: datetime, now: datetime) -> None:
    """Refuse a therapist who cannot be asked for `[start, end)`. Raises TherapistUnavailable."""
    if not therapist.is_active:
        raise TherapistUnavailable("The therapist's account is suspended.")
    if not therapist.taking_appointments:
        raise TherapistUnavailable("The therapist takes no appointments at present.")
    if therapist.away_until is not None and now < therapist.away_until:
        raise TherapistUnavailable("The therapist is away.")
    if _time_off(therapist.pk, start, end):
        raise TherapistUnavailable("The therapist has time off then.")


@prepared
def _time_off(therapist_id: int, start: datetime, end: datetime) -> QuerySet[TimeOff, int]:
    rows = TimeOff.objects.filter(overlapping(start, end), therapist_id=therapist_id)
    return rows.order_by().values_list("pk", flat=True)[:1]


def slot_with_place(therapist_id: int, start: datetime, end: datetime) -> int | None:
    """The id of the published slot that contains the time and has a place left."""
    return next(iter(_slots_with_place(therapist_id, start, end)), None)


@prepared
def _slots_with_place(therapist_id: int, start: datetime, end: datetime) -> QuerySet[TimeSlot, int]:
    rows = containing_slots(therapist_id, start, end).filter(is_booked=False)
    return rows.order_by("start", "id").values_list("pk", flat=True)[:1]


def offer_columns(
    appointment: Appointment, therapist: User, origin: Origin, now: datetime, policy: Policy
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns of an offer made `now`: those of the appointment and those of its assignment."""
    deadline, warn_at, full_clock = policy.clock(now, appointment.start)
    columns = {
        "therapist_id": therapist.pk,
        "origin": origin,
        "assigned_at": now,
        "response_deadline": deadline,
        "warn_at": warn_at,
        "time_slot_id": slot_with_place(therapist.pk, appointment.start, appointment.end),
        "auto_cancelled_at": None,
    }
    return columns, {"full_clock": full_clock}
