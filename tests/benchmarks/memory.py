"""P4: what the deadlines worker holds for each offer that waits for its answer."""

import time
from datetime import timedelta

from django.test import override_settings
from django.utils import timezone

from tasks.sweeps import arm_deadlines
from tests.benchmarks.measuring import Figure, Row
from tests.benchmarks.naive import do_nothing
from tests.benchmarks.population import make_clinic, offers
from tests.benchmarks.workers import deadlines_worker, redis_of_broker, wait_for

CLOCK = timedelta(minutes=30)
HORIZON = 120
PATIENCE = 60


def run(quick: bool) -> list[Figure]:
    """Offers whose clocks end evenly within the next half hour, as at a site where one comes every so often."""
    number = 3_000 if quick else 20_000
    now = timezone.now()
    dues = [now + timedelta(minutes=1) + CLOCK * (place / number) for place in range(number)]
    bare = _grown_by(lambda: [do_nothing.apply_async(args=(0.0,), eta=due, queue="deadlines") for due in dues])
    offers(make_clinic(1_000), dues)
    with override_settings(ETA_HORIZON_SECONDS=HORIZON):
        ours = _grown_by(arm_deadlines)
    detail = f"{ours / number:,.0f} bytes a waiting deadline; bare Celery {bare / number:,.0f}"
    return [Figure("against bare Celery", ours / bare, 0.1, detail, at_least=False)]


def _grown_by(publish) -> int:  # type: ignore[no-untyped-def]
    """By how many bytes the worker grows once it holds all that `publish` gives it."""
    with deadlines_worker(ETA_HORIZON_SECONDS=HORIZON) as worker:
        time.sleep(2)
        before = worker.memory
        publish()
        wait_for(lambda: redis_of_broker().llen("deadlines") == 0, PATIENCE)
        time.sleep(2)
        assert redis_of_broker().hlen("deadlines.unacked") > 0, "the worker holds nothing"
        return max(worker.memory - before, 1)


ROW = Row("P4", "worker memory per waiting deadline, ETA_HORIZON_SECONDS=120", run)
