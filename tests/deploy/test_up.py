"""`deploy/up` itself, with all its processes."""

import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.support.up import UP, environment, started

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

PROCESSES = {"web", "relay", "worker", "worker-deadlines", "beat", "flower"}


def left_of(family: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after this time; one that has ended and that nobody has collected yet runs no longer."""
    return [one for one in psutil.wait_procs(family, timeout=seconds)[1] if one.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that the tests of this module start on, one after the other."""
    return tmp_path_factory.mktemp("up")


@pytest.mark.once
def test_up_starts_everything_says_where_and_stops_in_time(data: Path) -> None:
    with started(environment(data), data / "said") as up:
        up.wait_until_ready()
        family = up.family()
        with urllib.request.urlopen(f"{up.url}/readyz", timeout=10) as answer:
            assert answer.status == 200
        assert up.url in up.said
        assert "every password is 'demo'" in up.said
        assert {path.stem for path in (data / "logs").glob("*.log")} == PROCESSES | {"valkey"}

        second = subprocess.run([UP], env=environment(data), capture_output=True, text=True, check=False)
        assert (second.returncode, "is in use by another start" in second.stderr) == (1, True)

        begun = time.monotonic()
        up.process.send_signal(signal.SIGTERM)

        assert up.process.wait(15) == 0
        assert time.monotonic() - begun < 10
        assert left_of(family, 0.5) == []


@pytest.mark.once
def test_up_leaves_no_process_behind_when_it_is_killed(data: Path) -> None:
    with started(environment(data), data / "said") as up:
        up.wait_until_ready()
        family = up.family()
        assert len(family) >= len(PROCESSES)

        up.process.kill()

        # A worker's child that was at work waits half a minute for its parent to take the result.
        assert left_of(family, 40) == []


def test_the_self_test_sees_an_assignment_through(data: Path) -> None:
    env = environment(data, os.environ.get("DATABASE_URL", ""))

    done = subprocess.run([UP, "--check"], env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "the ETA task tasks.deadlines.expire_assignment waits in its worker" in done.stdout
    assert re.search(r"appointment_auto_cancelled, \d\.\d+ s after the deadline", done.stdout)
