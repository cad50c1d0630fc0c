"""Heartbeats, the ledger of outages, and the lease on being the only beat."""

from datetime import UTC, datetime, timedelta

import pytest

from core.liveness.models import Outage, Part
from core.liveness.services import beat, hold_lease, last_beat, silent

pytestmark = pytest.mark.django_db

NOW = datetime(2031, 3, 3, 8, 0, tzinfo=UTC)
LEASE = timedelta(seconds=15)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_first_start_is_no_outage() -> None:
    assert beat(Part.WEB, NOW) is None
    assert last_beat(Part.WEB) == NOW


@pytest.mark.parametrize(("silence", "is_outage"), [(60, False), (60.001, True)])
@pytest.mark.parametrize("part", [Part.WEB, Part.RELAY])
def test_a_gap_of_more_than_a_minute_is_an_outage(part: Part, silence: float, is_outage: bool) -> None:
    beat(part, NOW)
    outage = beat(part, later(silence))
    assert (outage is not None) == is_outage
    if outage:
        assert (outage.part, outage.started_at, outage.ended_at, outage.settled_at) == (part, NOW, later(silence), None)


def test_a_silent_beat_process_is_no_outage() -> None:
    beat(Part.BEAT, NOW)
    assert beat(Part.BEAT, later(3_600)) is None


def test_an_outage_is_entered_once_however_many_processes_come_back() -> None:
    beat(Part.WEB, NOW)
    beat(Part.WEB, later(120))
    beat(Part.WEB, later(120))
    beat(Part.WEB, later(121))
    assert Outage.objects.count() == 1


def test_a_clock_that_goes_back_moves_no_heartbeat() -> None:
    beat(Part.RELAY, NOW)
    beat(Part.RELAY, later(-288))
    assert last_beat(Part.RELAY) == NOW


@pytest.mark.parametrize(("age", "parts"), [(15, 0), (15.001, 1)])
@pytest.mark.parametrize("part", [Part.WEB, Part.RELAY])
def test_three_missed_heartbeats_are_a_silence(part: Part, age: float, parts: int) -> None:
    beat(part, NOW)
    assert silent(later(age)).count() == parts


def test_a_part_that_never_ran_is_not_silent() -> None:
    assert not silent(NOW).exists()


def test_nobody_waits_for_beat() -> None:
    beat(Part.BEAT, NOW)
    assert not silent(later(3_600)).exists()


def test_a_lease_has_one_holder() -> None:
    assert hold_lease(Part.BEAT, "first", NOW, LEASE)
    assert not hold_lease(Part.BEAT, "second", later(14), LEASE)


def test_its_holder_renews_a_lease() -> None:
    hold_lease(Part.BEAT, "first", NOW, LEASE)
    assert hold_lease(Part.BEAT, "first", later(10), LEASE)
    assert not hold_lease(Part.BEAT, "second", later(24), LEASE)


def test_a_lapsed_lease_goes_to_who_asks_next() -> None:
    hold_lease(Part.BEAT, "first", NOW, LEASE)
    assert hold_lease(Part.BEAT, "second", later(15), LEASE)
    assert not hold_lease(Part.BEAT, "first", later(16), LEASE)
