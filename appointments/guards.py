"""Conditions of a transition, each in two forms that must agree: on a loaded row, and as SQL for the sweeps."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q

from appointments.errors import Conflict, DeadlinePassed, InvalidTransition
from appointments.models import Appointment, Assignment, Origin
from appointments.policy import Policy


@dataclass(frozen=True, slots=True)
class Guard:
    """`holds` decides on a loaded appointment, `where` selects the rows for which it holds."""

    name: str
    refusal: str
    holds: Callable[[Appointment, datetime, Policy], bool]
    where: Callable[[datetime, Policy], Any]
    error: type[Conflict] = InvalidTransition


before_deadline = Guard(
    "before the deadline",
    "The time to answer this offer has passed.",
    lambda a, now, policy: a.response_deadline is not None and now < a.response_deadline,
    lambda now, policy: Q(response_deadline__gt=now),
    error=DeadlinePassed,
)
deadline_reached = Guard(
    "at or after the deadline",
    "The time to answer this offer has not passed yet.",
    lambda a, now, policy: a.response_deadline is not None and a.response_deadline <= now,
    lambda now, policy: Q(response_deadline__lte=now),
)
chosen_by_patient = Guard(
    "the patient chose the therapist",
    "The patient did not choose this therapist.",
    lambda a, now, policy: a.origin == Origin.PATIENT,
    lambda now, policy: Q(origin=Origin.PATIENT),
)
not_chosen_by_patient = Guard(
    "the patient did not choose the therapist",
    "The patient chose this therapist.",
    lambda a, now, policy: a.origin != Origin.PATIENT,
    lambda now, policy: ~Q(origin=Origin.PATIENT),
)
# A new deadline takes the mark off the assignment, so it is warned of again.
UNWARNED = Q(ended_at__isnull=True, warned_at__isnull=True)
warning_due = Guard(
    "at or after `warn_at`",
    "The warning is not due yet.",
    lambda a, now, policy: a.warn_at is not None and a.warn_at <= now and a.assignments.filter(UNWARNED).exists(),
    lambda now, policy: Q(warn_at__lte=now) & Exists(Assignment.objects.filter(UNWARNED, appointment=OuterRef("pk"))),
)
before_start = Guard(
    "before the start",
    "The appointment's start has passed.",
    lambda a, now, policy: now < a.start,
    lambda now, policy: Q(start__gt=now),
)
start_near = Guard(
    "from 15 minutes before the start",
    "It is too early to start this appointment.",
    lambda a, now, policy: now >= a.start - policy.start_early,
    lambda now, policy: Q(start__lte=now + policy.start_early),
)
start_reached = Guard(
    "at or after the start",
    "The appointment has not begun yet.",
    lambda a, now, policy: now >= a.start,
    lambda now, policy: Q(start__lte=now),
)
grace_over = Guard(
    "MISSED_GRACE_MINUTES after the start",
    "The grace after the start is not over yet.",
    lambda a, now, policy: a.start + policy.missed_grace <= now,
    lambda now, policy: Q(start__lte=now - policy.missed_grace),
)
is_open = Guard(
    "open request",
    "This is not an open request.",
    lambda a, now, policy: a.open,
    lambda now, policy: Q(open=True),
)
not_searching = Guard(
    "no search runs",
    "A search for a therapist is already running.",
    lambda a, now, policy: a.search_id is None,
    lambda now, policy: Q(search_id__isnull=True),
)
not_hidden = Guard(
    "not deleted",
    "The appointment was deleted.",
    lambda a, now, policy: a.hidden_at is None,
    lambda now, policy: Q(hidden_at__isnull=True),
)
is_claimed = Guard(
    "claimed",
    "Nobody has claimed this appointment.",
    lambda a, now, policy: a.claimed_by_id is not None,
    lambda now, policy: Q(claimed_by__isnull=False),
)
not_paid = Guard(
    "not paid yet",
    "The appointment is already paid.",
    lambda a, now, policy: not a.is_paid,
    lambda now, policy: Q(is_paid=False),
)
extendable = Guard(
    "the deadline lies before the start",
    "The deadline already lies at the appointment's start.",
    lambda a, now, policy: a.response_deadline is not None and a.response_deadline < a.start - timedelta(seconds=1),
    lambda now, policy: Q(response_deadline__lt=F("start") - timedelta(seconds=1)),
)
