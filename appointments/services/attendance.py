"""The visit itself, and its end: start, complete, no-show, cancel, payment, deletion, notes, edits."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from appointments import machine
from appointments.models import Appointment
from appointments.policy import current_policy
from appointments.services.vacancies import about_to_free, pass_on
from appointments.transitions import HELD, TRANSITIONS, state_of
from core.accounts.models import User
from core.transactions import in_transaction


@in_transaction
def start(appointment_id: int, actor: User, now: datetime, version: int | None = None) -> Appointment:
    """Begin the visit, from fifteen minutes before its start."""
    appointment = machine.lock(appointment_id, actor)
    return machine.apply("start", appointment, actor, now, version=version, changes={"started_at": now})


@in_transaction
def complete(
    appointment_id: int, actor: User, now: datetime, notes: str | None = None, version: int | None = None
) -> Appointment:
    """End the visit; `notes` replace the appointment's notes."""
    appointment = machine.lock(appointment_id, actor)
    changes: dict[str, Any] = {"completed_at": now}
    if notes is not None:
        changes["notes"] = notes
    return machine.apply("complete", appointment, actor, now, version=version, changes=changes)


@in_transaction
def no_show(appointment_id: int, actor: User, now: datetime, version: int | None = None) -> Appointment:
    """Record that the patient did not come."""
    appointment = machine.lock(appointment_id, actor)
    return machine.apply("no_show", appointment, actor, now, version=version)


@in_transaction
def cancel(appointment_id: int, reason: str, actor: User, now: datetime, version: int | None = None) -> Appointment:
    """Cancel with a reason and free the time; a place of a slot is offered to the waiting list."""
    appointment = machine.lock(appointment_id, actor)
    vacancy = about_to_free(appointment, actor)
    cancelled = machine.apply(
        "cancel",
        appointment,
        actor,
        now,
        version=version,
        changes={"cancellation_reason": reason, "cancelled_at": now, "cancelled_by_id": actor.pk},
        notes=reason,
    )
    if vacancy is not None:
        pass_on(vacancy, now)
    return cancelled


@in_transaction
def mark_paid(
    appointment_id: int,
    actor: User,
    now: datetime,
    payment_method: str = "",
    amount: Decimal | None = None,
    version: int | None = None,
) -> Appointment:
    """Record the payment; `amount` replaces the fee."""
    appointment = machine.lock(appointment_id, actor)
    changes: dict[str, Any] = {"is_paid": True, "paid_at": now, "payment_method": payment_method}
    if amount is not None:
        changes["consultation_fee"] = amount
    return machine.apply("mark_paid", appointment, actor, now, version=version, changes=changes)


@in_transaction
def delete(appointment_id: int, actor: User, now: datetime, version: int | None = None) -> None:
    """Hide the appointment from everybody; its audit stays."""
    appointment = machine.lock(appointment_id, actor)
    machine.apply("delete", appointment, actor, now, version=version, changes={"hidden_at": now})


@in_transaction
def delete_meeting(appointment_id: int, actor: User, now: datetime) -> None:
    """Hide a meeting that is over; one that is still scheduled is cancelled first, for both to know."""
    appointment = machine.lock(appointment_id, actor)
    if state_of(appointment) in HELD:
        cancel(appointment_id, f"Deleted by {actor.display_name}", actor, now)
        appointment.refresh_from_db()
    machine.apply("delete_meeting", appointment, actor, now, changes={"hidden_at": now})


@in_transaction
def hand_over(appointment_id: int, text: str, actor: User, now: datetime) -> Appointment:
    """Leave a note in the timeline for the next operator."""
    appointment = machine.lock(appointment_id, actor)
    return machine.apply("handover_notes", appointment, actor, now, notes=text)


@in_transaction
def update(
    appointment_id: int,
    changes: Mapping[str, Any],
    actor: User,
    now: datetime,
    version: int | None = None,
) -> Appointment:
    """Edit what is no transition; another duration is checked against the therapist's and the patient's time.

    Where nothing is changed nothing is written, and the version stays.
    """
    appointment = machine.lock(appointment_id, actor)
    columns = {name: value for name, value in changes.items() if value != getattr(appointment, name)}
    if not columns:
        machine.check(TRANSITIONS["update"], appointment, actor, now, current_policy(), version)
        return appointment
    if "duration_minutes" in columns:
        columns["end"] = appointment.start + timedelta(minutes=columns["duration_minutes"])
    return machine.apply("update", appointment, actor, now, version=version, changes=columns)
