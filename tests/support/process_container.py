"""One local process in the shape of a container of the Docker SDK, as far as pytest-celery looks at it."""

import io
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from deploy.bootstrap import free_port, valkey_binary
from deploy.supervisor import die_with

# The one variable that is ours: where the process runs, instead of in its first volume.
DIRECTORY = "PROCESS_DIRECTORY"
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
REDIS_PORT = "6379/tcp"


class ProcessContainer:
    """Started, killed, restarted and looked into like a container; it shares the machine's network and files.

    `mounts` maps the paths that the process believes in to those that exist.
    """

    def __init__(
        self,
        command: list[str],
        environment: Mapping[str, object],
        ports: Mapping[str, int | None],
        mounts: Mapping[str, Path],
        labels: Mapping[str, str],
        root: Path,
    ) -> None:
        self.command, self.environment, self.mounts, self.labels = command, environment, mounts, labels
        self.id = uuid.uuid4().hex * 2
        self.name = f"process-{self.id[:8]}"
        self.root = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=root))
        self.ports = {name: port or free_port() for name, port in ports.items()}
        self.status = "created"
        self._log = self.root / "log"
        self._log.touch()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; everything it says is appended to its log."""
        parent = os.getpid()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments(),
                env=self._environment(),
                cwd=self._directory(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: die_with(parent),  # noqa: PLW1509 - one call of prctl
            )
        self.status = "running"

    def kill(self, name: str | int | None = None) -> None:
        """Send a signal, SIGKILL by default; like a container's first process, a killed one takes all others along."""
        number = signal.Signals[name] if isinstance(name, str) else name or signal.SIGKILL
        process = self._running()
        family = self._family()
        process.send_signal(number)
        if number == signal.SIGKILL:
            _end(family)
            process.wait(10)
        self.reload()

    def restart(self, timeout: float = 10) -> None:
        """End the process where it still runs, and start it again."""
        self._stop(timeout)
        self.start()

    def remove(self, force: bool = False, **_: object) -> bool:
        """End the process and forget its files."""
        self._stop(5)
        shutil.rmtree(self.root, ignore_errors=True)
        return True

    def wait(self, timeout: float | None = None, **_: object) -> dict[str, int]:
        """Wait for the end."""
        return {"StatusCode": self._process.wait(timeout) if self._process else 0}

    def reload(self) -> None:
        """Look whether it still runs."""
        if self._process is not None:
            self.status = "running" if self._process.poll() is None else "exited"

    def logs(self, **_: object) -> bytes:
        """Everything the process has said, over all its lives."""
        return self._log.read_bytes()

    def exec_run(self, command: str | list[str], **_: object) -> tuple[int, bytes]:
        """Run a command beside the process; the table of listening sockets is made up from the ports."""
        if isinstance(command, str) and command.startswith("cat /proc/net/tcp"):
            return 0, self._listening()
        words = shlex.split(command) if isinstance(command, str) else list(command)
        words = [sys.executable if word == "python" else word for word in words]
        done = subprocess.run(
            words, check=False, env=self._environment(), cwd=self._volume(), capture_output=True, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    def put_archive(self, path: str, data: io.BytesIO) -> bool:
        """Unpack a tar into a mounted path."""
        with tarfile.open(fileobj=data, mode="r:*") as archive:
            archive.extractall(self.mounts.get(path, self.root), filter="data")
        return True

    @property
    def attrs(self) -> dict[str, Any]:
        """What `docker inspect` would say."""
        published = {name: [{"HostIp": "127.0.0.1", "HostPort": str(port)}] for name, port in self.ports.items()}
        redis = self.ports.get(REDIS_PORT)
        return {
            "Id": self.id,
            "Name": self.name,
            "State": {"Status": self.status, "Pid": self._process.pid if self._process else 0},
            "Config": {
                "Env": [f"{name}={value}" for name, value in self.environment.items()],
                "Labels": dict(self.labels),
                # Others dial "<Hostname>/0"; without a network of its own, the port is part of the name.
                "Hostname": f"127.0.0.1:{redis}" if redis else self.id[:12],
            },
            "HostConfig": {"PortBindings": published},
            "NetworkSettings": {"Networks": {"host": {"IPAddress": "127.0.0.1"}}, "Ports": published},
            "Mounts": [
                {"Type": "bind", "Destination": path, "Source": str(real)} for path, real in self.mounts.items()
            ],
        }

    def _arguments(self) -> list[str]:
        program, *rest = [word.replace("%h", self.id[:12]) for word in self.command]
        if program == "redis-server":
            where = ["--bind", "127.0.0.1", "--port", str(self.ports[REDIS_PORT]), "--dir", str(self.root)]
            return [valkey_binary(), *rest, *where]
        if program == "celery":
            return [sys.executable, "-m", "celery", *rest]
        return [sys.executable if program == "python" else program, *rest]

    def _environment(self) -> dict[str, str]:
        """As clean as a container's: nothing of pytest's own leaks in."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return inherited | {name: self._real(str(value)) for name, value in self.environment.items()}

    def _real(self, text: str) -> str:
        for path, real in self.mounts.items():
            text = re.sub(rf"(?<![^:]){re.escape(path)}(?=/|:|$)", str(real), text)
        return text

    def _volume(self) -> Path:
        return next(iter(self.mounts.values()), self.root)

    def _directory(self) -> Path:
        return Path(str(self.environment.get(DIRECTORY, self._volume())))

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process

    def _family(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self._running().pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def _stop(self, seconds: float) -> None:
        if self._process is not None and self._process.poll() is None:
            family = self._family()
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            _end(family)
        self.reload()

    def _listening(self) -> bytes:
        rows = ["  sl  local_address rem_address   st"]
        for name, port in self.ports.items():
            with socket.socket() as probe:
                probe.settimeout(0.3)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    rows.append(f"0: 0100007F:{int(name.partition('/')[0]):04X} 00000000:0000 0A")
        return "\n".join(rows).encode()


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
