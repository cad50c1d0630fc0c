"""What happens by itself when a time has come; called by ETA tasks, the relay, beat and commands."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog
from django.db import transaction
from django.db.models import Exists, Q, QuerySet

from appointments import machine
from appointments.models import Appointment, Assignment, AssignmentStatus
from appointments.policy import Policy, current_policy
from appointments.services.due import due_for, overdue
from appointments.services.reassignment import search_request
from appointments.services.suspension import settle_outages, suspend_for_silence
from appointments.transitions import State, state_of
from core.liveness.services import silent
from core.prepared import prepared
from core.transactions import in_transaction

log = structlog.get_logger(__name__)

# What a batch costs whatever its size is spread over its rows; a request waits for its locks a quarter of a second.
BATCH: Final = 2_000
NOT_STAFFED: Final = "not staffed in time"
Batch = Callable[[Q, int], list[Appointment]]


class Expired(NamedTuple):
    """What an expiry sweep did; appointments and therapists by id."""

    appointments: list[int]
    disabled_therapists: list[int]


def expire_due(
    now: datetime, *, manual: bool = False, where: Q | None = None, clock: Callable[[], datetime] | None = None
) -> Expired:
    """Act on every offer at or past its deadline, in batches; one bad row never stops the others.

    The first batch happens `now`, each later one at a moment of its own by `clock`, without which all happen `now`.
    `manual` (the command and the operator's button) acts even where AUTO_CANCEL_ENABLED is off or a part was silent.
    """
    policy = current_policy()
    if not manual and not policy.auto_cancel:
        return Expired([], [])
    if not manual:
        settle_outages(now)  # whoever sweeps first after an outage, and in this order: a beat may end it in between
    disabled: list[int] = []
    moment = now

    def batch(rows: Q, limit: int) -> list[Appointment]:
        nonlocal moment
        moved, suspended = _expire_batch(moment, policy, rows, limit, manual=manual)
        disabled.extend(suspended)
        moment = clock() if clock else now
        return moved

    moved = in_batches("expire", batch, lambda rows: overdue(moment, policy).filter(rows), where)
    return Expired(moved, disabled)


@in_transaction
def _expire_batch(
    now: datetime, policy: Policy, rows: Q, limit: int, *, manual: bool
) -> tuple[list[Appointment], list[int]]:
    opened = {"open": policy.open_requests, "opened_at": now if policy.open_requests else None}
    moved = machine.apply_many(
        "expire",
        now,
        limit=limit,
        where=rows,
        policy=policy,
        order="response_deadline",
        planned={"changes": {"auto_cancelled_at": now}},
        also={"expire_request": {"changes": opened}},
    )
    expired = [appointment for appointment in moved if state_of(appointment) is State.AUTO_CANCELLED]
    suspended: set[int] = set()
    if policy.auto_disable and expired:
        suspended = suspend_for_silence(_blamed(expired, now, manual=manual), policy, now)
    if policy.auto_reassign:
        for appointment in expired:
            _search_again(appointment, now, policy)
    return moved, sorted(suspended)


def _blamed(expired: list[Appointment], now: datetime, *, manual: bool) -> list[Appointment]:
    """Those whose therapist had the full time, and whom the offer had reached as far as we can know.

    Who is suspended already is not blamed again, and while a part is silent nobody is.
    """
    known = set(_had_full_time(now) if manual else _had_full_time_and_were_told(now))
    return [appointment for appointment in expired if (appointment.pk, appointment.therapist_id) in known]


@prepared
def _had_full_time(now: datetime) -> QuerySet[Assignment, tuple[int, int]]:
    rows = Assignment.objects.filter(full_clock=True, therapist__is_active=True)
    return rows.filter(ended_at=now, status=AssignmentStatus.EXPIRED).values_list("appointment_id", "therapist_id")


@prepared
def _had_full_time_and_were_told(now: datetime) -> QuerySet[Assignment, tuple[int, int]]:
    rows: QuerySet[Assignment, tuple[int, int]] = _had_full_time.build(now)
    return rows.filter(~Exists(silent(now)), notified_at__isnull=False)


def _search_again(appointment: Appointment, now: datetime, policy: Policy) -> None:
    if now < appointment.start:
        changes, tasks = search_request(appointment, uuid.uuid4(), now)
        machine.apply("search_again", appointment, None, now, changes=changes, tasks=tasks, policy=policy)


def warn_due(now: datetime) -> list[int]:
    """Warn the therapists whose time is running out, live and on the second channel."""
    policy = current_policy()

    def planned(appointment: Appointment) -> dict[str, Any]:
        return {
            "assignment_values": {"warned_at": now},
            "changes": {},
            "tasks": [("send_offer", {"appointment": appointment.pk, "occasion": "warn"})],
        }

    def batch(rows: Q, limit: int) -> list[Appointment]:
        return machine.apply_many("warn", now, limit=limit, where=rows, policy=policy, planned=planned)

    return in_batches("warn", batch, lambda rows: due_for(("warn",), now, policy).filter(rows))


def miss_due(now: datetime) -> list[int]:
    """Mark as missed what nobody began within the grace."""
    return _sweep("miss", now, {"changes": {"missed_at": now}})


def lapse_due(now: datetime) -> list[int]:
    """Cancel what has no therapist by its start."""
    columns = {"cancellation_reason": NOT_STAFFED, "cancelled_at": now}
    return _sweep("lapse", now, {"changes": columns, "notes": NOT_STAFFED})


def _sweep(name: str, now: datetime, planned: dict[str, Any]) -> list[int]:
    policy = current_policy()

    def batch(rows: Q, limit: int) -> list[Appointment]:
        # By id PostgreSQL would read the whole table: it expects many of the past's rows to be due, and finds none.
        return machine.apply_many(name, now, limit=limit, where=rows, policy=policy, planned=planned, order="start")

    return in_batches(name, batch, lambda rows: due_for((name,), now, policy).filter(rows))


def in_batches(
    name: str, batch: Batch, due: Callable[[Q], Any], where: Q | None = None, size: int = BATCH
) -> list[int]:
    """Run `batch` until nothing is due; rows of a batch that fails are then tried one by one."""
    moved: list[int] = []
    only = where or Q()
    while True:
        try:
            done = batch(only, size)
        except Exception:  # found out one by one below, where each failure is logged with its id
            log.exception("sweep.batch_failed", sweep=name)
            return moved + _one_by_one(name, batch, list(due(only).values_list("pk", flat=True)[: 4 * size]))
        moved += [appointment.pk for appointment in done]
        if len(done) < size:
            return moved


def _one_by_one(name: str, batch: Batch, ids: list[int]) -> list[int]:
    moved: list[int] = []
    for pk in ids:
        try:
            with transaction.atomic():
                moved += [appointment.pk for appointment in batch(Q(pk=pk), 1)]
        except Exception:  # one bad row never stops a sweep
            log.exception("sweep.row_failed", sweep=name, appointment=pk)
    return moved


def deadlines_to_arm(now: datetime, horizon: timedelta) -> list[int]:
    """Assignments whose deadline comes within the horizon and for which no ETA task was published yet."""
    return list(
        Assignment.objects.filter(
            ended_at__isnull=True,
            status="offered",
            armed_for__isnull=True,
            appointment__response_deadline__lte=now + horizon,
        ).values_list("pk", flat=True)[:10_000]
    )
