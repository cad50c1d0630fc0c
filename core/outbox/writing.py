from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from core.inserting import insert_many
from core.outbox.models import Lane, OutboxEntry
from core.outbox.waking import wake_relay

_COLUMNS = ("lane", "kind", "payload", "stream", "created_at", "available_at", "attempts", "last_error")


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
    rows = [(lane.value, str(kind), payload, stream, now, now, 0, "") for lane, kind, payload, stream in effects]
    if rows:
        insert_many(OutboxEntry, _COLUMNS, rows)
        transaction.on_commit(wake_relay)
