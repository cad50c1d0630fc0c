"""A hint to the relay that there is something to do.

NOTIFY inside a transaction takes a lock that serializes all commits of the server, and one per request would
still cost a round trip, so a thread of its own sends it, once for all commits since the last.
Losing the hint is harmless: the relay also polls.
"""

import threading
from typing import Final

import structlog
from django.db import DatabaseError, connection, connections

CHANNEL: Final = "outbox"
log = structlog.get_logger(__name__)


class Waker:
    """Sends NOTIFY from a daemon thread that starts with the first call in this process."""

    def __init__(self) -> None:
        self._pending = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        self._pending.set()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="outbox-waker", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._pending.wait()
            self._pending.clear()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(f"NOTIFY {CHANNEL}")
            except DatabaseError as error:
                log.warning("outbox.wake_failed", error=type(error).__name__)
                connections["default"].close()


_waker = Waker()


def wake_relay() -> None:
    """Hint, from any thread and at no cost to it, that Outbox rows were committed."""
    if connection.vendor == "postgresql":
        _waker.wake()
