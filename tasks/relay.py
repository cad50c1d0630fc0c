"""The process that carries out what the database promises: Outbox rows, and deadlines that have come.

Each duty has a thread of its own, so a stalled broker delays neither notifications nor deadlines.
"""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import timezone

from appointments.services import suspension, sweeps, vacancies
from core.liveness.models import Part
from core.liveness.pulse import pulse
from core.liveness.services import BEAT_EVERY, beat
from core.outbox.draining import BATCH, drain
from core.outbox.models import Lane
from core.outbox.waking import CHANNEL

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 0.05
# Of whoever is woken the poll only covers a lost hint and back-offs.
WOKEN_POLL_SECONDS: Final = 0.25
WATCH_SECONDS: Final = 0.02
SWEEP_SECONDS: Final = 1.0
AFTER_FAILURE_SECONDS: Final = 1.0
STOP_SECONDS: Final = 2.0
# A heartbeat is one small statement; a sweep after a long outage may take its time.
BEAT_PATIENCE: Final = 15
PATIENCE: Final = 60


def _expire_due(now: datetime) -> object:
    return sweeps.expire_due(now, clock=timezone.now)


# Outages first: a deadline that an outage moves is not yet due.
SWEEPS: Final[tuple[Callable[[datetime], object], ...]] = (
    suspension.settle_outages,
    _expire_due,
    sweeps.warn_due,
    sweeps.lapse_due,
    sweeps.miss_due,
    vacancies.expire_due,
    suspension.withdraw_stranded_offers,
)


class StuckError(Exception):
    """A duty hangs, as on a connection that died without a word; only a new process helps."""


@dataclass
class Duty:
    """`silent` counts the seconds since it last went round, as `Relay.run` sees them: a stopped process counts none."""

    name: str
    work: Callable[["Duty"], None]
    patience: int = PATIENCE
    silent: int = 0


class Relay:
    """Runs until `stop` is set; every duty survives the loss of the database and goes on."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self._promised = {lane: threading.Event() for lane in Lane}
        self._listening = threading.Event()
        self._duties = [Duty("sweep", self._sweep), Duty("beat", self._beat, BEAT_PATIENCE)]
        self._duties += [Duty(lane.value, partial(self._drain, lane)) for lane in Lane]
        self._duties.append(Duty("listen", self._listen if connection.vendor == "postgresql" else self._watch))

    def run(self) -> None:
        """Start all duties and wait for the end. Raises StuckError when one of them hangs."""
        threads = [threading.Thread(target=self._guarded, args=(duty,), daemon=True) for duty in self._duties]
        for thread in threads:
            thread.start()
        while not self.stop.wait(1.0):
            pulse()
            for duty in self._duties:
                duty.silent += 1
                if duty.silent > duty.patience:
                    raise StuckError(duty.name)
        self._wake()
        end = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _guarded(self, duty: Duty) -> None:
        while not self.stop.is_set():
            try:
                duty.work(duty)
            except DatabaseError as error:
                log.warning("relay.database_failed", duty=duty.name, error=type(error).__name__)
            except Exception:  # a duty never ends before the process does
                log.exception("relay.duty_failed", duty=duty.name)
            duty.silent = 0
            connection.close()
            self.stop.wait(AFTER_FAILURE_SECONDS)

    def _drain(self, lane: Lane, duty: Duty) -> None:
        promised = self._promised[lane]
        while not self.stop.is_set():
            duty.silent = 0
            promised.clear()
            drained = drain(lane, timezone.now(), timezone.now)
            if drained.done >= BATCH:
                continue
            if not drained.reachable:
                self.stop.wait(AFTER_FAILURE_SECONDS)
            elif not drained.done:
                promised.wait(WOKEN_POLL_SECONDS if self._listening.is_set() else POLL_SECONDS)

    def _sweep(self, duty: Duty) -> None:
        while not self.stop.is_set():
            for sweep in SWEEPS:
                duty.silent = 0
                _sweep_apart(sweep, timezone.now())
            self.stop.wait(SWEEP_SECONDS)

    def _beat(self, duty: Duty) -> None:
        while not self.stop.is_set():
            beat(Part.RELAY, timezone.now())
            duty.silent = 0
            self.stop.wait(BEAT_EVERY.total_seconds())

    def _listen(self, duty: Duty) -> None:
        """Wake the drains by NOTIFY, over a connection outside the pool that nobody else uses."""
        database: Any = connection
        with database.wrap_database_errors:
            with closing(database.Database.connect(**database.get_connection_params(), autocommit=True)) as own:
                own.execute(f"LISTEN {CHANNEL}")
                self._listening.set()
                try:
                    while not self.stop.is_set():
                        duty.silent = 0
                        for _ in own.notifies(timeout=1.0, stop_after=1):
                            self._wake()
                finally:
                    self._listening.clear()

    def _watch(self, duty: Duty) -> None:
        """Wake the drains when another connection has committed to SQLite: it counts, and asking takes no lock."""
        self._listening.set()
        try:
            with connection.cursor() as cursor:
                seen = None
                while not self.stop.wait(WATCH_SECONDS):
                    duty.silent = 0
                    cursor.execute("PRAGMA data_version")
                    version = cursor.fetchone()
                    if version != seen:
                        self._wake()
                    seen = version
        finally:
            self._listening.clear()

    def _wake(self) -> None:
        for promised in self._promised.values():
            promised.set()


def _sweep_apart(sweep: Callable[[datetime], object], now: datetime) -> None:
    """Run one sweep; its failure holds no other up, unless the database itself is away."""
    try:
        sweep(now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("relay.sweep_failed", sweep=getattr(sweep, "__name__", "sweep"))
