"""Doing things at the same instant, on real connections."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def at_once(moves: Sequence[Callable[[], T]], seconds: float = 60) -> list[T | BaseException]:
    """Let every move begin at the same instant in a thread of its own; results (or what was raised) in their order."""
    start = threading.Barrier(len(moves))
    results: list[T | BaseException] = [TimeoutError() for _ in moves]

    def run(place: int, move: Callable[[], T]) -> None:
        try:
            start.wait(seconds)
            results[place] = move()
        except BaseException as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place, move), daemon=True) for place, move in enumerate(moves)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    return results
