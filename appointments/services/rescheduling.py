"""Moving an appointment to another time: the old one ends, a successor takes its place."""

import uuid
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from appointments import machine
from appointments.events import EventType
from appointments.models import Appointment, AppointmentStatus, Origin
from appointments.policy import Policy, current_policy
from appointments.services.booking import require_bookable_time
from appointments.services.offers import (
    lock_therapist,
    offer_columns,
    require_available,
    slot_with_place,
)
from appointments.services.vacancies import about_to_free, pass_on
from appointments.transitions import TRANSITIONS, State, state_of
from core.accounts.models import User
from core.transactions import in_transaction

CARRIED_OVER = (
    "institution_id",
    "meeting_id",
    "patient_id",
    "service_id",
    "appointment_type",
    "duration_minutes",
    "reason_for_visit",
    "symptoms",
    "notes",
    "booking_method",
    "video_url",
    "consultation_fee",
    "is_paid",
    "paid_at",
    "payment_method",
)


class Rescheduled(NamedTuple):
    old_appointment: Appointment
    new_appointment: Appointment


@in_transaction
def reschedule(
    appointment_id: int,
    new_start: datetime,
    actor: User,
    now: datetime,
    reason: str = "",
    version: int | None = None,
    blame: str = "start",
) -> Rescheduled:
    """Replace the appointment by a successor at `new_start` with the same therapist and meeting.

    Confirmed stays confirmed; what was pending gets a new offer of the same origin and a full clock.
    Raises InvalidInput, TherapistUnavailable, DoubleBooked, InvalidTransition.
    """
    policy = current_policy()
    require_bookable_time(new_start, now, policy, blame)
    old = machine.lock(appointment_id, actor)
    machine.check(TRANSITIONS["reschedule"], old, actor, now, policy, version)
    source = state_of(old)
    was_open, therapist_id, origin = old.open, old.therapist_id, old.origin
    vacancy = about_to_free(old, actor)
    machine.apply("reschedule", old, actor, now, notes=reason)
    successor = _successor(old, new_start, actor, now)
    full_clock = True
    if therapist_id is not None:
        full_clock = _keep_therapist(successor, therapist_id, source, origin, now, policy)
    elif was_open:
        successor.open, successor.opened_at = True, now
    machine.create(
        successor,
        actor,
        now,
        event=EventType.RESCHEDULED,
        data={"old_appointment_id": old.pk},
        full_clock=full_clock,
        audience={
            "people": [person for person in (therapist_id, successor.patient_id) if person],
            "open_to_qualified": successor.open,
        },
    )
    if vacancy is not None:  # after the successor, which may stay inside the slot
        pass_on(vacancy, now)
    return Rescheduled(old, successor)


def _successor(old: Appointment, start: datetime, actor: User, now: datetime) -> Appointment:
    local = start.astimezone(ZoneInfo(old.institution.timezone))
    successor = Appointment(
        appointment_id=uuid.uuid4(),
        start=start,
        end=start + timedelta(minutes=old.duration_minutes),
        appointment_date=local.date(),
        appointment_time=local.time(),
        booked_by=actor,
        rescheduled_from=old,
        created_at=now,
        updated_at=now,
    )
    for name in CARRIED_OVER:
        setattr(successor, name, getattr(old, name))
    return successor


def _keep_therapist(
    successor: Appointment,
    therapist_id: int,
    source: State,
    origin: str | None,
    now: datetime,
    policy: Policy,
) -> bool:
    """Give the successor its predecessor's therapist; tells whether an offer has its full clock."""
    therapist = lock_therapist(therapist_id, successor.institution_id)
    require_available(therapist, successor.start, successor.end, now)
    kept_origin = Origin(origin) if origin else Origin.OPERATOR
    if source is State.OFFERED:
        columns, assignment = offer_columns(successor, therapist, kept_origin, now, policy)
        for name, value in columns.items():
            setattr(successor, name, value)
        return bool(assignment["full_clock"])
    successor.status = AppointmentStatus.CONFIRMED
    successor.therapist, successor.origin = therapist, kept_origin
    successor.assigned_at = successor.confirmed_at = now
    successor.time_slot_id = slot_with_place(therapist_id, successor.start, successor.end)
    return True
