from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

import structlog
from django.db import transaction

from core.inserting import insert_many
from core.outbox.models import Lane, OutboxEntry
from core.outbox.waking import wake_relay

_COLUMNS = ("lane", "kind", "payload", "stream", "created_at", "available_at", "attempts", "last_error", "request_id")


class Effect(NamedTuple):
    """What an Outbox row will hold: `kind` names the handler's verb, `stream` orders it among its like.

    `request_id` is that of the request it came of, where that is not the one at work.
    """

    lane: Lane
    kind: str
    payload: Mapping[str, Any]
    stream: str
    request_id: str = ""


def write(lane: Lane, kind: str, payload: Mapping[str, Any], *, stream: str, now: datetime) -> None:
    """Promise one effect inside the caller's transaction."""
    write_many([Effect(lane, kind, payload, stream)], now=now)


def write_many(effects: Iterable[Effect], *, now: datetime) -> None:
    """Promise effects inside the caller's transaction, in the order given; the relay is woken after the commit.

    They may be made while they are written, as long as that reads no database.
    """
    here = _request_id()
    rows = (
        (each.lane.value, str(each.kind), each.payload, each.stream, now, now, 0, "", each.request_id or here)
        for each in effects
    )
    first = next(rows, None)
    if first is not None:
        insert_many(OutboxEntry, _COLUMNS, chain((first,), rows))
        transaction.on_commit(wake_relay)


def _request_id() -> str:
    """The id under which the log speaks of the request that is at work here, or of the one that a task came of."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
