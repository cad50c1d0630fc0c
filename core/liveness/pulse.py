"""A sign of life for probes on the same machine, which ask neither the database nor the broker."""

from contextlib import suppress
from pathlib import Path

from django.conf import settings


def pulse() -> None:
    """Touch LIVENESS_FILE, where there is one; to be called each second by a process that goes round."""
    if settings.LIVENESS_FILE:
        with suppress(OSError):  # then the probe says so
            Path(settings.LIVENESS_FILE).touch()
