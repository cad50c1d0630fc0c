"""The heartbeat of a process that has no event loop."""

import threading
import time

import structlog
from django.db import connection
from django.utils import timezone

from core.liveness.models import Part
from core.liveness.services import BEAT_EVERY, beat

log = structlog.get_logger(__name__)


def start_heart(part: Part) -> None:
    """Report that `part` lives for as long as this process does, from a daemon thread."""
    threading.Thread(target=_run, args=(part,), name=f"heart-{part}", daemon=True).start()


def _run(part: Part) -> None:
    while True:
        try:
            beat(part, timezone.now())
        except Exception as error:  # a heart that stops for one failure would make the process look dead
            log.warning("heartbeat.failed", error=type(error).__name__)
        connection.close()
        time.sleep(BEAT_EVERY.total_seconds())
