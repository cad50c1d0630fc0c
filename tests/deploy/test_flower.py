"""Flower's own basic auth leaves paths open; ours does not."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import bootstrap
import pytest

from tests.support.flower import CREDENTIALS, ask, command, running_flower

pytestmark = [pytest.mark.stack, pytest.mark.once]

PATHS = ["/", "/workers", "/metrics", "/healthcheck", "/api/workers", "/static/css/flower.css", "/no/such/path"]


@pytest.fixture(scope="module")
def flower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Flower."""
    data: Path = tmp_path_factory.mktemp("flower")
    broker = bootstrap.free_port()
    with bootstrap.child(bootstrap.valkey_command(broker, data), data / "valkey.log"):
        bootstrap.wait_for_port(broker, 20)
        with running_flower(data, f"redis://127.0.0.1:{broker}/0") as url:
            yield url


def status(url: str, credentials: str = "") -> int:
    return ask(url, credentials)[0]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("credentials", ["", "ops:wrong", "other:s3cret", "ops", ":"])
def test_no_path_of_flower_answers_without_the_right_credentials(flower: str, path: str, credentials: str) -> None:
    assert status(flower + path, credentials) == 401


@pytest.mark.parametrize("path", ["/workers", "/metrics", "/static/css/flower.css"])
def test_the_right_credentials_open_flower(flower: str, path: str) -> None:
    assert status(flower + path, CREDENTIALS) == 200


def test_flower_does_not_start_without_credentials() -> None:
    env = {**os.environ, "FLOWER_BASIC_AUTH": "", "PYTHONPATH": str(bootstrap.ROOT)}

    done = subprocess.run(command(), env=env, cwd=bootstrap.ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "FLOWER_BASIC_AUTH expects user:password" in done.stderr
