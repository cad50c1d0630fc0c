"""One beat ticks; another one waits and takes over."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks
from kombu.exceptions import OperationalError
from pytest_django.fixtures import Settings

from core.celery import app
from core.liveness.models import Heartbeat, Lease, Part
from tasks.schedule import ensure_schedule
from tasks.scheduler import LEASE, SingleScheduler
from tests.support.broker import publishing_to
from tests.tasks.conftest import Broker

# Beat's own tables follow model signals that fire on commit.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def only_a_ten_second_sweep(broker: Broker) -> None:
    ensure_schedule()
    PeriodicTask.objects.exclude(task="tasks.sweeps.rescue_outbox").delete()
    PeriodicTask.objects.update(last_run_at=timezone.now() - timedelta(minutes=1))


@pytest.fixture
def beats() -> Iterator[list[SingleScheduler]]:
    both = [SingleScheduler(app=app, lazy=False) for _ in range(2)]
    yield both
    for beat in both:
        beat._finalize.cancel()  # it would write to a database that is gone when the tests end


def tick(beat: SingleScheduler) -> None:
    """Several rounds: a tick sends at most one task."""
    for _ in range(5):
        beat.tick()


def sent(broker: Broker) -> int:
    return len(broker.queued("default"))


def end_lease() -> None:
    """What the passing of time does to the lease of a beat that was killed."""
    Lease.objects.update(held_until=timezone.now() - timedelta(seconds=1))


def test_only_one_of_two_beats_sends(beats: list[SingleScheduler], broker: Broker) -> None:
    for beat in beats:
        tick(beat)
    assert sent(broker) == 1


def test_without_the_lease_both_would_send(
    beats: list[SingleScheduler], broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SingleScheduler, "_leads", lambda self: True)
    monkeypatch.setattr(SingleScheduler, "_read_anew", lambda self: None)
    for beat in beats:
        tick(beat)
    assert sent(broker) == 2


def test_a_beat_that_waits_reports_no_life(beats: list[SingleScheduler]) -> None:
    beats[0].tick()
    Heartbeat.objects.all().delete()
    tick(beats[1])
    assert not Heartbeat.objects.filter(part=Part.BEAT).exists()


def test_a_beat_that_ticks_reports_that_it_lives(beats: list[SingleScheduler]) -> None:
    beats[0].tick()
    assert Heartbeat.objects.filter(part=Part.BEAT).exists()


def test_the_lease_is_short_enough_to_be_relieved_within_ten_seconds(beats: list[SingleScheduler]) -> None:
    beats[0].tick()
    assert Lease.objects.get().held_until <= timezone.now() + LEASE
    assert LEASE + timedelta(seconds=1) < timedelta(seconds=10)


def test_another_beat_takes_over_when_the_first_was_killed(beats: list[SingleScheduler], broker: Broker) -> None:
    tick(beats[0])
    end_lease()
    PeriodicTask.objects.update(last_run_at=timezone.now() - timedelta(minutes=1))
    tick(beats[1])
    assert sent(broker) == 2


def test_another_beat_takes_over_at_once_when_the_first_ends(beats: list[SingleScheduler]) -> None:
    tick(beats[0])
    beats[0].close()
    beats[1].tick()
    assert Lease.objects.get().holder == beats[1]._holder


def test_a_beat_that_was_stalled_finds_out_that_it_was_relieved(beats: list[SingleScheduler], broker: Broker) -> None:
    tick(beats[0])
    end_lease()
    tick(beats[1])
    beats[0]._renewed = float("-inf")  # as after a SIGSTOP
    before = sent(broker)
    PeriodicTask.objects.update(last_run_at=timezone.now() - timedelta(minutes=1))
    tick(beats[0])
    assert sent(broker) == before


def test_a_beat_that_takes_over_knows_what_the_first_has_sent(beats: list[SingleScheduler], broker: Broker) -> None:
    tick(beats[0])
    beats[0].close()
    tick(beats[1])
    assert sent(broker) == 1


def test_a_beat_that_takes_over_knows_what_an_admin_changed_meanwhile(
    beats: list[SingleScheduler], broker: Broker
) -> None:
    row = PeriodicTask.objects.get()
    row.enabled = False
    row.save()
    tick(beats[1])
    assert sent(broker) == 0


def test_an_admins_edit_takes_effect_without_a_restart(beats: list[SingleScheduler], broker: Broker) -> None:
    PeriodicTask.objects.update(last_run_at=timezone.now())
    tick(beats[0])
    assert sent(broker) == 0
    row = PeriodicTask.objects.get()
    row.interval = IntervalSchedule.objects.create(every=10, period=IntervalSchedule.MICROSECONDS)
    row.save()
    tick(beats[0])
    assert sent(broker) > 0


def test_a_run_is_written_down_at_once(beats: list[SingleScheduler]) -> None:
    before = PeriodicTask.objects.get()
    tick(beats[0])  # the first round writes in any case
    PeriodicTask.objects.update(last_run_at=before.last_run_at)
    PeriodicTasks.update_changed()
    tick(beats[0])
    assert PeriodicTask.objects.get().last_run_at > before.last_run_at
    assert PeriodicTask.objects.get().total_run_count == before.total_run_count + 2


def test_writing_a_run_down_takes_no_edit_back(beats: list[SingleScheduler], monkeypatch: pytest.MonkeyPatch) -> None:
    read = PeriodicTask.objects.get()
    PeriodicTask.objects.update(description="edited", last_run_at=read.last_run_at)
    monkeypatch.setattr(PeriodicTask._default_manager, "get", lambda **_: read)  # read before, saved after the edit
    tick(beats[0])
    monkeypatch.undo()
    assert PeriodicTask.objects.get().description == "edited"
    assert PeriodicTask.objects.get().last_run_at > timezone.now() - timedelta(seconds=30)


def test_a_beat_shows_a_probe_that_it_goes_round_also_while_another_leads(
    beats: list[SingleScheduler], tmp_path: Path, settings: Settings
) -> None:
    tick(beats[0])
    settings.LIVENESS_FILE = str(tmp_path / "alive")
    beats[1].tick()
    assert (tmp_path / "alive").exists()


def test_a_beat_that_waits_for_its_broker_still_shows_that_it_lives(
    beats: list[SingleScheduler], tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIVENESS_FILE = str(tmp_path / "alive")
    monkeypatch.setitem(app.conf, "broker_connection_max_retries", 1)
    with (
        publishing_to("redis://127.0.0.1:9/0"),
        pytest.raises(OperationalError),
    ):
        beats[0]._ensure_connected()
    assert (tmp_path / "alive").exists()
