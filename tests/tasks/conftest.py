"""A real Valkey as the broker."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.realtime.conftest import Valkey, database_let_go  # noqa: F401 - a fixture of the session
from tests.support.broker import Message, publishing_to, queued


class Broker:
    """A Valkey that the project's Celery app publishes to."""

    def __init__(self, valkey: Valkey) -> None:
        self.valkey = valkey
        self.url = f"redis://127.0.0.1:{valkey.port}/0"

    def queued(self, queue: str) -> list[Message]:
        return queued(self.valkey.client, queue)

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """SIGSTOP for the length of the block: it takes connections and never answers."""
        assert self.valkey.process is not None
        self.valkey.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.valkey.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="session")
def broker_server() -> Iterator[Valkey]:
    server = Valkey()
    server.start()
    yield server
    server.kill()
    shutil.rmtree(server.directory, ignore_errors=True)


@pytest.fixture
def broker(broker_server: Valkey) -> Iterator[Broker]:
    """An empty broker, up again after the test."""
    broker_server.client.flushall()
    with publishing_to(f"redis://127.0.0.1:{broker_server.port}/0"):
        yield Broker(broker_server)
    if broker_server.process is None:
        broker_server.start()
