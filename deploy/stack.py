"""The Procfile's processes with the services they need, from preparation to a clean end. Standard library only."""

from __future__ import annotations

import contextlib
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import bootstrap
from bootstrap import PYTHON, ROOT, Failure, say
from supervisor import Service, Supervisor, expand, parse_procfile

READY_SECONDS = 90
TEND_SECONDS = 0.2
EMBEDDED_STOP_SECONDS = 1.5
# The self-test expects these at their defaults.
RULES_OF_THE_CHECK = frozenset(
    {
        "AUTO_CANCEL_ENABLED",
        "AUTO_DISABLE_THERAPISTS",
        "AUTO_REASSIGN_ON_TIMEOUT",
        "SUSPENSION_BREAKER_MIN",
        "SUSPENSION_BREAKER_PERCENT",
    }
)
# Production refuses this password (core.checks).
DEMO_FLOWER = "ops:demo"
ACCOUNTS = (
    ("operator, operator2", "assign, review, watch"),
    ("therapist … therapist8", "accept, reject"),
    ("patient … patient6", "book, cancel, reschedule"),
    ("hill_operator, hill_therapist, hill_patient", "another clinic, behind its wall"),
    ("admin", "everything, and /admin/"),
)


class Stack:
    """Runs everything on the variables of `env`, which it completes with defaults and embedded services."""

    def __init__(self, env: dict[str, str], *, verbose: bool = False) -> None:
        self.env = env
        self.verbose = verbose
        self._default("PORT", "8000")
        self._default("FLOWER_PORT", "5555")
        self._default("DJANGO_DEBUG", "true")
        self._default("DATA_DIR", "var")
        self.data = (ROOT / self.env["DATA_DIR"]).resolve()
        self.logs = self.data / "logs"
        self.debug = self.env["DJANGO_DEBUG"].lower() in {"true", "1", "yes", "on"}
        self.url = f"http://127.0.0.1:{self.env['PORT']}"
        self.embedded = Supervisor([], say, EMBEDDED_STOP_SECONDS)
        self.processes = Supervisor([], say)
        self._stopping = threading.Event()
        self._preparing = False

    def _default(self, name: str, value: str) -> None:
        if not self._given(name):
            self.env[name] = value

    def _given(self, name: str) -> bool:
        return bool(self.env.get(name, "").strip())

    def serve(self) -> int:
        """Run until a signal comes; returns the exit code. Raises Failure."""
        begun = time.monotonic()
        with self.running() as ready:
            if ready:
                self._greet(time.monotonic() - begun)
            while not self._stopping.wait(TEND_SECONDS):
                self._tend()
        return 0

    def check(self) -> int:
        """Run one assignment end to end; returns the exit code. Raises Failure."""
        with self.running() as ready:
            if not ready:
                return 1
            bootstrap.run_shown([str(PYTHON), str(ROOT / "deploy" / "check.py"), self.url], self.env)
        say("check: all is well.")
        return 0

    @contextlib.contextmanager
    def running(self) -> Iterator[bool]:
        """Everything started, and whether it became ready before a signal came; stopped at the end. Raises Failure."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        for name in ("PORT", "FLOWER_PORT"):
            bootstrap.port_in(self.env, name)
        self.data.mkdir(parents=True, exist_ok=True)
        with bootstrap.alone(
            self.data, f"DATA_DIR {self.data} is in use by another start; set DATA_DIR to another one."
        ):
            try:
                self._prepare()
                self._start()
                yield self._wait_until_ready()
            except KeyboardInterrupt:
                yield False
            finally:
                self.processes.stop()
                self.embedded.stop()

    def _on_signal(self, number: int, frame: object) -> None:
        self._stopping.set()
        if self._preparing:
            raise KeyboardInterrupt

    def _prepare(self) -> None:
        self._preparing = True
        self._default("DATABASE_URL", f"sqlite:///{self.data / 'db.sqlite3'}")
        bootstrap.install("base" if self.env["DATABASE_URL"].startswith("sqlite:") else "production")
        self.env |= {
            "DATA_DIR": str(self.data),
            "DJANGO_SETTINGS_MODULE": "core.settings",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        self._default("DJANGO_SECRET_KEY", self._kept_secret())
        if self.debug:
            self._default("FLOWER_BASIC_AUTH", DEMO_FLOWER)
        self._start_valkey()
        say("Preparing the database …")
        bootstrap.run([str(PYTHON), str(ROOT / "deploy" / "prepare.py")], self.env)
        self._preparing = False

    def _kept_secret(self) -> str:
        """A key of this data directory's own, so that sessions outlive a restart."""
        path = self.data / "secret-key"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(50))
        return path.read_text()

    def _start_valkey(self) -> None:
        """The embedded broker and channel layer, for whichever of the two is not given."""
        if self._given("CELERY_BROKER_URL") and self._given("CHANNEL_LAYER_HOST"):
            return
        port = bootstrap.free_port()
        command = bootstrap.valkey_command(port, self.data / "valkey")
        log = self.logs / "valkey.log"
        self.embedded.services.append(Service("valkey", command, self.env, log))
        self.embedded.start()
        try:
            bootstrap.wait_for_port(port, 20)
        except Failure:
            raise Failure(f"The embedded Valkey did not start; its log: {log}") from None
        self._default("CELERY_BROKER_URL", f"redis://127.0.0.1:{port}/0")
        self._default("CHANNEL_LAYER_HOST", f"redis://127.0.0.1:{port}/1")

    def _start(self) -> None:
        for name, command in parse_procfile((ROOT / "Procfile").read_text()).items():
            if name == "flower" and not self._given("FLOWER_BASIC_AUTH"):
                say("Flower does not start: FLOWER_BASIC_AUTH is not set.")
                continue
            words = expand(command, self.env, str(PYTHON))
            self.processes.services.append(Service(name, words, self.env, self.logs / f"{name}.log"))
        self.processes.start()

    def _wait_until_ready(self) -> bool:
        give_up = time.monotonic() + READY_SECONDS
        while not self._stopping.is_set():
            if bootstrap.ready(self.url) and self._flower_listens():
                return True
            if time.monotonic() > give_up:
                raise Failure(f"Not ready after {READY_SECONDS} s; the logs are in {self.logs}.")
            self._tend()
            self._stopping.wait(TEND_SECONDS)
        return False

    def _flower_listens(self) -> bool:
        starts = any(service.name == "flower" for service in self.processes.services)
        return not starts or bootstrap.listens(int(self.env["FLOWER_PORT"]))

    def _tend(self) -> None:
        self.embedded.tend()
        self.processes.tend()
        if self.verbose:
            for service in self.processes.services:
                service.shown = bootstrap.show_from(service.log, service.shown, service.name)

    def _greet(self, seconds: float) -> None:
        say(f"\nReady after {seconds:.1f} s: {self.url}")
        say(f"  API          {self.url}/api/docs/")
        say(f"  WebSocket    ws://127.0.0.1:{self.env['PORT']}/ws/events/")
        say(f"  Admin        {self.url}/admin/")
        if self._given("FLOWER_BASIC_AUTH"):
            shown = self.env["FLOWER_BASIC_AUTH"] if self.debug else "FLOWER_BASIC_AUTH"
            say(f"  Flower       http://127.0.0.1:{self.env['FLOWER_PORT']}/ ({shown})")
        say(f"  Database     {redacted(self.env['DATABASE_URL'])}")
        say(f"  Broker       {redacted(self.env['CELERY_BROKER_URL'])}")
        say(f"  Logs, data   {self.data}")
        if self.debug:
            say("Demo accounts, every password is 'demo':")
            for names, may in ACCOUNTS:
                say(f"  {names:<45} {may}")
        say("Ctrl-C stops everything.")


def redacted(url: str) -> str:
    """The URL without its user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def check_environment(given: dict[str, str], in_file: dict[str, str], data: Path) -> dict[str, str]:
    """A self-test's own world: free ports, its own data, clocks of seconds, and nothing of what `.env` names.

    An empty variable counts as absent and still hides the one of the file.
    """
    unset = {*in_file, *RULES_OF_THE_CHECK} - (set(given) - RULES_OF_THE_CHECK)
    return (
        given
        | dict.fromkeys(unset, "")
        | {
            "DATA_DIR": str(data),
            "PORT": str(bootstrap.free_port()),
            "FLOWER_PORT": str(bootstrap.free_port()),
            "DJANGO_DEBUG": "true",
            "DEFAULT_RESPONSE_TIMEOUT_MINUTES": "0.1",
            "DEADLINE_WARNING_MINUTES": "0.05",
        }
    )
