"""A Flower of the test's own, as the Procfile starts it."""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bootstrap

CREDENTIALS = "ops:s3cret"


def command() -> list[str]:
    return [sys.executable, str(bootstrap.ROOT / "deploy" / "run_flower.py")]


@contextmanager
def running_flower(scratch: Path, broker: str) -> Iterator[str]:
    """The address of a Flower on this broker, whose user is ops with the password s3cret."""
    port = bootstrap.free_port()
    env = {
        **os.environ,
        "FLOWER_PORT": str(port),
        "FLOWER_BASIC_AUTH": CREDENTIALS,
        "CELERY_BROKER_URL": broker,
        "DATA_DIR": str(scratch / "data"),
        "PYTHONPATH": str(bootstrap.ROOT),
    }
    with bootstrap.child(command(), scratch / "flower.log", env):
        bootstrap.wait_for_port(port, 40)
        yield f"http://127.0.0.1:{port}"


def ask(url: str, credentials: str = "") -> tuple[int, bytes]:
    """The status and the body of an answer."""
    request = urllib.request.Request(url)
    if credentials:
        request.add_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def workers_of(url: str) -> set[str]:
    """The names of the workers that Flower knows of, after it has asked them."""
    status, body = ask(f"{url}/api/workers?refresh=true", CREDENTIALS)
    assert status == 200, body
    return set(json.loads(body))
