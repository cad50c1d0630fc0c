"""What a change leaves in the Outbox: its event for those concerned, and its tasks."""

from collections.abc import Mapping
from typing import Any

from appointments.events import EventFact, EventType, appointment_stream
from appointments.machine.changes import Change
from appointments.models import (
    Appointment,
    Assignment,
    Origin,
)
from appointments.transitions import State
from core.outbox.models import Lane
from core.outbox.writing import Effect


def effects_of(change: Change, assignment: Assignment | None) -> list[Effect]:
    """The Outbox rows of a change: its event, its tasks, and the clock of an offer that began or moved."""
    stream = appointment_stream(change.pk)
    effects: list[Effect] = []
    if change.row.event is not None:
        effects.append(Effect(Lane.REALTIME, change.row.event, _fact(change, assignment), stream))
    if change.was("open") and not change.after("open"):
        effects.append(Effect(Lane.REALTIME, EventType.UPDATED, _closed(change.appointment), stream))
    tasks = list(change.tasks)
    if change.appointment.response_deadline is not None and "response_deadline" in change.values:
        tasks.append(("arm_deadline", {"appointment": change.pk}))
    effects += [Effect(Lane.TASKS, kind, payload, stream) for kind, payload in tasks]
    return effects


def effects_of_creation(
    appointment: Appointment,
    assignment: Assignment | None,
    event: EventType,
    data: Mapping[str, Any],
    audience: Mapping[str, Any],
) -> list[Effect]:
    fact: dict[str, Any] = {
        "type": event,
        "appointment": appointment.pk,
        "version": appointment.version,
        "operators": appointment.institution_id,
        "people": [appointment.therapist_id] if appointment.therapist_id else [],
        "data": dict(data),
        **audience,
    }
    if assignment is not None:
        fact["assignment"] = assignment.pk
    stream = appointment_stream(appointment.pk)
    effects = [Effect(Lane.REALTIME, event, fact, stream)]
    if appointment.response_deadline is not None:
        effects.append(Effect(Lane.TASKS, "arm_deadline", {"appointment": appointment.pk}, stream))
    return effects


def _fact(change: Change, assignment: Assignment | None) -> EventFact:
    appointment, event = change.appointment, change.row.event
    assert event is not None
    people: list[int] = []
    therapist_id = appointment.therapist_id or change.was("therapist_id")
    # One whose offer has expired is told of nothing that comes later.
    if (therapist_id and event is not EventType.CLAIMED and change.source is not State.AUTO_CANCELLED) or (
        therapist_id and appointment.therapist_id and event is EventType.ASSIGNED
    ):
        people.append(therapist_id)
    if _patient_is_told(change):
        people.append(appointment.patient_id)
    fact = EventFact(
        type=event,
        appointment=appointment.pk,
        version=appointment.version,
        operators=appointment.institution_id,
        people=people,
        data=change.data,
    )
    if assignment is not None:
        fact["assignment"] = assignment.pk
    return fact


def _closed(appointment: Appointment) -> EventFact:
    """However an open request ended, those to whom it was shown need look no longer."""
    return EventFact(
        type=EventType.UPDATED,
        appointment=appointment.pk,
        version=appointment.version,
        operators=None,
        people=[],
        data={"open": False},
        shown_open=True,
    )


def _patient_is_told(change: Change) -> bool:
    match change.row.event:
        case EventType.UNASSIGNED:
            accepted = change.source in {State.CONFIRMED, State.ASSIGNED}
            return accepted or change.row.name == "expire_request"
        case EventType.REJECTED:
            return bool(change.was("origin") == Origin.PATIENT)
        case (
            EventType.REVIEWED
            | EventType.CLAIMED
            | EventType.DEADLINE_EXTENDED
            | EventType.DEADLINE_APPROACHING
            | EventType.NEW_APPOINTMENT
        ):
            return False
    return True
