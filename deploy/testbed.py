"""What tests and benchmarks stand on: a Valkey and a PostgreSQL database of their own. Standard library only."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import bootstrap
from bootstrap import ROOT, VENV
from postgres import own_database

# Names of a running system that tests must not touch.
OURS = {
    *("DATABASE_URL", "CELERY_BROKER_URL", "CHANNEL_LAYER_HOST", "CHANNEL_LAYER_BACKEND", "CACHE_URL", "DATA_DIR"),
    *("PORT", "FLOWER_PORT", "FLOWER_BASIC_AUTH", "DJANGO_SETTINGS_MODULE", "HEARTBEAT_URL", "SENTRY_DSN"),
}


@dataclass(frozen=True)
class Testbed:
    """The environment of a run on each database, and a directory that is gone afterwards."""

    scratch: Path
    sqlite: dict[str, str]
    postgres: dict[str, str]


@contextlib.contextmanager
def testbed() -> Iterator[Testbed]:
    """Everything started, and stopped at the end, also on SIGTERM. Raises Failure."""
    signal.signal(signal.SIGTERM, _stop)
    bootstrap.install("test")
    with tempfile.TemporaryDirectory(prefix="appointments-test-") as made, contextlib.ExitStack() as services:
        scratch = Path(made)
        port = bootstrap.free_port()
        valkey = bootstrap.valkey_command(port, scratch / "valkey")
        services.enter_context(bootstrap.child(valkey, scratch / "valkey.log"))
        bootstrap.wait_for_port(port, 20)
        sqlite = environment(scratch, f"redis://127.0.0.1:{port}")
        url = services.enter_context(own_database(scratch, os.environ.get("TEST_DATABASE_URL", "")))
        yield Testbed(scratch, sqlite, {**sqlite, "DATABASE_URL": url})


def environment(scratch: Path, redis: str) -> dict[str, str]:
    """The variables of a run on SQLite; what `.env` names is hidden, for an empty variable counts as absent."""
    return {
        **dict.fromkeys((*bootstrap.read_env(), *OURS), ""),
        **{name: value for name, value in os.environ.items() if name not in OURS},
        "DJANGO_SETTINGS_MODULE": "core.settings",
        "DJANGO_DEBUG": "true",
        "DJANGO_SECRET_KEY": "only-for-tests-" + "x" * 40,
        "DATA_DIR": str(scratch / "data"),
        "CELERY_BROKER_URL": f"{redis}/0",
        "CHANNEL_LAYER_HOST": f"{redis}/1",
        "TEST_REDIS_URL": redis,
        "REDIS_SERVER_BIN": bootstrap.valkey_binary(),
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(ROOT),
    }


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
