"""What a row of the suite is, and how its figures are compared: ratios within one run on one machine."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One ratio with its goal; `detail` says what the ratio was made of. Without a goal it is there to be known."""

    what: str
    measured: float
    goal: float | None
    detail: str
    at_least: bool = True

    @property
    def ok(self) -> bool:
        """Tell whether the goal was reached."""
        if self.goal is None:
            return True
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    def as_json(self) -> dict[str, object]:
        """For the file of a run."""
        return {**asdict(self), "ok": self.ok}

    def cells(self) -> tuple[str, str, str, str, str]:
        """The columns of the table."""
        if self.goal is None:
            return self.what, "", f"{self.measured:.3g}", "", self.detail
        sign = "≥" if self.at_least else "≤"
        verdict = "ok" if self.ok else "MISSED"
        return self.what, f"{sign} {self.goal:.3g}", f"{self.measured:.3g}", verdict, self.detail


@dataclass(frozen=True)
class Row:
    """A named piece of work; `run(quick)` measures it on an empty database."""

    name: str
    work: str
    run: Callable[[bool], list[Figure]]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


class Stopwatch:
    """`seconds` is the length of the block that `timed` has measured."""

    seconds = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """Measure the block."""
    watch = Stopwatch()
    begun = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - begun


def in_turns(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every work in each round, one after another, so that a busy machine slows all alike.

    The first round is not counted: it fills caches.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            with timed() as watch:
                work()
            if number:
                seconds[name].append(watch.seconds)
    return seconds


def medians(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The p50 of each work, measured in turns."""
    return {name: percentile(taken, 50) for name, taken in in_turns(works, rounds).items()}
