"""One transaction per service call, tried again when the database asks for it."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 3
# serialization_failure and deadlock_detected: the transaction did nothing wrong and may simply run again.
RETRYABLE_SQLSTATES = frozenset({"40001", "40P01"})


def in_transaction(service: Callable[P, R]) -> Callable[P, R]:
    """Run `service` atomically; outermost calls are repeated on a deadlock, at most three times in all."""

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        nested = connection.in_atomic_block
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with transaction.atomic():
                    return service(*args, **kwargs)
            except OperationalError as error:
                if nested or attempt == ATTEMPTS or not is_retryable(error):
                    raise
        raise AssertionError("unreachable")

    return run


def is_retryable(error: OperationalError) -> bool:
    """Tell whether PostgreSQL ended the transaction only because of its timing."""
    return getattr(error.__cause__, "sqlstate", None) in RETRYABLE_SQLSTATES
