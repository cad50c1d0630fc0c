"""The probe of the workers: it fails for a worker that is silent, never for a broker that is away."""

import io

import pytest
from django.core.management import CommandError, call_command

from core import broker as core_broker
from core.management.commands import ping_worker
from tests.support.broker import publishing_to
from tests.tasks.conftest import Broker, broker, broker_server  # noqa: F401 - fixtures


def ping(name: str) -> str:
    said = io.StringIO()
    call_command("ping_worker", name, stdout=said)
    return said.getvalue()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ping_worker, "PATIENCE_SECONDS", 0.3)


@pytest.mark.usefixtures("broker")
def test_a_worker_that_does_not_answer_fails_it() -> None:
    with pytest.raises(CommandError, match="worker@nowhere does not answer"):
        ping("worker@nowhere")


def test_a_broker_that_is_away_does_not_fail_it() -> None:
    with publishing_to("redis://127.0.0.1:9/0"):
        assert "The broker does not work" in ping("worker@nowhere")


def test_a_broker_that_goes_while_it_asks_does_not_fail_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["", "ConnectionError"])
    monkeypatch.setattr(core_broker, "failure", lambda: next(answers))
    with publishing_to("redis://127.0.0.1:9/0"):
        assert ping("worker@nowhere") == ""
