"""Offers and their answers: assign, unassign, extend, accept, reject, claim, release, remind."""

from datetime import datetime, timedelta

from appointments import machine
from appointments.errors import InvalidInput, InvalidTransition, NotFound, Throttled
from appointments.events import EventFact, EventType, appointment_stream
from appointments.models import (
    Appointment,
    AppointmentRejection,
    Assignment,
    OpenRequestDecline,
    Origin,
)
from appointments.policy import Policy, current_policy
from appointments.selectors.free_therapists import therapists_free_at
from appointments.selectors.visibility import takeable_by, was_shown_open
from appointments.services.offers import (
    lock_therapist,
    offer_columns,
    require_available,
    slot_with_place,
)
from appointments.transitions import TRANSITIONS, State, state_of
from core.accounts.models import Role, User
from core.outbox.models import Lane
from core.outbox.writing import write
from core.transactions import in_transaction

LONGEST_REASON = 2_000


@in_transaction
def assign(
    appointment_id: int, therapist_id: int, actor: User, now: datetime, version: int | None = None
) -> Appointment:
    """Offer the appointment to a therapist, with a fresh clock. Raises InvalidInput, TherapistUnavailable, Conflict."""
    return offer_to(machine.lock(appointment_id, actor), therapist_id, actor, now, version)


def offer_to(
    appointment: Appointment, therapist_id: int, actor: User, now: datetime, version: int | None = None
) -> Appointment:
    """`assign` for an appointment that is already locked."""
    policy = current_policy()
    therapist = lock_therapist(therapist_id, appointment.institution_id)
    machine.check(TRANSITIONS["assign"], appointment, actor, now, policy, version)
    require_available(therapist, appointment.start, appointment.end, now)
    columns, assignment = offer_columns(appointment, therapist, Origin.OPERATOR, now, policy)
    machine.apply("assign", appointment, actor, now, changes=columns, assignment_values=assignment)
    appointment.therapist = therapist  # loaded with its lock; whoever shows the offer need not read it again
    return appointment


@in_transaction
def unassign(
    appointment_id: int, actor: User, now: datetime, reason: str = "", version: int | None = None
) -> Appointment:
    """Take the appointment back from its therapist."""
    appointment = machine.lock(appointment_id, actor)
    return machine.apply("unassign", appointment, actor, now, version=version, notes=reason)


@in_transaction
def extend(appointment_id: int, minutes: float, actor: User, now: datetime, version: int | None = None) -> Appointment:
    """Move the deadline on, never past the start; the therapist may once per offer, by ten minutes at most."""
    policy = current_policy()
    if actor.role == Role.THERAPIST and timedelta(minutes=minutes) > policy.therapist_extension:
        raise InvalidInput("You may ask for ten more minutes at most.", attr="minutes", code="max_value")
    appointment = machine.lock(appointment_id, actor)
    machine.check(TRANSITIONS["extend"], appointment, actor, now, policy, version)
    assert appointment.response_deadline is not None
    marks = {}
    if actor.role == Role.THERAPIST:
        if appointment.assignments.filter(ended_at__isnull=True, extended_by_therapist=True).exists():
            raise InvalidTransition("You have already asked for more time.")
        marks = {"extended_by_therapist": True}
    deadline = min(appointment.response_deadline + timedelta(minutes=minutes), appointment.start)
    return machine.apply(
        "extend",
        appointment,
        actor,
        now,
        changes={"response_deadline": deadline, "warn_at": max(now, deadline - policy.warning)},
        assignment_values=marks | {"warned_at": None},
        data={"minutes": minutes},
    )


@in_transaction
def set_deadline(
    appointment_id: int, deadline: datetime | None, actor: User, now: datetime, version: int | None = None
) -> Appointment:
    """Move the deadline of a waiting offer to any moment between now and the start. Raises InvalidInput."""
    appointment = machine.lock(appointment_id, actor)
    if deadline is None or not now < deadline <= appointment.start:
        raise InvalidInput("The deadline lies between now and the start.", attr="response_deadline")
    return machine.apply(
        "extend",
        appointment,
        actor,
        now,
        version=version,
        changes={"response_deadline": deadline, "warn_at": max(now, deadline - current_policy().warning)},
        assignment_values={"warned_at": None},
    )


@in_transaction
def accept(appointment_id: int, actor: User, now: datetime, version: int | None = None) -> Appointment:
    """Accept the offer, or take an open request; the first wins. Raises DeadlinePassed and other conflicts."""
    appointment = machine.lock(appointment_id, actor)
    if _acts_on_open_request(appointment, actor):
        return _take_open_request(appointment, actor, now, version)
    return machine.apply("accept", appointment, actor, now, version=version, changes={"confirmed_at": now})


@in_transaction
def reject(appointment_id: int, reason: str, actor: User, now: datetime, version: int | None = None) -> Appointment:
    """Refuse the offer with a reason, or decline an open request. Raises InvalidInput without a needed reason."""
    appointment = machine.lock(appointment_id, actor)
    if _acts_on_open_request(appointment, actor):
        return _decline_open_request(appointment, reason, actor, now, version)
    machine.check_role("reject", actor)
    if not reason.strip() and appointment.origin != Origin.PATIENT:
        raise InvalidInput("Say why you cannot take this appointment.", code="blank", attr="rejection_reason")
    machine.apply("reject", appointment, actor, now, version=version, notes=reason)
    AppointmentRejection.objects.create(
        appointment=appointment,
        assignment=appointment.assignments.get(ended_at__isnull=True),
        therapist=actor,
        rejection_reason=reason,
        rejected_at=now,
    )
    return appointment


def _acts_on_open_request(appointment: Appointment, actor: User) -> bool:
    return actor.role == Role.THERAPIST and state_of(appointment) is State.UNASSIGNED


def _require_takeable(appointment: Appointment, actor: User, now: datetime) -> None:
    if not Appointment.objects.filter(takeable_by(actor, now), pk=appointment.pk).exists():
        if appointment.open and was_shown_open(actor, appointment.pk) is None:
            raise NotFound("No such appointment.")
        raise InvalidTransition("You cannot take this request.")


def _take_open_request(appointment: Appointment, actor: User, now: datetime, version: int | None) -> Appointment:
    machine.check(TRANSITIONS["accept_open"], appointment, actor, now, current_policy(), version)
    lock_therapist(actor.pk, appointment.institution_id)
    _require_takeable(appointment, actor, now)
    return machine.apply(
        "accept_open",
        appointment,
        actor,
        now,
        changes={
            "therapist_id": actor.pk,
            "origin": Origin.PATIENT,
            "assigned_at": now,
            "confirmed_at": now,
            "time_slot_id": slot_with_place(actor.pk, appointment.start, appointment.end),
        },
    )


def _decline_open_request(
    appointment: Appointment, reason: str, actor: User, now: datetime, version: int | None
) -> Appointment:
    machine.check(TRANSITIONS["reject_open"], appointment, actor, now, current_policy(), version)
    _require_takeable(appointment, actor, now)
    machine.apply("reject_open", appointment, actor, now, notes=reason)
    OpenRequestDecline.objects.create(appointment=appointment, therapist=actor, reason=reason, declined_at=now)
    declined = appointment.declines.values("therapist_id")
    free = therapists_free_at(
        appointment.institution, appointment.start, appointment.end, now, service_id=appointment.service_id
    )
    if not free.filter(published=True).exclude(pk__in=declined).exists():
        fact = EventFact(
            type=EventType.UPDATED,
            appointment=appointment.pk,
            version=appointment.version,
            operators=appointment.institution_id,
            people=[],
            data={"declined_by_all": True},
        )
        write(Lane.REALTIME, fact["type"], fact, stream=appointment_stream(appointment.pk), now=now)
    return appointment


@in_transaction
def claim(appointment_id: int, actor: User, now: datetime, version: int | None = None) -> Appointment:
    """Tell the other operators "I'm on it"."""
    appointment = machine.lock(appointment_id, actor)
    return machine.apply("claim", appointment, actor, now, version=version, changes={"claimed_by_id": actor.pk})


@in_transaction
def release(appointment_id: int, actor: User, now: datetime, version: int | None = None) -> Appointment:
    """Take "I'm on it" back."""
    appointment = machine.lock(appointment_id, actor)
    return machine.apply("release", appointment, actor, now, version=version, changes={"claimed_by_id": None})


@in_transaction
def remind(appointment_id: int, actor: User, now: datetime, version: int | None = None) -> Appointment:
    """Send the offer once more on the second channel. Raises Throttled sooner than a minute after the last time."""
    policy: Policy = current_policy()
    appointment = machine.lock(appointment_id, actor)
    machine.check(TRANSITIONS["remind"], appointment, actor, now, policy, version)
    assignment: Assignment = appointment.assignments.get(ended_at__isnull=True)
    if assignment.reminded_at is not None and now < assignment.reminded_at + policy.remind_pause:
        wait = (assignment.reminded_at + policy.remind_pause - now).total_seconds()
        raise Throttled("The therapist was reminded less than a minute ago.", retry_after=wait)
    return machine.apply(
        "remind",
        appointment,
        actor,
        now,
        assignment_values={"reminded_at": now},
        tasks=[("send_offer", {"assignment": assignment.pk, "occasion": "remind"})],
    )
