"""Retention: the audit of what is long over moves out into files, what nobody can use any more is deleted."""

import gzip
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.contrib.sessions.models import Session
from django.core import serializers
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, QuerySet

from appointments.models import HELD, Appointment, AppointmentLog
from core.accounts.models import AccountLog
from core.outbox.models import OutboxEntry
from core.web.idempotency import forgettable
from realtime import inbox

BATCH: Final = 500
# The auditor and people's devices still look at what is younger, whatever date is given.
YOUNGEST: Final = timedelta(days=1)


class Exact(DjangoJSONEncoder):
    """Instants to the microsecond, where Django's own stops at the millisecond."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


class Archived(NamedTuple):
    """One step: what it is about, and how many rows it took away."""

    what: str
    rows: int


class Archive:
    """Takes away what is older than `before`; files (jsonl.gz, for `loaddata`) go `into` a directory.

    With `dry_run` it only counts. A file is safe on disk before the rows are gone: after a crash in between, rows are
    in the file and in the database, and the next run writes them once more.
    """

    def __init__(self, before: datetime, into: Path, now: datetime, *, dry_run: bool = False) -> None:
        self.before = min(before, now - YOUNGEST)
        self.now, self.into, self.dry_run = now, into, dry_run

    def run(self) -> Iterator[Archived]:
        """Do it, saying each step once it is committed."""
        yield from self._logs()
        for rows in (
            AccountLog.objects.filter(timestamp__lt=self.before),
            # It has failed again and again and keeps back whatever follows in its stream.
            OutboxEntry.objects.filter(created_at__lt=self.before, attempts__gt=0),
        ):
            yield Archived(f"{rows.model._meta.verbose_name} rows", self._move_all(rows))
        old = inbox.forgettable(self.before)
        yield Archived("notifications", old.count() if self.dry_run else inbox.forget(self.before))
        for what, gone in (
            ("idempotency keys", forgettable(self.now)),
            ("ended sessions", Session.objects.filter(expire_date__lt=self.now)),
        ):
            yield Archived(what, gone.count() if self.dry_run else gone.delete()[0])

    def _logs(self) -> Iterator[Archived]:
        """The timelines of appointments that are over, each whole or not at all."""
        lively = AppointmentLog.objects.filter(appointment=OuterRef("pk"), timestamp__gte=self.before)
        any_log = AppointmentLog.objects.filter(appointment=OuterRef("pk"))
        over = Appointment.objects.filter(Exists(any_log), ~Exists(lively), end__lt=self.before)
        over = over.exclude(status__in=HELD).order_by("pk")
        last = 0
        while ids := list(over.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
            last = ids[-1]
            logs = AppointmentLog.objects.filter(appointment_id__in=ids)
            counts: dict[int, int] = dict.fromkeys(ids, 0)
            for pk in logs.values_list("appointment_id", flat=True):
                counts[pk] += 1
            self._move(logs)
            for pk, count in counts.items():
                yield Archived(f"log rows of appointment {pk}", count)

    def _move_all(self, rows: "QuerySet[Any]") -> int:
        if self.dry_run:
            return rows.count()
        total = 0
        while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
            total += len(ids)
            self._move(rows.model._default_manager.filter(pk__in=ids))
        return total

    @transaction.atomic
    def _move(self, rows: "QuerySet[Any]") -> None:
        if self.dry_run:
            return
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL appointments.archiving = 'on'")
        kept = list(rows.select_for_update().order_by("pk"))
        self._write(rows.model, kept)
        rows.model._default_manager.filter(pk__in=[row.pk for row in kept]).delete()

    def _write(self, model: type[Model], rows: list[Any]) -> None:
        self.into.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.into / f"{model._meta.model_name}-{self.before:%Y-%m-%d}.jsonl.gz"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as file:
            with gzip.open(file, "wt", encoding="utf-8") as lines:
                serializers.serialize("jsonl", rows, stream=lines, cls=Exact)
            file.flush()
            os.fsync(file.fileno())
