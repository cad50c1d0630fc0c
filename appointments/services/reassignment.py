"""Asking for another therapist, and the search that the reassignment task runs."""

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction

from appointments import machine
from appointments.errors import Conflict, NotFound
from appointments.models import Appointment, AppointmentStatus, Origin
from appointments.policy import Policy, current_policy
from appointments.selectors.free_therapists import candidates
from appointments.services.offers import lock_therapist, offer_columns, require_available
from appointments.transitions import State, state_of
from core.outbox.models import Lane
from core.outbox.writing import Effect, write_many
from core.transactions import in_transaction

NOBODY = "no therapist available"


def search_request(
    appointment: Appointment, search_id: uuid.UUID, now: datetime
) -> tuple[dict[str, Any], list[machine.Task]]:
    """The columns and the task that start a search."""
    columns = {"search_id": search_id, "search_requested_at": now}
    return columns, [("reassign", {"appointment": appointment.pk, "search_id": str(search_id)})]


@in_transaction
def search(appointment_id: int, search_id: uuid.UUID, now: datetime) -> Appointment | None:
    """Offer the appointment to the best free therapist, or cancel it; None when this search is no longer wanted."""
    policy = current_policy()
    try:
        appointment = machine.lock(appointment_id, None)
    except NotFound:
        return None
    if state_of(appointment) is not State.UNASSIGNED or appointment.search_id != search_id:
        return None
    if now < appointment.start and _system_offers(appointment) < policy.max_reassignments:
        for candidate in candidates(appointment, now, policy.answer_rate_over):
            if candidate.published and _offer(appointment, candidate.id, now, policy):
                return appointment
    return machine.apply(
        "search_empty",
        appointment,
        None,
        now,
        changes={"cancellation_reason": NOBODY, "cancelled_at": now},
        notes=NOBODY,
    )


def _system_offers(appointment: Appointment) -> int:
    return appointment.assignments.filter(origin=Origin.SYSTEM).count()


def _offer(appointment: Appointment, therapist_id: int, now: datetime, policy: Policy) -> bool:
    """Offer to one candidate; False when they were taken between the query and the lock."""
    try:
        therapist = lock_therapist(therapist_id, appointment.institution_id)
        require_available(therapist, appointment.start, appointment.end, now)
        columns, assignment = offer_columns(appointment, therapist, Origin.SYSTEM, now, policy)
        with transaction.atomic():  # a refusal by the database must not end the search
            machine.apply("search_found", appointment, None, now, changes=columns, assignment_values=assignment)
    except Conflict:
        return False
    return True


def restart_stuck_searches(now: datetime) -> int:
    """Promise the task again for searches that have waited too long; returns how many."""
    stuck = Appointment.objects.filter(
        status=AppointmentStatus.PENDING,
        search_id__isnull=False,
        search_requested_at__lte=now - current_policy().search_stuck_after,
    )
    return _promise_searches(list(stuck.order_by("search_requested_at")[:500]), now)


@in_transaction
def _promise_searches(stuck: list[Appointment], now: datetime) -> int:
    # Asked for anew only by whoever moves the request's time, so that two sweeps promise it once.
    promised = []
    for row in stuck:
        mine = Appointment.objects.filter(
            pk=row.pk, search_id=row.search_id, search_requested_at=row.search_requested_at
        )
        if mine.update(search_requested_at=now):
            payload = {"appointment": row.pk, "search_id": str(row.search_id)}
            promised.append(Effect(Lane.TASKS, "reassign", payload, f"search:{row.pk}"))
    write_many(promised, now=now)
    return len(promised)
