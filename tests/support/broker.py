"""A broker to publish to, and what lies in its queues."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import pytest
from kombu import pools
from redis import Redis

from core.celery import app


class Message(NamedTuple):
    """A task as it waits in its queue; `eta` is None for one that may run at once."""

    task: str
    args: list[object]
    eta: datetime | None


@contextmanager
def publishing_to(url: str) -> Iterator[None]:
    """Let the project's Celery app use this broker, over fresh connections."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELERY_BROKER_URL", url)
        forget_connections()
        yield
    forget_connections()


def forget_connections() -> None:
    """End the app's connections to its broker; the next publishing opens one anew."""
    pools.reset()
    app._pool = None
    app.amqp._producer_pool = None


def queued(client: Redis, queue: str) -> list[Message]:
    """The tasks that wait in a queue, oldest first."""
    return [_message(json.loads(raw)) for raw in reversed(client.lrange(queue, 0, -1))]


def _message(raw: dict[str, dict[str, str]]) -> Message:
    args = json.loads(base64.b64decode(raw["body"]))[0]  # type: ignore[arg-type]
    eta = raw["headers"]["eta"]
    return Message(raw["headers"]["task"], args, datetime.fromisoformat(eta) if eta else None)
