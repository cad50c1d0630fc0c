"""Asking the broker, quickly or not at all."""

from typing import Any, Final

import structlog
from django.conf import settings

from core.celery import app

log = structlog.get_logger(__name__)

QUEUES: Final = ("default", "deadlines", "notifications")


def failure() -> str:
    """Why the broker does not work, as the name of an error; empty when it does."""
    try:
        with _connection() as link, link.channel() as channel:
            if not is_amqp():  # a round trip, so that a stalled broker is seen; a channel of AMQP is one already
                channel.client.ping()
    except Exception as error:  # whatever the transport raises, the broker does not work
        return type(error).__name__
    return ""


def queue_lengths() -> dict[str, float] | None:
    """How many tasks wait in each queue, not counting those that a worker holds; None when the broker is away."""
    try:
        with _connection() as link:
            return {queue: _length(link, queue) for queue in QUEUES}
    except Exception as error:  # as above
        log.warning("broker.unreachable", error=type(error).__name__)
        return None


def _length(link: Any, queue: str) -> float:
    """A queue that nobody has declared yet is empty; asking ends an AMQP channel, so each has its own."""
    try:
        with link.channel() as channel:
            return float(channel.queue_declare(queue, passive=True).message_count)
    except link.channel_errors:
        return 0.0


def _connection() -> Any:
    link = app.connection_for_write(connect_timeout=1)
    link.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    return link


def is_amqp() -> bool:
    """Whether the broker speaks AMQP; else it is a Redis."""
    return "amqp" in settings.CELERY_BROKER_URL.partition("://")[0]
