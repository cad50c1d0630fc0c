"""Handing tasks to the broker from the relay: quickly, or not at all for now."""

import socket
from datetime import datetime
from typing import Any, Final

from amqp.exceptions import AMQPError
from celery import Task
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from core.outbox.draining import UnreachableError

BROKER_ERRORS: Final = (KombuError, RedisError, AMQPError, OSError, socket.timeout)


def publish(task: "Task[Any, Any]", *args: int | str, eta: datetime | None = None) -> None:
    """Send the task to its queue. Raises UnreachableError when the broker does not take it."""
    when: dict[str, Any] = {} if eta is None else {"eta": eta}
    try:
        task.apply_async(args=args, retry=False, **when)
    except BROKER_ERRORS as error:
        raise UnreachableError(type(error).__name__) from error
