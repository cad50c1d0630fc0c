"""Promises are carried out at least once, in order within a stream, however many relays there are."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from core.accounts.models import Institution
from core.outbox import draining
from core.outbox.draining import LEASE, Drained, LeasedHandler, TransactionalHandler, UnreachableError, drain
from core.outbox.models import Lane, OutboxEntry
from core.outbox.writing import Effect, write, write_many

NOW = datetime(2031, 3, 3, 8, 0, tzinfo=UTC)
LANE = Lane.TASKS


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def promise(*kinds: str, stream: str = "a", lane: Lane = LANE) -> None:
    write_many([Effect(lane, kind, {}, stream) for kind in kinds], now=NOW)


class Carrier:
    """Remembers what it carried out, and fails where it is told to."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.broken: set[str] = set()
        self.reachable = True

    def one(self, entry: OutboxEntry) -> None:
        if not self.reachable:
            raise UnreachableError("the broker is away")
        if entry.kind in self.broken:
            raise ValueError(entry.kind)
        self.done.append(entry.kind)

    def many(self, entries: Sequence[OutboxEntry]) -> None:
        for entry in entries:
            self.one(entry)


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture(params=["leased", "transactional"])
def either(request: pytest.FixtureRequest, carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> Carrier:
    """The lane is carried out by a handler of either kind."""
    leased = request.param == "leased"
    handler = LeasedHandler(carrier.one) if leased else TransactionalHandler(carrier.many)
    monkeypatch.setitem(draining._handlers, LANE, handler)
    return carrier


@pytest.fixture
def leased(carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> Carrier:
    monkeypatch.setitem(draining._handlers, LANE, LeasedHandler(carrier.one))
    return carrier


def at(moment: datetime) -> Drained:
    return drain(LANE, moment, lambda: moment)


@pytest.mark.django_db
def test_what_is_carried_out_is_gone(either: Carrier) -> None:
    promise("one")
    assert at(NOW) == (1, 0, True)
    assert (either.done, OutboxEntry.objects.count()) == (["one"], 0)


@pytest.mark.django_db
def test_a_stream_is_carried_out_in_its_order(either: Carrier) -> None:
    promise("one", "two", "three")
    while at(NOW).done:
        pass
    assert either.done == ["one", "two", "three"]


@pytest.mark.django_db
def test_one_drain_takes_only_the_head_of_each_stream(either: Carrier) -> None:
    promise("one", "two", stream="a")
    promise("three", stream="b")
    assert at(NOW).done == 2
    assert either.done == ["one", "three"]


@pytest.mark.django_db
def test_a_broken_row_holds_up_its_own_stream_only(either: Carrier) -> None:
    either.broken = {"bad"}
    promise("bad", "after", stream="a")
    promise("good", stream="b")
    assert at(NOW) == (1, 1, True)
    assert at(NOW).done == 0
    assert either.done == ["good"]


@pytest.mark.django_db
def test_a_broken_row_waits_twice_as_long_each_time_up_to_half_a_minute(either: Carrier) -> None:
    either.broken = {"bad"}
    promise("bad")
    waits, moment = [], NOW
    for _ in range(9):
        at(moment)
        available_at = OutboxEntry.objects.get().available_at
        waits.append((available_at - moment).total_seconds())
        moment = available_at
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.django_db
def test_before_its_back_off_is_over_a_row_is_not_touched(either: Carrier) -> None:
    either.broken = {"bad"}
    promise("bad")
    at(NOW)
    either.broken = set()
    assert at(later(0.4)).done == 0
    assert at(later(0.5)).done == 1


@pytest.mark.django_db
def test_a_failure_names_the_error_and_none_of_its_text(either: Carrier) -> None:
    either.broken = {"Parveen Ahmed"}
    promise("Parveen Ahmed")
    at(NOW)
    row = OutboxEntry.objects.get()
    assert (row.attempts, row.last_error) == (1, "ValueError")


@pytest.mark.django_db
def test_lanes_do_not_wait_for_each_other(either: Carrier) -> None:
    promise("other lane", lane=Lane.REALTIME)
    promise("one")
    at(NOW)
    assert either.done == ["one"]


@pytest.mark.django_db
def test_no_more_than_the_limit_is_taken(either: Carrier) -> None:
    for number in range(5):
        promise(f"{number}", stream=f"{number}")
    assert drain(LANE, NOW, lambda: NOW, limit=3).done == 3


@pytest.mark.django_db
def test_nothing_is_taken_before_its_time(either: Carrier) -> None:
    promise("one")
    assert at(later(-1)).done == 0


@pytest.mark.django_db
def test_an_unreachable_broker_puts_all_rows_back_without_blaming_them(leased: Carrier) -> None:
    leased.reachable = False
    promise("one", stream="a")
    promise("two", stream="b")
    assert at(NOW) == (0, 0, False)
    rows = OutboxEntry.objects.values_list("attempts", "available_at")
    assert set(rows) == {(0, later(1))}


@pytest.mark.django_db
def test_the_lease_of_a_relay_that_died_lapses_after_six_seconds(leased: Carrier) -> None:
    promise("one")
    draining._lease(LANE, NOW, 10)
    assert at(later(5.9)).done == 0
    assert at(NOW + LEASE).done == 1


@pytest.mark.django_db
def test_a_slow_drain_gives_the_rest_back_before_its_lease_lapses(leased: Carrier) -> None:
    for number in range(3):
        promise(f"{number}", stream=f"{number}")
    times = iter([NOW, later(3.1), later(3.1)])
    assert drain(LANE, NOW, lambda: next(times)).done == 1
    assert set(OutboxEntry.objects.values_list("available_at", flat=True)) == {later(3.1)}


@pytest.mark.django_db
def test_a_failing_delivery_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def deliver(entries: Sequence[OutboxEntry]) -> None:
        for entry in entries:
            Institution.objects.create(name=entry.kind)
            if entry.kind == "bad":
                raise ValueError

    monkeypatch.setitem(draining._handlers, LANE, TransactionalHandler(deliver))
    promise("bad", stream="a")
    promise("good", stream="b")
    assert at(NOW) == (1, 1, True)
    assert list(Institution.objects.values_list("name", flat=True)) == ["good"]


@pytest.mark.django_db
def test_what_is_rolled_back_was_never_promised() -> None:
    class ChangedMyMindError(Exception): ...

    @transaction.atomic
    def promise_and_fail() -> None:
        promise("never")
        raise ChangedMyMindError

    with pytest.raises(ChangedMyMindError):
        promise_and_fail()
    assert not OutboxEntry.objects.exists()


@pytest.mark.django_db
def test_the_relay_is_woken_after_the_commit_and_once(
    django_capture_on_commit_callbacks: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[bool] = []
    monkeypatch.setattr("core.outbox.writing.wake_relay", lambda: woken.append(True))
    with django_capture_on_commit_callbacks(execute=True):
        write(LANE, "one", {}, stream="a", now=NOW)
        assert woken == []
    assert woken == [True]


# Two relays ----------------------------------------------------------------------------------------------------------

STREAMS, LENGTH, RELAYS = 12, 8, 2


@pytest.fixture
def _two_relays_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.outbox.writing.wake_relay", lambda: None)


def fill() -> None:
    effects = [Effect(LANE, f"{step}", {}, f"stream {number}") for step in range(LENGTH) for number in range(STREAMS)]
    write_many(effects, now=NOW)


def drained_by_two() -> dict[str, list[int]]:
    """Let two relays drain until nothing is left; returns what was carried out, by stream, in its order."""
    done: dict[str, list[int]] = defaultdict(list)
    lock = threading.Lock()

    def deliver(entry: OutboxEntry) -> None:
        with lock:
            done[entry.stream].append(int(entry.kind))

    draining._handlers[LANE] = LeasedHandler(deliver)
    together = threading.Barrier(RELAYS)

    def relay() -> None:
        together.wait()
        while OutboxEntry.objects.filter(lane=LANE).exists():
            drain(LANE, NOW, lambda: NOW, limit=5)
        connection.close()

    threads = [threading.Thread(target=relay) for _ in range(RELAYS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return done


@pytest.fixture
def handlers_kept() -> Iterator[None]:
    kept = dict(draining._handlers)
    yield
    draining._handlers.update(kept)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_two_relays_work", "handlers_kept")
def test_two_relays_carry_every_row_out_once_and_keep_each_streams_order() -> None:
    fill()
    assert drained_by_two() == {f"stream {number}": list(range(LENGTH)) for number in range(STREAMS)}


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_two_relays_work", "handlers_kept")
def test_without_waiting_for_the_head_a_stream_loses_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def any_due(lane: Lane, now: datetime) -> Any:
        return OutboxEntry.objects.filter(lane=lane, available_at__lte=now).order_by("-id")

    monkeypatch.setattr(draining, "heads", any_due)
    fill()
    done = drained_by_two()
    assert any(steps != sorted(steps) for steps in done.values())
