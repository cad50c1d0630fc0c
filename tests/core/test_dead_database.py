"""A web process whose database has fallen silent: it starts, and answers everything within 5 s."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.clients import request
from tests.support.stack import free_port, wait_for_port

pytestmark = [pytest.mark.stack, pytest.mark.once]
LONGEST_SECONDS = 5


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web process in front of a port that accepts connections and never says a word."""
    pytest.importorskip("psycopg")
    port = free_port()
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        env = {
            **os.environ,
            "DJANGO_DEBUG": "true",
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "DATABASE_URL": f"postgres://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing",
        }
        command = [sys.executable, "-m", "uvicorn", "core.asgi:application", "--port", str(port)]
        log = Path(env["DATA_DIR"]) / "web.log"
        with log.open("wb") as output:
            web = subprocess.Popen(command, cwd=settings.BASE_DIR, env=env, stdout=output, stderr=output)
        try:
            wait_for_port(port, 30)
            yield f"http://127.0.0.1:{port}"
        finally:
            web.kill()
            web.wait()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/auth/me/", None),
        ("POST", "/api/auth/login/", {"username": "theo", "password": "x"}),
        ("POST", "/api/scheduling/appointments/1/accept/", {}),
    ],
)
def test_a_request_is_answered_503_in_time(url: str, method: str, path: str, body: object) -> None:
    begun = time.monotonic()
    answer = request(url + path, method, body, token="a" * 64)
    assert time.monotonic() - begun < LONGEST_SECONDS
    assert answer.status == 503
    assert answer.body["errors"][0]["code"] == "unavailable"


def test_readiness_says_so_in_time(url: str) -> None:
    begun = time.monotonic()
    answer = request(url + "/readyz", "GET")
    assert time.monotonic() - begun < LONGEST_SECONDS
    assert answer.status == 503
    assert answer.body["parts"]["database"]["ok"] is False


def test_what_needs_no_database_is_answered_at_once(url: str) -> None:
    begun = time.monotonic()
    assert request(url + "/healthz", "GET").status == 200
    assert time.monotonic() - begun < 1
