"""P2 and P3: how late deadlines are acted on, spread out and all at once."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from appointments.models import Appointment, Assignment
from tasks.arming import arm
from tests.benchmarks.measuring import Figure, Row, percentile
from tests.benchmarks.naive import do_nothing, expire_one
from tests.benchmarks.population import Clinic, fresh_statistics, make_clinic, offers, settled
from tests.benchmarks.watching import Watcher
from tests.benchmarks.workers import deadlines_worker, wait_for

PEOPLE = 1_000
BACKGROUND = 10_000
PER_SECOND = 200
# Everything is published before the first deadline comes.
PUBLISHED_PER_SECOND = 150
PATIENCE = 60


class Lags(NamedTuple):
    """In seconds after each deadline: when it was acted on, and when others could see that."""

    acted: list[float]
    seen: list[float]


def spread(quick: bool) -> list[Figure]:
    """P2: a deadline every 5 ms, beside Celery's own lag with a task that does nothing."""
    offsets = [place / PER_SECOND for place in range(600 if quick else 3_000)]
    bare = _bare(offsets)
    ours = _expiries(_clinic(), offsets, _arm)
    figures = []
    for part, goal in ((50, 3.0), (99, 10.0)):
        for what, lags, wanted in (("acted on", ours.acted, goal), ("seen by others", ours.seen, None)):
            ratio = percentile(lags, part) / percentile(bare, part)
            detail = f"{_shown(lags)}; bare Celery {_shown(bare)}"
            figures.append(Figure(f"p{part} {what} against bare Celery", ratio, wanted, detail, False))
    return figures


def at_once(quick: bool) -> list[Figure]:
    """P3: many deadlines in one moment, beside one transaction for each ETA task."""
    offsets = [0.0] * (600 if quick else 3_000)
    clinic = _clinic()
    alone = _expiries(clinic, offsets, _one_each)
    ours = _expiries(clinic, offsets, _arm, SUSPENSION_BREAKER_MIN=1_000_000)
    figures = []
    for what, lags, theirs, wanted in (
        ("acted on", ours.acted, alone.acted, 1 / 30),
        ("seen by others", ours.seen, alone.seen, None),
    ):
        ratio = percentile(lags, 99) / percentile(theirs, 99)
        detail = f"{_shown(lags)}; one transaction a task {_shown(theirs)}"
        figures.append(Figure(f"p99 {what} against one by one", ratio, wanted, detail, False))
    return figures


def _clinic() -> Clinic:
    clinic = make_clinic(PEOPLE)
    settled(clinic, BACKGROUND)
    fresh_statistics()
    return clinic


def _bare(offsets: Sequence[float]) -> list[float]:
    """Celery's own lag for these moments."""
    with deadlines_worker() as worker:
        dues = _dues(offsets)
        for due in dues:
            do_nothing.apply_async(args=(due.timestamp(),), eta=due, queue="deadlines")
        assert timezone.now() < dues[0], "publishing took too long"
        wait_for(lambda: worker.lags.read_text().count("\n") >= len(dues), PATIENCE)
        return [float(line) for line in worker.lags.read_text().split()]


def _expiries(
    clinic: Clinic, offsets: Sequence[float], publish: Callable[[list[Appointment]], object], **settings: object
) -> Lags:
    """Of every offer that expired; one of a therapist who was suspended before that was withdrawn."""
    with deadlines_worker(**settings), Watcher() as watcher:
        dues = _dues(offsets)
        made = offers(clinic, dues)
        publish(made)
        assert timezone.now() < dues[0], "publishing took too long"
        wait_for(lambda: all(each.pk in watcher.seen for each in made), PATIENCE)
    expired = Appointment.objects.filter(pk__in=[each.pk for each in made], auto_cancelled_at__isnull=False)
    acted = dict(expired.values_list("pk", "auto_cancelled_at"))
    due = {each.pk: moment for each, moment in zip(made, dues, strict=True) if each.pk in acted}
    assert len(due) > len(dues) / 2, "few expired"
    return Lags(
        [(acted[pk] - moment).total_seconds() for pk, moment in due.items()],
        [watcher.seen[pk] - moment.timestamp() for pk, moment in due.items()],
    )


def _arm(made: list[Appointment]) -> None:
    live = Assignment.objects.filter(ended_at=None, appointment__in=made).select_related("appointment")
    with transaction.atomic():  # thousands of commits would take longer than there is time
        arm(live, timezone.now(), timedelta(hours=1))


def _one_each(made: list[Appointment]) -> None:
    for each in made:
        expire_one.apply_async(args=(each.pk,), eta=each.response_deadline, queue="deadlines")


def _dues(offsets: Sequence[float]) -> list[datetime]:
    begin = timezone.now() + timedelta(seconds=3 + len(offsets) / PUBLISHED_PER_SECOND)
    return [begin + timedelta(seconds=offset) for offset in offsets]


def _shown(lags: Sequence[float]) -> str:
    return f"p50 {percentile(lags, 50) * 1000:.1f} ms, p99 {percentile(lags, 99) * 1000:.1f} ms"


SPREAD = Row("P2", "deadline lag, spread 200/s", spread)
AT_ONCE = Row("P3", "deadline lag, 3,000 in the same second", at_once)
