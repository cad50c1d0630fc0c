"""Notifications as their reader may see them, now."""

import json
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.utils import translation

from appointments.api.rendering import instant, render_appointments
from appointments.events import EventType
from core.accounts.models import Role, User
from realtime import texts
from realtime.models import Notification

NAMED: Final = ("therapist", "patient")

Appointments = Mapping[int, dict[str, Any]]


def sight(reader: User) -> Hashable:
    """Readers with the same value see every event alike: the operators of one institution and language do."""
    if reader.role == Role.OPERATOR:
        return Role.OPERATOR, reader.institution_id, reader.language
    return reader.pk


@dataclass(frozen=True)
class Told:
    """One event as readers of one sight see it."""

    type: str
    title: str
    message: str
    appointment: int | None
    data: dict[str, Any]
    created_at: datetime

    @cached_property
    def tail(self) -> str:
        """The end of the socket's message, without the opening brace: the same for all who see it alike."""
        shown = {
            "title": self.title,
            "message": self.message,
            "created_at": instant(self.created_at),
            "data": self.data,
        }
        return json.dumps(shown)[1:]


def as_message(told: Told, seq: int, now: datetime) -> str:
    """The message of the socket, as text."""
    return f'{{"type": "{told.type}", "seq": {seq}, "server_time": "{instant(now)}", {told.tail}'


def as_resource(told: Told, row: Notification) -> dict[str, Any]:
    """One result of the list of notifications."""
    return {
        "seq": row.seq,
        "type": told.type,
        "title": told.title,
        "message": told.message,
        "appointment": told.appointment,
        "data": told.data,
        "created_at": instant(told.created_at),
        "delivered_at": instant(row.delivered_at),
        "read_at": instant(row.read_at),
    }


def told_to(reader: User, rows: Iterable[Notification], now: datetime) -> list[Told]:
    """The rows of one reader in the same order, in a constant number of queries."""
    rows = list(rows)
    by_event = told_to_many({reader.pk: reader}, rows, now)
    return [by_event[sight(reader), row.outbox_id] for row in rows]


def told_to_many(
    readers: Mapping[int, User], rows: Sequence[Notification], now: datetime
) -> dict[tuple[Hashable, int], Told]:
    """Every event of the rows, by sight and `outbox_id`: rendered once for all readers who see it alike."""
    samples: dict[Hashable, User] = {}
    wanted: dict[Hashable, dict[int, Notification]] = defaultdict(dict)
    for row in rows:
        reader = readers[row.recipient_id]
        samples.setdefault(sight(reader), reader)
        wanted[sight(reader)].setdefault(row.outbox_id, row)
    names = _names(rows)
    told: dict[tuple[Hashable, int], Told] = {}
    for key, events in wanted.items():
        ids = {row.appointment_id for row in events.values() if row.appointment_id}
        shown = render_appointments(ids, samples[key], now) if ids else {}
        with translation.override(samples[key].language):
            for outbox_id, row in events.items():
                told[key, outbox_id] = _told(row, samples[key], shown, names)
    return told


def _names(rows: Iterable[Notification]) -> dict[int, str]:
    """Names of the people whom events name by id: of accounts, and of the waiting list."""
    ids = {row.data[word] for row in rows for word in NAMED if word in row.data}
    return {user.pk: user.display_name for user in User.objects.filter(pk__in=ids)} if ids else {}


def _told(row: Notification, reader: User, shown: Appointments, names: Mapping[int, str]) -> Told:
    appointment = shown.get(row.appointment_id) if row.appointment_id else None
    data: dict[str, Any] = {**row.data, "appointment": appointment}
    for word in NAMED:
        if word in row.data:
            data[word] = {"id": row.data[word], "name": names.get(row.data[word])}
    if row.type == EventType.REJECTED:
        data["rejection_reason"] = appointment["rejection_reason"] if appointment else None
    return Told(
        type=row.type,
        title=texts.title(row.type),
        message=texts.message(row.type, reader.role, data, open_request=row.open_request),
        appointment=row.appointment_id,
        data=data,
        created_at=row.created_at,
    )
