"""What a row of the suite is, and how its figures are compared: ratios within one run on one machine."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One ratio with its goal; `detail` says what the ratio was made of."""

    what: str
    measured: float
    goal: float
    detail: str
    at_least: bool = True

    @property
    def ok(self) -> bool:
        """Tell whether the goal was reached."""
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    def as_json(self) -> dict[str, object]:
        """For the file of a run."""
        return {**asdict(self), "ok": self.ok}

    def cells(self) -> tuple[str, str, str, str, str]:
        """The columns of the table."""
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
