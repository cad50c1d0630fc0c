"""HTTP under gunicorn, as in production."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from bootstrap import free_port
from django.conf import settings

from tests.support.stack import wait_until

pytestmark = pytest.mark.once

COMMAND = ["-m", "gunicorn", "core.wsgi", "--config", "deploy/gunicorn.conf.py"]


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path),
        "DJANGO_SECRET_KEY": "a-key-of-the-tests-" * 3,
        "PORT": str(free_port()),
        "WEB_WORKERS": "2",
        **more,
    }


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    env = environment(tmp_path)
    manage = [sys.executable, "manage.py"]
    for command in (["migrate", "-v", "0"], ["collectstatic", "--noinput", "-v", "0"]):
        subprocess.run([*manage, *command], cwd=settings.BASE_DIR, env=env, check=True)
    server = subprocess.Popen([sys.executable, *COMMAND], cwd=settings.BASE_DIR, env=env)
    address = f"http://127.0.0.1:{env['PORT']}"
    end = time.monotonic() + 30
    while answer(f"{address}/healthz")[0] != 200:
        assert time.monotonic() < end
        assert server.poll() is None
        time.sleep(0.1)
    yield address
    server.terminate()
    assert server.wait(20) == 0


def answer(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


@pytest.mark.stack
def test_gunicorn_answers_beats_and_counts_over_all_its_workers(url: str) -> None:
    for _ in range(20):
        assert answer(f"{url}/api/auth/me/")[0] == 401
    counted = 'appointments_request_seconds_count{method="GET",status="401",view="me"}'
    text = answer(f"{url}/metrics")[1]
    found = [
        line for line in text.splitlines() if line.startswith("appointments_request_seconds_count") and "401" in line
    ]
    assert [float(line.rsplit(" ", 1)[1]) for line in found] == [20.0], (counted, text)
    beating = 'appointments_heartbeat_age_seconds{part="web"}'
    wait_until(lambda: beating in answer(f"{url}/metrics")[1], 15)  # a thread beats, not the request


def test_gunicorn_does_not_start_in_production_with_the_demo_key(tmp_path: Path) -> None:
    env = environment(tmp_path) | {"DJANGO_SECRET_KEY": ""}
    started = subprocess.run(
        [sys.executable, *COMMAND],
        cwd=settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode != 0
    assert "DJANGO_SECRET_KEY expects" in started.stderr
