"""Several relays never swap the entries of one stream, and share the streams between them."""

import random
import threading
import time
from collections import defaultdict
from datetime import datetime
from itertools import pairwise

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from core.outbox import draining
from core.outbox.draining import LeasedHandler, TransactionalHandler, drain
from core.outbox.models import Lane, OutboxEntry
from core.outbox.writing import Effect, write_many

pytestmark = pytest.mark.django_db(transaction=True)
STREAMS, EACH = 12, 50


class Recorder:
    """Stands where tasks and notifications are made; notes what came when, slowly and unevenly."""

    def __init__(self) -> None:
        self.came: dict[str, list[int]] = defaultdict(list)
        self._chance = random.Random(11)

    def take(self, entry: OutboxEntry) -> None:
        time.sleep(self._chance.random() / 1_000)
        self.came[entry.stream].append(entry.payload["n"])

    def take_all(self, entries: "list[OutboxEntry]") -> None:
        for entry in entries:
            self.take(entry)

    @property
    def swapped(self) -> int:
        """How often something came before what was promised earlier in its stream."""
        return sum(later < earlier for came in self.came.values() for earlier, later in pairwise(came))

    @property
    def total(self) -> int:
        return sum(map(len, self.came.values()))


@pytest.fixture(params=[Lane.TASKS, Lane.REALTIME])
def lane(request: pytest.FixtureRequest) -> Lane:
    return request.param


@pytest.fixture
def recorder(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    handler = LeasedHandler(made.take) if lane == Lane.TASKS else TransactionalHandler(made.take_all)
    monkeypatch.setitem(draining._handlers, lane, handler)
    return made


def promise(lane: Lane) -> None:
    numbers = [(stream, number) for number in range(EACH) for stream in range(STREAMS)]
    write_many([Effect(lane, "x", {"n": n}, f"appointment:{stream}") for stream, n in numbers], now=timezone.now())


def drain_by_two(lane: Lane, seconds: float = 40, limit: int = 40) -> None:
    """Two relays drain until nothing is left."""
    end = time.monotonic() + seconds

    def work() -> None:
        try:
            while OutboxEntry.objects.filter(lane=lane).exists() and time.monotonic() < end:
                drain(lane, timezone.now(), timezone.now, limit)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not OutboxEntry.objects.exists()


def test_two_relays_never_swap_the_entries_of_a_stream(lane: Lane, recorder: Recorder) -> None:
    promise(lane)
    drain_by_two(lane)
    assert (recorder.swapped, recorder.total) == (0, STREAMS * EACH)


def test_without_the_rule_of_the_earlier_entry_they_are_swapped(
    lane: Lane, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lane == Lane.REALTIME and connection.vendor == "sqlite":
        pytest.skip("one writer at a time keeps this lane's order on SQLite")

    def all_due(lane: Lane, now: datetime) -> QuerySet[OutboxEntry]:
        return OutboxEntry.objects.filter(lane=lane, available_at__lte=now).order_by("id")

    monkeypatch.setattr(draining, "heads", all_due)
    promise(lane)
    drain_by_two(lane)
    assert recorder.swapped > 0


def test_two_relays_share_the_work(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    if lane == Lane.REALTIME and connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    both_at_work = threading.Barrier(2, timeout=10)

    def wait_for_the_other(_: object) -> None:
        both_at_work.wait()

    handler = LeasedHandler(wait_for_the_other) if lane == Lane.TASKS else TransactionalHandler(wait_for_the_other)
    monkeypatch.setitem(draining._handlers, lane, handler)
    write_many([Effect(lane, "x", {}, f"appointment:{stream}") for stream in range(2)], now=timezone.now())
    drain_by_two(lane, limit=1)
