"""The real thing for tests: web, relay, workers, beat and a Valkey as processes, on ports and data of their own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.databases import ROOT, Database
from tests.support.shell import Shell

sys.path.insert(0, str(ROOT / "deploy"))

from bootstrap import free_port, ready, valkey_command, wait_for_port
from supervisor import Service, expand, parse_procfile

EVERYTHING = ("web", "relay", "worker", "worker-deadlines", "beat")
READY_SECONDS = 60


class Stack:
    """A context manager; settings become environment variables.

    `processes` names what runs (of the Procfile, without Flower). Each can be killed, stalled and started again.
    The database is a fresh one on the server of DATABASE_URL, or a fresh SQLite file.
    """

    def __init__(self, processes: tuple[str, ...] = EVERYTHING, **settings: object) -> None:
        self.names = processes
        self.scratch = Path(tempfile.mkdtemp(prefix="stack-"))
        self.port, self.redis_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}/ws/events/"
        self.redis_url = f"redis://127.0.0.1:{self.redis_port}"
        given = os.environ.get("DATABASE_URL", "")
        self.database = Database(given if given.startswith("postgres") else "", self.scratch)
        self.env = {
            **{name: value for name, value in os.environ.items() if name not in {"PYTEST_CURRENT_TEST"}},
            "DJANGO_DEBUG": "true",
            "DJANGO_SECRET_KEY": "only-for-tests-" + "x" * 40,
            "DATA_DIR": str(self.scratch),
            "DATABASE_URL": self.database.url,
            "CELERY_BROKER_URL": f"{self.redis_url}/0",
            "CHANNEL_LAYER_HOST": f"{self.redis_url}/1",
            "PORT": str(self.port),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **{name: str(value) for name, value in settings.items()},
        }
        self.services: dict[str, Service] = {}
        self._shell = Shell(self.env, self.scratch / "logs" / "shell.log")

    def __enter__(self) -> Self:
        try:
            self.database.create()
            self._start("valkey", valkey_command(self.redis_port, self.scratch / "valkey"))
            wait_for_port(self.redis_port, 20)
            commands = parse_procfile((ROOT / "Procfile").read_text())
            for name in self.names:
                self._start(name, expand(commands[name], self.env))
            if {"web", "relay", "beat"} <= set(self.names):
                wait_until(lambda: ready(self.url), READY_SECONDS, self.logs)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        for service in self.services.values():
            with contextlib.suppress(ProcessLookupError):
                service.signal(signal.SIGCONT)
                service.signal(signal.SIGKILL)
            if service.process is not None:
                service.process.wait()
        self._shell.end()
        self.database.drop()
        if error is not None:
            print(self.logs())
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _start(self, name: str, command: list[str], env: dict[str, str] | None = None) -> None:
        service = Service(name, command, env or self.env, self.scratch / "logs" / f"{name}.log")
        service.start()
        self.services[name] = service

    def start_another(self, name: str, of: str, **settings: object) -> None:
        """Start one more process of the Procfile's entry `of`, under a name of its own, also as a Celery node."""
        env = {**self.env, **{key: str(value) for key, value in settings.items()}}
        words = expand(parse_procfile((ROOT / "Procfile").read_text())[of], env)
        self._start(name, [word.replace("@%h", f".{name}@%h") for word in words], env)

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a process and its children."""
        self.services[name].signal(number)

    def kill(self, name: str) -> None:
        """kill -9, and wait for the end."""
        self.signal(name, signal.SIGKILL)
        process = self.services[name].process
        assert process is not None
        process.wait()

    def stop(self, name: str) -> None:
        """Ask it to end, as an upgrade does, and wait for the end."""
        service = self.services[name]
        service.ask_to_stop()
        service.see_stopped(time.monotonic() + 15)

    def start_again(self, name: str) -> None:
        """Start a killed process once more."""
        self.services[name].start()

    def manage(self, *arguments: str) -> str:
        """Run a management command; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        """Run Python inside the project, on this stack's database; returns what it printed."""
        return self._shell.run(code)

    def logs(self) -> str:
        """The end of every process's log."""
        shown = []
        for name, service in self.services.items():
            text = service.log.read_text(errors="replace") if service.log.exists() else ""
            shown.append(f"--- {name}\n{text[-3000:]}")
        return "\n".join(shown)


def wait_until(holds: Callable[[], Any], seconds: float, explain: Callable[[], str] = lambda: "") -> Any:
    """Wait for something true and return it. Raises AssertionError with `explain()` when it does not come."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < end, f"did not come about within {seconds} s\n{explain()}"
        time.sleep(0.05)
    return value


@contextlib.contextmanager
def stalled(stack: Stack, name: str) -> Iterator[None]:
    """SIGSTOP a process for the length of the block."""
    stack.signal(name, signal.SIGSTOP)
    try:
        yield
    finally:
        stack.signal(name, signal.SIGCONT)
