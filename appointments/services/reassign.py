"""The operator's "find somebody else"."""

import uuid
from datetime import datetime

from appointments import machine
from appointments.models import Appointment, ReviewDecision
from appointments.services.assignment import offer_to
from appointments.services.offers import lock_therapist
from appointments.services.reassignment import search_request
from appointments.services.review import review
from appointments.transitions import State, state_of
from core.accounts.models import User
from core.transactions import in_transaction


@in_transaction
def reassign(
    appointment_id: int,
    actor: User,
    now: datetime,
    therapist_id: int | None = None,
    version: int | None = None,
) -> Appointment:
    """End the live assignment and search, or offer to `therapist_id` at once; a waiting rejection is accepted.

    Raises InvalidInput before anything else, TherapistUnavailable, Conflict.
    """
    appointment = machine.lock(appointment_id, actor)
    if therapist_id is not None:
        lock_therapist(therapist_id, appointment.institution_id)
    state = state_of(appointment)
    changes, tasks = search_request(appointment, uuid.uuid4(), now) if therapist_id is None else ({}, [])
    if state is State.REJECTED:
        review(
            appointment,
            ReviewDecision.ACCEPT,
            actor,
            now,
            version=version,
            search=therapist_id is None,
            accept_row="reassign_rejected",
        )
    elif therapist_id is not None and state in {State.UNASSIGNED, State.AUTO_CANCELLED} and not appointment.search_id:
        return offer_to(appointment, therapist_id, actor, now, version)
    else:
        machine.apply("reassign", appointment, actor, now, version=version, changes=changes, tasks=tasks)
    return appointment if therapist_id is None else offer_to(appointment, therapist_id, actor, now)
