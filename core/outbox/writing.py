from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from core.outbox.models import Lane, OutboxEntry
from core.outbox.waking import wake_relay

BATCH = 1_000


class Effect(NamedTuple):
    """What an Outbox row will hold: `kind` names the handler's verb, `stream` orders it among its like."""

    lane: Lane
    kind: str
    payload: Mapping[str, Any]
    stream: str


def write(lane: Lane, kind: str, payload: Mapping[str, Any], *, stream: str, now: datetime) -> None:
    """Promise one effect inside the caller's transaction."""
    write_many([Effect(lane, kind, payload, stream)], now=now)


def write_many(effects: Iterable[Effect], *, now: datetime) -> None:
    """Promise effects inside the caller's transaction, in the order given; the relay is woken after the commit."""
    entries = [
        OutboxEntry(lane=lane, kind=kind, payload=dict(payload), stream=stream, created_at=now, available_at=now)
        for lane, kind, payload, stream in effects
    ]
    if entries:
        OutboxEntry.objects.bulk_create(entries, batch_size=BATCH)
        transaction.on_commit(wake_relay)
