"""A booking system that others use, `django-appointment`, served as the product is and asked as a browser asks it."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db import connection

from deploy.bootstrap import ROOT, free_port, lock_digest, make_environment, pip_install
from tests.benchmarks.clients import Answer
from tests.benchmarks.population import fresh_statistics
from tests.benchmarks.workers import command_of, serving

SITE = Path(__file__).parent / "peers"
LOCK = ROOT / "requirements" / "peers.txt"
VENV = ROOT / "var" / "peers-venv"
TOKEN = "x" * 32  # against forgery: any, when the form and the cookie have the same
BOOKED, GONE = 201, 409


class Booking(NamedTuple):
    """Look at the free times of the day, ask for one, fill in the client's form; what is only read is left out."""

    session: str
    wanted: dict[str, Any]

    def __call__(self, connection: HTTPConnection) -> Answer:
        start, end = (datetime.fromisoformat(self.wanted[name]) for name in ("start", "end"))
        place = {"staff_member": self.wanted["therapist"], "service": 1, "date": f"{start:%F}"}
        day = urlencode({"staff_member": place["staff_member"], "service_id": 1, "selected_date": place["date"]})
        _, _, text = self._ask(connection, f"/ajax/available_slots/?{day}")
        if f"{start:%FT%T}" not in {slot for slot, _ in json.loads(text)["available_slots"]}:
            return Answer(GONE, text)
        form = {**place, "start_time": f"{start:%T}", "end_time": f"{end:%T}"}
        _, asked, _ = self._ask(connection, "/request-submit/", form)
        client = {"name": "A Client", "phone_0": "US", "phone_1": "2025550123", "payment_type": "full"}
        status, _, text = self._ask(connection, asked, client)
        return Answer(BOOKED if status == 302 else status, text)

    def _ask(self, connection: HTTPConnection, path: str, form: dict[str, Any] | None = None) -> tuple[int, str, bytes]:
        headers = {"Cookie": f"sessionid={self.session}; csrftoken={TOKEN}", "X-Requested-With": "XMLHttpRequest"}
        if form is None:
            connection.request("GET", path, headers=headers)
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", path, urlencode({**form, "csrfmiddlewaretoken": TOKEN}), headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location", ""), answer.read()


@contextmanager
def site(clients: int) -> Iterator[tuple[int, list[str]]]:
    """The port of its web process and its clients' sessions; it has the product's people and appointments."""
    port, python = free_port(), _python()
    own = connection.settings_dict
    database = {name: own[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    env = {**os.environ, "PYTHONPATH": "", "PORT": str(port), "PEER_DATABASE": json.dumps(database)}
    made = subprocess.run(
        [python, "django_appointment.py", str(clients)], cwd=SITE, env=env, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr[-3_000:]
    fresh_statistics()
    command = [
        word.replace("core.asgi:application", "django_appointment:application")
        for word in command_of("web", env, python)
    ]
    try:
        with serving(command, env, port, SITE):
            yield port, json.loads(made.stdout.splitlines()[-1])
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA peer CASCADE")


def _python() -> str:
    """The Python of an environment that holds what the lock names, made when there is none."""
    python, stamp = VENV / "bin" / "python", VENV / ".installed"
    if not stamp.exists() or stamp.read_text() != lock_digest(LOCK):
        make_environment(VENV)
        pip_install(LOCK, python)
        stamp.write_text(lock_digest(LOCK))
    return str(python)
