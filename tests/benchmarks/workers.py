"""Processes of the Procfile beside the benchmark, on its database and its broker."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from celery import current_app
from redis import Redis

from deploy.bootstrap import ROOT, free_port, listens
from deploy.supervisor import die_with, expand, parse_procfile
from tests.benchmarks.naive import LAGS

READY_SECONDS = 40


class Worker:
    """The deadlines worker; `lags` is where `do_nothing` writes, `memory` what the process holds in bytes."""

    def __init__(self, process: "subprocess.Popen[bytes]", lags: Path) -> None:
        self._process = psutil.Process(process.pid)
        self.lags = lags

    @property
    def memory(self) -> int:
        """Resident bytes of the process and its children."""
        return sum(each.memory_info().rss for each in [self._process, *self._process.children(recursive=True)])


def redis_of_broker() -> Redis:
    """A client of the benchmark's broker."""
    return Redis.from_url(os.environ["CELERY_BROKER_URL"])


def command_of(name: str, env: dict[str, str], python: str = sys.executable) -> list[str]:
    """The words of a process of the Procfile."""
    return expand(parse_procfile((ROOT / "Procfile").read_text())[name], env, python)


@contextmanager
def process(
    command: list[str], env: dict[str, str], cwd: Path = ROOT
) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """A process and its log; ended with the block."""
    parent = os.getpid()
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        log = Path(made) / "log"
        with log.open("wb") as out:
            started = subprocess.Popen(
                command,
                env=env,
                cwd=cwd,
                stdout=out,
                stderr=out,
                preexec_fn=lambda: die_with(parent),  # noqa: PLW1509 - one call of prctl
            )
        try:
            yield started, log
        finally:
            started.kill()
            started.wait()


@contextmanager
def deadlines_worker(**settings: object) -> Iterator[Worker]:
    """The deadlines worker on an empty broker, once it takes tasks."""
    redis_of_broker().flushdb()
    with tempfile.NamedTemporaryFile(prefix="bench-lags-") as lags:
        env = {**os.environ, LAGS: lags.name}
        env |= {name: str(value) for name, value in settings.items()}
        command = [*command_of("worker-deadlines", env), "--include", "tests.benchmarks.naive"]
        with process(command, env) as (started, log):
            wait_for(lambda: bool(current_app.control.ping(timeout=0.5)), READY_SECONDS, log)
            yield Worker(started, Path(lags.name))


@contextmanager
def web() -> Iterator[int]:
    """The port of the web process with the benchmarks' endpoint beside the product's; its broker is away."""
    port, nowhere = free_port(), free_port()
    env = {
        **os.environ,
        "PORT": str(port),
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{nowhere}/0",
        "CACHE_URL": os.environ["CHANNEL_LAYER_HOST"],
    }
    with serving(command_of("web", env), env, port):
        yield port


@contextmanager
def serving(command: list[str], env: dict[str, str], port: int, cwd: Path = ROOT) -> Iterator[None]:
    """A process that listens on the port."""
    with process(command, env, cwd) as (_, log):
        wait_for(lambda: listens(port), READY_SECONDS, log)
        yield


def wait_for(holds: Callable[[], bool], seconds: float, log: Path | None = None) -> None:
    """Wait for something; raises TimeoutError, with the end of the log."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(log.read_text()[-3_000:] if log else "it did not come about")
        time.sleep(0.05)
