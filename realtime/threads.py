"""Database work of the event loop, on a few threads of its own with a connection each."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

# Few: they share the processor with the event loop, and each holds a connection.
THREADS: Final = 4
_pool: Final = ThreadPoolExecutor(THREADS, thread_name_prefix="realtime")


def in_database(work: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """Let the event loop await blocking database work."""

    @wraps(work)
    def connected(*args: P.args, **kwargs: P.kwargs) -> R:
        close_old_connections()
        try:
            return work(*args, **kwargs)
        finally:
            close_old_connections()

    return sync_to_async(connected, thread_sensitive=False, executor=_pool)
