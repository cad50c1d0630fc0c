"""What is told to whom: the event types and the typed fact that a state change leaves in the Outbox."""

from typing import Any, Final, NotRequired, TypedDict

from django.db import models


class EventType(models.TextChoices):
    NEW_APPOINTMENT = "new_appointment", "New appointment"
    ASSIGNED = "appointment_assigned", "Appointment assigned"
    UNASSIGNED = "appointment_unassigned", "Appointment unassigned"
    DEADLINE_EXTENDED = "deadline_extended", "Deadline extended"
    DEADLINE_APPROACHING = "deadline_approaching", "Deadline approaching"
    ACCEPTED = "appointment_accepted", "Appointment accepted"
    REJECTED = "appointment_rejected", "Appointment rejected"
    REVIEWED = "rejection_reviewed", "Rejection reviewed"
    AUTO_CANCELLED = "appointment_auto_cancelled", "Appointment auto-cancelled"
    THERAPIST_DISABLED = "therapist_disabled", "Therapist disabled"
    THERAPIST_ENABLED = "therapist_enabled", "Therapist enabled"
    CANCELLED = "appointment_cancelled", "Appointment cancelled"
    RESCHEDULED = "appointment_rescheduled", "Appointment rescheduled"
    MISSED = "appointment_missed", "Appointment missed"
    NO_SHOW = "appointment_no_show", "Patient did not come"
    STARTED = "appointment_started", "Appointment started"
    COMPLETED = "appointment_completed", "Appointment completed"
    UPDATED = "appointment_updated", "Appointment updated"
    CLAIMED = "appointment_claimed", "Appointment claimed"
    WAITLIST_OFFER = "waitlist_offer", "Place on the waiting list"
    WAITLIST_OFFER_EXPIRED = "waitlist_offer_expired", "Waiting-list offer over"


class EventFact(TypedDict):
    """The payload of a realtime Outbox row: ids and facts, rendered for each reader when it is read.

    `operators` is the institution whose operators are told; `people` are user ids. `shown_open` addresses the
    therapists to whom the open request was shown, `open_to_qualified` those who could take it.
    """

    type: str
    appointment: int | None
    version: int | None
    operators: int | None
    people: list[int]
    data: dict[str, Any]
    assignment: NotRequired[int]
    open_to_qualified: NotRequired[bool]
    shown_open: NotRequired[bool]


APPOINTMENT_STREAM: Final = "appointment:"


def appointment_stream(appointment_id: int) -> str:
    """The Outbox stream in which the effects of one appointment keep their order."""
    return f"{APPOINTMENT_STREAM}{appointment_id}"


def waiting_stream(entry_id: int) -> str:
    """The Outbox stream in which the offers to one waiting-list entry keep their order."""
    return f"waiting:{entry_id}"


def user_stream(user_id: int) -> str:
    """The Outbox stream in which the effects on one account keep their order."""
    return f"user:{user_id}"
