"""Beat as a single one: it ticks only while it holds the lease, and says that it lives only when it ticks."""

import time
import uuid
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import structlog
from django.db import DatabaseError, close_old_connections
from django.utils import timezone
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from core.liveness.models import Part
from core.liveness.pulse import pulse
from core.liveness.services import BEAT_EVERY, beat, give_lease_back, hold_lease

log = structlog.get_logger(__name__)

# A killed beat is started again, or relieved by another one, within 10 s.
LEASE: Final = timedelta(seconds=7)
LONGEST_SLEEP: Final = 1.0


class RunEntry(ModelEntry):
    """An entry whose run is written down by itself."""

    def save(self) -> None:
        """Write the run, and nothing else: the library's own way takes back what an admin saves in the same moment."""
        run = {"last_run_at": self.model.last_run_at, "total_run_count": self.model.total_run_count}
        type(self.model).objects.filter(pk=self.model.pk).update(**run)


class SingleScheduler(DatabaseScheduler):
    """A second beat waits; it takes over when the first ends, or has been silent for the length of the lease."""

    Entry = RunEntry

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._holder = uuid.uuid4().hex
        self._renewed = float("-inf")
        self._mine = False
        super().__init__(*args, **kwargs)
        self.max_interval = LONGEST_SLEEP

    def install_default_entries(self, data: Any) -> None:
        """Add nothing: Celery's own entry cleans up results, and there are none."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, while this beat is the one; returns the seconds to sleep."""
        pulse()
        led = self._mine
        if not self._leads():
            return LONGEST_SLEEP
        if not led:
            self._read_anew()
        return min(super().tick(*args, **kwargs), LONGEST_SLEEP)

    def close(self) -> None:
        """End, and let the next one begin at once."""
        super().close()
        if self._mine:
            with suppress(DatabaseError):  # then the lease lapses by itself
                give_lease_back(Part.BEAT, self._holder)

    def _ensure_connected(self) -> Any:
        """Waits for the broker, as the library does, and goes on giving signs of life meanwhile."""

        def still_away(error: Exception, seconds: float) -> None:
            pulse()
            log.warning("beat.broker_away", error=type(error).__name__, again_in=seconds)

        return self.connection.ensure_connection(still_away, self.app.conf.broker_connection_max_retries)

    def _leads(self) -> bool:
        """Tell whether this beat holds the lease; renews it, and the heartbeat, every few seconds."""
        if self._mine and time.monotonic() - self._renewed < BEAT_EVERY.total_seconds() / 2:
            return True
        asked = time.monotonic()
        try:
            close_old_connections()
            self._mine = hold_lease(Part.BEAT, self._holder, timezone.now(), LEASE)
            if self._mine:
                beat(Part.BEAT, timezone.now())
                self._renewed = asked
        except DatabaseError as error:
            log.warning("beat.database_failed", error=type(error).__name__)
            self._mine = False
        return self._mine

    def _read_anew(self) -> None:
        """Forget what was read while another beat was the one: its runs, and edits that it has seen."""
        self._initial_read = True
        self._heap = None
