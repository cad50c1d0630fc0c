import socket
import time
from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from core import broker as broker_module
from core import operations
from core.celery import app
from core.liveness.models import Heartbeat, Part

pytestmark = pytest.mark.once

CLIENT = Client()


@pytest.fixture
def all_alive(db: None) -> None:
    """Relay and beat have just reported."""
    for part in (Part.RELAY, Part.BEAT):
        Heartbeat.objects.create(part=part, beaten_at=timezone.now())


def silent(part: Part, seconds: float) -> None:
    Heartbeat.objects.filter(part=part).update(beaten_at=timezone.now() - timedelta(seconds=seconds))


def test_the_process_lives_without_asking_anybody() -> None:
    assert CLIENT.get("/healthz").status_code == 200


def test_ready_names_every_part(all_alive: None) -> None:
    answer = CLIENT.get("/readyz")
    assert answer.status_code == 200, answer.content
    assert list(answer.json()["parts"]) == ["database", "broker", "relay", "beat"]
    assert all(part["ok"] for part in answer.json()["parts"].values())


@pytest.mark.parametrize("part", [Part.RELAY, Part.BEAT])
def test_a_silent_part_is_named_and_makes_it_503(all_alive: None, part: Part) -> None:
    silent(part, 60)
    answer = CLIENT.get("/readyz")
    assert answer.status_code == 503
    assert [name for name, state in answer.json()["parts"].items() if not state["ok"]] == [part.value]
    assert answer.json()["parts"][part.value]["age_seconds"] >= 60


@pytest.mark.parametrize("part", [Part.RELAY, Part.BEAT])
def test_a_part_that_reported_within_its_time_is_alive(all_alive: None, part: Part) -> None:
    silent(part, 8)
    assert CLIENT.get("/readyz").status_code == 200


def test_a_part_that_never_ran_is_not_ready(db: None) -> None:
    assert CLIENT.get("/readyz?parts=beat").json()["parts"]["beat"] == {"ok": False, "error": "never seen"}


def test_parts_limits_what_is_asked(all_alive: None) -> None:
    silent(Part.BEAT, 60)
    answer = CLIENT.get("/readyz?parts=database,relay")
    assert answer.status_code == 200
    assert set(answer.json()["parts"]) == {"database", "relay"}


def test_an_unknown_part_is_400(db: None) -> None:
    assert CLIENT.get("/readyz?parts=coffee").status_code == 400


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@pytest.mark.parametrize("listening", [True, False], ids=["silent", "gone"])
def test_a_broker_that_is_gone_or_silent_is_said_within_its_time(
    all_alive: None, monkeypatch: pytest.MonkeyPatch, scheme: str, listening: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as never_accepting:
        port = never_accepting.getsockname()[1]
        if not listening:
            never_accepting.close()
        options = app.conf.broker_transport_options if scheme == "redis" else {}
        broker = app.connection_for_write(
            f"{scheme}://127.0.0.1:{port}//", connect_timeout=1, transport_options=options
        )
        monkeypatch.setattr(app, "connection_for_write", lambda **_: broker)
        monkeypatch.setattr(broker_module, "is_amqp", lambda: scheme == "amqp")
        begun = time.monotonic()
        answer = CLIENT.get("/readyz")
    assert answer.status_code == 503
    assert not answer.json()["parts"]["broker"]["ok"]
    assert answer.json()["parts"]["database"]["ok"]
    assert time.monotonic() - begun < 5


def test_a_dead_database_is_asked_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(operations.PARTS, "database", lambda now: {"ok": False, "error": "OperationalError"})
    monkeypatch.setitem(operations.PARTS, "relay", lambda now: pytest.fail("asked all the same"))
    states = CLIENT.get("/readyz?parts=relay,database").json()["parts"]
    assert states["relay"] == {"ok": False, "error": "database"}


def test_metrics_are_open_to_the_machine_itself(db: None) -> None:
    assert CLIENT.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200


@pytest.mark.parametrize(
    "extra",
    [
        {"REMOTE_ADDR": "10.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "10.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=10.0.0.1"},
        {"REMOTE_ADDR": "10.0.0.1", "HTTP_AUTHORIZATION": "Bearer wrong"},
        {"REMOTE_ADDR": "10.0.0.1", "HTTP_AUTHORIZATION": "Bearer "},
        {"REMOTE_ADDR": "unix"},
    ],
)
@pytest.mark.parametrize("token", ["", "a-token-of-some-length"])
def test_metrics_are_closed_to_others(extra: dict[str, str], token: str) -> None:
    with override_settings(METRICS_TOKEN=token):
        assert CLIENT.get("/metrics", **extra).status_code == 403


@override_settings(METRICS_TOKEN="a-token-of-some-length")
def test_metrics_are_open_from_anywhere_with_the_token(db: None) -> None:
    header = {"HTTP_AUTHORIZATION": "Bearer a-token-of-some-length", "HTTP_X_FORWARDED_FOR": "10.0.0.1"}
    assert CLIENT.get("/metrics", REMOTE_ADDR="10.0.0.1", **header).status_code == 200
