"""The relay's duties, each going on whatever happens to the others."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from appointments.models import Appointment
from appointments.services import sweeps
from core.accounts.models import User
from core.liveness.models import Heartbeat, Outage, Part
from core.outbox.models import Lane, OutboxEntry
from realtime.models import Notification
from tasks import relay as relays
from tasks.relay import Relay, StuckError
from tests.realtime.conftest import until
from tests.support.cast import Cast, make_cast, offer
from tests.tasks.conftest import Broker
from tests.tasks.moves import audited, live, overdue, soon_overdue, status

pytestmark = pytest.mark.django_db(transaction=True)
postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL notifies")


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture(autouse=True)
def nobody_is_suspended(settings: Settings) -> None:
    settings.AUTO_DISABLE_THERAPISTS = False


@contextmanager
def running(count: int = 1) -> Iterator[None]:
    """So many relays in threads of the test."""
    stop = threading.Event()
    threads = [threading.Thread(target=Relay(stop).run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)


def told(person: User) -> bool:
    return Notification.objects.filter(recipient=person).exists()


def test_both_lanes_are_carried_out_at_once(cast: Cast, broker: Broker) -> None:
    with running():
        offer(cast)
        until(lambda: told(cast.theo) and len(broker.queued("deadlines")) == 2, 3)


def test_a_relay_finishes_what_was_promised_before_it_started(cast: Cast, broker: Broker) -> None:
    offer(cast)
    with running():
        until(lambda: not OutboxEntry.objects.exists(), 5)


def test_a_relay_shows_a_probe_that_it_goes_round_also_without_a_broker(
    broker: Broker, tmp_path: Path, settings: Settings
) -> None:
    alive = tmp_path / "alive"
    settings.LIVENESS_FILE = str(alive)
    broker.valkey.kill()
    with running():
        until(alive.exists, 5)
        alive.unlink()
        until(alive.exists, 5)


def test_a_deadline_is_handled_within_two_seconds_without_a_broker(cast: Cast, broker: Broker) -> None:
    broker.valkey.kill()
    with running():
        deadline = timezone.now() + timedelta(seconds=1)
        appointment = soon_overdue(cast, deadline)
        until(lambda: status(appointment) == "auto_cancelled", 5)
    cancelled_at = Appointment.objects.get().auto_cancelled_at
    assert cancelled_at is not None
    assert timedelta() <= cancelled_at - deadline <= timedelta(seconds=2)


def test_a_stalled_broker_delays_neither_notifications_nor_deadlines(cast: Cast, broker: Broker) -> None:
    with running(), broker.stalled():
        offer(cast)
        appointment = overdue(cast, by=timedelta(), hours=30)
        begun = time.monotonic()
        until(lambda: status(appointment) == "auto_cancelled" and told(cast.theo), 3)
        assert time.monotonic() - begun < 3
        assert OutboxEntry.objects.filter(lane=Lane.TASKS).exists()


def test_what_waited_for_the_broker_goes_out_when_it_is_back(cast: Cast, broker: Broker) -> None:
    with running():
        with broker.stalled():
            offer(cast)
            time.sleep(1)
        until(lambda: not OutboxEntry.objects.exists(), 10)
    assert live(Appointment.objects.get()).armed_for is not None


def test_the_relay_reports_that_it_lives(cast: Cast, broker: Broker) -> None:
    with running():
        until(lambda: Heartbeat.objects.filter(part=Part.RELAY).exists(), 3)


def test_an_outage_is_settled_before_a_deadline_is_held_against_anyone(cast: Cast, broker: Broker) -> None:
    now = timezone.now()
    appointment = overdue(cast)
    Outage.objects.create(part=Part.WEB, started_at=now - timedelta(minutes=5), ended_at=now + timedelta(seconds=1))
    with running():
        until(lambda: not Outage.objects.filter(settled_at=None).exists(), 5)
        time.sleep(1.5)
    assert status(appointment) == "pending"


def test_a_sweep_that_fails_holds_no_other_up(cast: Cast, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(now: datetime) -> None:
        raise ValueError(now)

    monkeypatch.setattr(relays, "SWEEPS", (broken, sweeps.expire_due))
    appointment = overdue(cast)
    with running():
        until(lambda: status(appointment) == "auto_cancelled", 5)


def test_a_lane_that_fails_holds_no_other_up(cast: Cast, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    drain: Callable[..., object] = relays.drain

    def broken(lane: Lane, *args: object) -> object:
        if lane == Lane.TASKS:
            raise ValueError(lane)
        return drain(lane, *args)

    monkeypatch.setattr(relays, "drain", broken)
    with running():
        offer(cast)
        until(lambda: told(cast.theo), 3)


def test_a_relay_that_hangs_ends_so_that_it_is_started_again(
    transactional_db: None, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(relays, "SWEEPS", (lambda now: let_go.wait(30),))
    hanging = Relay(threading.Event())
    for duty in hanging._duties:
        duty.patience = 6 if duty.name != "sweep" else 1
    try:
        with pytest.raises(StuckError, match="sweep"):
            hanging.run()
    finally:
        hanging.stop.set()
        let_go.set()
        time.sleep(0.5)  # the other duties go home


def test_several_relays_handle_each_deadline_once(cast: Cast, broker: Broker) -> None:
    with running(3):
        deadline = timezone.now() + timedelta(seconds=1)
        appointment = soon_overdue(cast, deadline)
        until(lambda: status(appointment) == "auto_cancelled", 5)
        time.sleep(1.5)
    assert audited(appointment, "auto_cancelled") == 1


@postgresql
def test_a_relay_survives_the_loss_of_every_connection(cast: Cast, broker: Broker) -> None:
    # As few connections as a relay has: the races leave dozens in the pool, and all would be opened anew.
    connection.close()
    connection.close_pool()
    with running():
        offer(cast)
        until(lambda: told(cast.theo), 5)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        appointment = overdue(cast, by=timedelta(), hours=30)
        until(lambda: status(appointment) == "auto_cancelled", 15)
        until(lambda: not OutboxEntry.objects.exists(), 20)  # a lease that was being worked off lapses first


def test_the_relay_is_woken_rather_than_left_to_its_poll(
    cast: Cast, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "WOKEN_POLL_SECONDS", 30)
    monkeypatch.setattr(relays, "POLL_SECONDS", 30)
    with running():
        time.sleep(1)
        offer(cast)
        until(lambda: told(cast.theo), 3)


@postgresql
def test_listening_takes_nothing_from_the_pool(cast: Cast, broker: Broker) -> None:
    with running():
        until(lambda: _listeners() == 1, 5)
        assert connection.pool is not None
        assert _pids_of_the_pool().isdisjoint(_pids("query LIKE 'LISTEN %'"))


def _listeners() -> int:
    return len(_pids("query LIKE 'LISTEN %'"))


def _pids(where: str) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND {where}")
        return {pid for (pid,) in cursor.fetchall()}


def _pids_of_the_pool() -> set[int]:
    return {raw.info.backend_pid for raw in connection.pool._pool}
