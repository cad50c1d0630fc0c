"""Runs the Procfile's processes: starts them, restarts what dies, stops them in order. Standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

LONGEST_PAUSE = 10.0
# A process that lived this long had started well; its next failure is a new story.
LIVED_WELL = 30.0
# Those who take requests in go first, so that nothing new arrives while the rest finishes.
STOP_FIRST = ("web", "beat", "flower", "relay")
STOP_SECONDS = 4.0
LARGEST_LOG = 10_000_000
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1


def parse_procfile(text: str) -> dict[str, str]:
    """Commands by name, in the file's order."""
    lines = (re.fullmatch(r"([A-Za-z0-9_-]+):\s*(.+)", line.strip()) for line in text.splitlines())
    return {line[1]: line[2] for line in lines if line}


def expand(command: str, env: Mapping[str, str], python: str = sys.executable) -> list[str]:
    """The argument vector: $NAME and ${NAME:-default} replaced, `python` being this project's."""

    def value(match: re.Match[str]) -> str:
        return env.get(match[1] or match[3]) or match[2] or ""

    words = shlex.split(re.sub(r"\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)", value, command))
    return [python if word == "python" else word for word in words]


def die_with(parent: int) -> None:
    """In the child, on Linux: end with the parent, even one that is killed; also one that is gone by now."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


@dataclass
class Service:
    """One process that shall live."""

    name: str
    command: list[str]
    env: Mapping[str, str]
    log: Path
    cwd: Path = Path(__file__).resolve().parent.parent
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    again_at: float = 0.0
    shown: int = 0

    def start(self) -> None:
        """Start it, its output going to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        parent = os.getpid()
        with self.log.open("ab") as output:
            self.shown = output.tell()
            self.process = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env=dict(self.env),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=lambda: die_with(parent),
            )
        self.started = time.monotonic()

    def died(self) -> bool:
        """Tell whether it has ended since it was started."""
        return self.process is not None and self.process.poll() is not None

    def revive(self, say: Callable[[str], None]) -> None:
        """Start it again, after a pause that grows with every quick death."""
        now = time.monotonic()
        if self.died() and self.process is not None:
            self.failures = 1 if now - self.started > LIVED_WELL else self.failures + 1
            pause = min(LONGEST_PAUSE, 0.25 * 2 ** (self.failures - 1))
            say(f"{self.name} ended with {self.process.returncode}; again in {pause:g} s (its log: {self.log})")
            self.clear_away()
            self.process, self.again_at = None, now + pause
        if self.process is None and now >= self.again_at:
            self.start()

    def signal(self, number: int) -> None:
        """Signal the process and its children."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def ask_to_stop(self) -> None:
        """SIGTERM to the process itself, which knows how to end its children."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def see_stopped(self, by: float) -> None:
        """Wait for its end until the instant of the monotonic clock, then kill it with all its children."""
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(max(0.05, by - time.monotonic()))
            self.clear_away()

    def clear_away(self) -> None:
        """Kill what is left of it: children may outlive a process that died."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """Keeps a set of services alive until `stop`."""

    def __init__(self, services: list[Service], say: Callable[[str], None], patience: float = STOP_SECONDS) -> None:
        """`patience`: seconds that each half of the services has to end before it is killed."""
        self.services = services
        self._say = say
        self._patience = patience

    def start(self) -> None:
        """Start all, in order."""
        for service in self.services:
            service.start()

    def tend(self) -> None:
        """Revive what has died; to be called often."""
        for service in self.services:
            service.revive(self._say)

    def stop(self) -> None:
        """Ask all to end, those that take requests first; kill what does not within its time."""
        first = [service for service in self.services if service.name in STOP_FIRST]
        rest = [service for service in self.services if service.name not in STOP_FIRST]
        for group in (first, rest):
            for service in group:
                service.ask_to_stop()
            by = time.monotonic() + self._patience
            for service in group:
                service.see_stopped(by)
