"""Carrying Outbox rows out: at least once, in order within a stream, several relays at a time."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from structlog.contextvars import bound_contextvars

from core.outbox.models import Lane, OutboxEntry

log = structlog.get_logger(__name__)

BATCH: Final = 200
# Longer than a batch takes, shorter than the 10 s in which a dead relay's work must be taken over.
LEASE: Final = timedelta(seconds=6)
UNREACHABLE_PAUSE: Final = timedelta(seconds=1)
LONGEST_BACK_OFF: Final = timedelta(seconds=30)


class UnreachableError(Exception):
    """The other side (a broker) does not answer: nothing is wrong with the row, the lane has to wait."""


class Drained(NamedTuple):
    """`done` rows carried out and gone, `failed` ones put back; `reachable` is false when the lane has to wait."""

    done: int
    failed: int
    reachable: bool = True


@dataclass(frozen=True)
class TransactionalHandler:
    """Effects inside the database: `deliver(entries)` runs in the transaction that deletes the rows."""

    deliver: Callable[[Sequence[OutboxEntry]], None]


@dataclass(frozen=True)
class LeasedHandler:
    """Effects outside the database: `deliver(entry)` runs outside any transaction, under a lease on the row."""

    deliver: Callable[[OutboxEntry], None]


_handlers: dict[Lane, TransactionalHandler | LeasedHandler] = {}


def register(lane: Lane, handler: TransactionalHandler | LeasedHandler) -> None:
    """Name the one who carries `lane` out; called from `AppConfig.ready`."""
    _handlers[lane] = handler


def drain(lane: Lane, now: datetime, clock: Callable[[], datetime], limit: int = BATCH) -> Drained:
    """Carry out at most `limit` due rows of `lane`; a bad row backs off and never stops the others."""
    handler = _handlers[lane]
    if isinstance(handler, TransactionalHandler):
        return _drain_in_transaction(lane, handler, now, limit)
    return _drain_leased(lane, handler, now, clock, limit)


def heads(lane: Lane, now: datetime) -> QuerySet[OutboxEntry]:
    """The due rows of `lane` that wait for no earlier row of their stream, oldest first."""
    earlier = OutboxEntry.objects.filter(lane=OuterRef("lane"), stream=OuterRef("stream"), id__lt=OuterRef("id"))
    return OutboxEntry.objects.filter(~Exists(earlier), lane=lane, available_at__lte=now).order_by("id")


def _drain_in_transaction(lane: Lane, handler: TransactionalHandler, now: datetime, limit: int) -> Drained:
    try:
        done = _deliver_locked(handler, heads(lane, now), limit)
    except Exception:  # the rows are tried one by one below, where each failure is logged
        log.exception("outbox.batch_failed", lane=lane)
    else:
        return Drained(done, 0)
    done = failed = 0
    for entry in list(heads(lane, now)[:limit]):
        try:
            done += _deliver_locked(handler, heads(lane, now).filter(id=entry.id), 1)
        except Exception as error:
            failed += 1
            _back_off(entry, error, now)
    return Drained(done, failed)


@transaction.atomic
def _deliver_locked(handler: TransactionalHandler, rows: QuerySet[OutboxEntry], limit: int) -> int:
    entries = list(rows.select_for_update(skip_locked=True)[:limit])
    if entries:
        # First, for what `deliver` locks other relays wait for.
        OutboxEntry.objects.filter(id__in=[entry.id for entry in entries]).delete()
        handler.deliver(entries)
    return len(entries)


def _drain_leased(
    lane: Lane, handler: LeasedHandler, now: datetime, clock: Callable[[], datetime], limit: int
) -> Drained:
    entries = _lease(lane, now, limit)
    done: list[int] = []
    failed = 0
    reachable = True
    rest: list[int] = []
    for position, entry in enumerate(entries):
        if clock() - now > LEASE / 2:
            rest = [late.id for late in entries[position:]]
            break
        try:
            with _in_the_name_of(entry):
                handler.deliver(entry)
        except UnreachableError as error:
            log.warning("outbox.unreachable", lane=lane, error=str(error)[:200])
            reachable, rest = False, [late.id for late in entries[position:]]
            break
        except Exception as error:
            failed += 1
            _back_off(entry, error, clock())
        else:
            done.append(entry.id)
    if done:
        OutboxEntry.objects.filter(id__in=done).delete()
    if rest:
        again_at = clock() if reachable else clock() + UNREACHABLE_PAUSE
        OutboxEntry.objects.filter(id__in=rest).update(available_at=again_at)
    return Drained(len(done), failed, reachable)


@transaction.atomic
def _lease(lane: Lane, now: datetime, limit: int) -> list[OutboxEntry]:
    entries = list(heads(lane, now).select_for_update(skip_locked=True)[:limit])
    if entries:
        OutboxEntry.objects.filter(id__in=[entry.id for entry in entries]).update(available_at=now + LEASE)
    return entries


def _in_the_name_of(entry: OutboxEntry) -> AbstractContextManager[object]:
    """The log, and tasks that are published, carry the id of the request that the entry came of."""
    known = {"request_id": entry.request_id} if entry.request_id else {}
    return bound_contextvars(**known)


def _back_off(entry: OutboxEntry, error: Exception, now: datetime) -> None:
    delay = min(LONGEST_BACK_OFF, timedelta(seconds=0.5 * 2 ** min(entry.attempts, 10)))
    with _in_the_name_of(entry):
        log.error("outbox.entry_failed", entry=entry.id, lane=entry.lane, kind=entry.kind, exc_info=error)
    OutboxEntry.objects.filter(id=entry.id).update(
        attempts=F("attempts") + 1, available_at=now + delay, last_error=type(error).__name__
    )
