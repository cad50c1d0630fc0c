"""The operator's word on a rejection."""

import uuid
from datetime import datetime

from appointments import machine
from appointments.models import Appointment, ReviewDecision
from appointments.services.reassignment import search_request
from core.accounts.models import User
from core.transactions import in_transaction


@in_transaction
def review_rejection(
    appointment_id: int,
    decision: ReviewDecision,
    actor: User,
    now: datetime,
    notes: str = "",
    version: int | None = None,
) -> Appointment:
    """Accept the rejection (a search begins) or deny it (the therapist must come)."""
    return review(machine.lock(appointment_id, actor), ReviewDecision(decision), actor, now, notes, version)


def review(
    appointment: Appointment,
    decision: ReviewDecision,
    actor: User,
    now: datetime,
    notes: str = "",
    version: int | None = None,
    *,
    search: bool = True,
    accept_row: str = "review_accept",
) -> Appointment:
    """`review_rejection` for an appointment that is already locked; `search` false leaves it to be assigned."""
    data = {"review_decision": decision.value}
    if decision is ReviewDecision.DENY:
        machine.apply("review_deny", appointment, actor, now, version=version, notes=notes, data=data)
    else:
        changes, tasks = search_request(appointment, uuid.uuid4(), now) if search else ({}, [])
        machine.apply(
            accept_row,
            appointment,
            actor,
            now,
            version=version,
            changes=changes,
            notes=notes,
            data=data,
            tasks=tasks,
        )
    appointment.rejections.filter(review_decision__isnull=True).update(
        review_decision=decision, review_notes=notes, reviewed_by=actor, reviewed_at=now
    )
    return appointment
