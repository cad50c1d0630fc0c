"""The web process reports that it lives, from the server's start to its end, and only there."""

from datetime import timedelta

import pytest

from core.liveness.models import Heartbeat, Outage, Part
from core.liveness.services import last_beat
from realtime import heartbeat
from tests.realtime.conftest import now, until

pytestmark = pytest.mark.once


def test_a_running_server_beats(server: str) -> None:
    until(lambda: last_beat(Part.WEB) is not None)


def test_it_goes_on_beating(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    until(lambda: last_beat(Part.WEB) is not None)
    first = last_beat(Part.WEB)
    until(lambda: last_beat(Part.WEB) != first)


def test_it_beats_on_after_a_failure(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    failures = iter(range(2))
    real = heartbeat.beat

    def failing(*args: object) -> object:
        if next(failures, None) is not None:
            raise RuntimeError("for once")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(heartbeat, "beat", failing)
    monkeypatch.setattr(heartbeat, "EVERY_SECONDS", 0.05)
    request.getfixturevalue("server")
    until(lambda: last_beat(Part.WEB) is not None)


def test_a_long_silence_is_entered_as_an_outage(transactional_db: None, request: pytest.FixtureRequest) -> None:
    Heartbeat.objects.create(part=Part.WEB, beaten_at=now() - timedelta(minutes=5))
    request.getfixturevalue("server")
    until(lambda: Outage.objects.filter(part=Part.WEB).exists())
