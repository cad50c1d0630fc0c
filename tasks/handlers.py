"""From an Outbox row of the tasks lane to a Celery task; arguments are ids only."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.utils import timezone

from appointments.models import Assignment, AssignmentStatus, WaitingOffer
from appointments.policy import current_policy
from appointments.selectors.waiting_list import LIVE
from core.outbox.models import OutboxEntry
from tasks.arming import arm, arm_waiting
from tasks.notifications import mail, send_offer, send_waiting_offer, tell_account
from tasks.publishing import publish
from tasks.reassignment import reassign_appointment
from tasks.reminders import send_reminder

Payload = Mapping[str, Any]


def deliver(entry: OutboxEntry) -> None:
    """Carry one row out. Raises UnreachableError while the broker is away, KeyError for an unknown kind."""
    HANDLERS[entry.kind](entry.payload)


def _arm_deadline(payload: Payload) -> None:
    assignment = _live_assignment(payload["appointment"])
    if assignment is not None:
        arm([assignment], timezone.now(), current_policy().arming_horizon)


def _reassign(payload: Payload) -> None:
    publish(reassign_appointment, payload["appointment"], payload["search_id"])


def _send_offer(payload: Payload) -> None:
    if "assignment" in payload:
        publish(send_offer, payload["assignment"], payload["occasion"])
        return
    assignment = _live_assignment(payload["appointment"])
    if assignment is not None:
        publish(send_offer, assignment.pk, payload["occasion"])


def _send_reminder(payload: Payload) -> None:
    publish(send_reminder, payload["reminder"])


def _mail(payload: Payload) -> None:
    publish(mail, payload["kind"], payload["id"])


def _tell_account(payload: Payload) -> None:
    publish(tell_account, payload["user"], payload["event"])


def _arm_waiting_offer(payload: Payload) -> None:
    live = WaitingOffer.objects.filter(LIVE, pk=payload["offer"])
    arm_waiting(live, timezone.now(), current_policy().arming_horizon)


def _send_waiting_offer(payload: Payload) -> None:
    publish(send_waiting_offer, payload["offer"])


def _live_assignment(appointment_id: int) -> Assignment | None:
    rows = Assignment.objects.filter(
        appointment_id=appointment_id, status=AssignmentStatus.OFFERED, ended_at__isnull=True
    )
    return rows.select_related("appointment").first()


HANDLERS: Final[Mapping[str, Callable[[Payload], None]]] = {
    "arm_deadline": _arm_deadline,
    "arm_waiting_offer": _arm_waiting_offer,
    "mail": _mail,
    "reassign": _reassign,
    "send_offer": _send_offer,
    "send_reminder": _send_reminder,
    "send_waiting_offer": _send_waiting_offer,
    "tell_account": _tell_account,
}
