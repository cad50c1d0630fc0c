"""P5: `assign` over HTTP beside a bare DRF create of as many rows on the same server."""

import json
import threading
from collections.abc import Iterable
from http.client import HTTPConnection
from itertools import islice
from queue import Empty, SimpleQueue
from typing import NamedTuple

from knox.models import AuthToken

from appointments.models import Appointment, AppointmentLog, Assignment
from core.outbox.models import OutboxEntry
from tests.benchmarks.measuring import Figure, Row, timed
from tests.benchmarks.population import LENGTH, Clinic, fresh_statistics, make_clinic, settled, unassigned
from tests.benchmarks.workers import web

CLIENTS = 8
ROUNDS = 4
WRITTEN = (Appointment, Assignment, AppointmentLog, OutboxEntry)


class Call(NamedTuple):
    """One POST."""

    path: str
    body: dict[str, object]


def run(quick: bool) -> list[Figure]:
    """Both in turns on one server whose broker is away."""
    number = 200 if quick else 800
    clinic = make_clinic(1_000)
    settled(clinic, 1_000 if quick else 20_000)
    token = AuthToken.objects.create(clinic.operator)[1]
    requests = iter([_assign(clinic, each) for each in unassigned(clinic, (number + 1) * ROUNDS)])
    bare = iter([_bare(clinic) for _ in range((number + 1) * ROUNDS)])
    fresh_statistics()
    seconds = {"assign": 0.0, "bare": 0.0}
    with web() as port:
        rows = {name: _rows_of(port, token, next(calls)) for name, calls in (("assign", requests), ("bare", bare))}
        for _ in range(ROUNDS):
            seconds["bare"] += _all(port, token, islice(bare, number))
            seconds["assign"] += _all(port, token, islice(requests, number))
    assert rows["bare"] <= rows["assign"] <= rows["bare"] + 1, rows
    done = number * ROUNDS
    detail = f"{done / seconds['assign']:.0f} requests/s with no broker there; bare {done / seconds['bare']:.0f}"
    return [Figure("requests/s against a bare create", seconds["bare"] / seconds["assign"], 0.7, detail)]


def _assign(clinic: Clinic, appointment: Appointment) -> Call:
    """To the therapist of the place that the request has taken: nobody else has that time."""
    therapist = clinic.therapists[clinic.patients.index(appointment.patient)]
    return Call(f"/api/scheduling/appointments/{appointment.pk}/assign/", {"therapist_id": therapist.pk})


def _bare(clinic: Clinic) -> Call:
    therapist, patient, start = clinic.next_place()
    body = {"institution": clinic.institution.pk, "patient": patient.pk, "therapist": therapist.pk}
    body |= {"start": start.isoformat(), "end": (start + LENGTH).isoformat()}
    return Call("/bare/", {**body, "appointment_date": f"{start:%F}", "appointment_time": f"{start:%T}"})


def _rows_of(port: int, token: str, call: Call) -> int:
    """How many rows a request has added or, of appointments, changed."""
    before = sum(model.objects.count() for model in WRITTEN)
    _all(port, token, [call])
    added = sum(model.objects.count() for model in WRITTEN) - before
    return added + (call.path != "/bare/")


def _all(port: int, token: str, calls: Iterable[Call]) -> float:
    """Send them over a few connections that stay open; returns how long it took. Raises AssertionError."""
    waiting: SimpleQueue[Call] = SimpleQueue()
    for call in calls:
        waiting.put(call)
    wrong: list[str] = []

    def client() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        while True:
            try:
                call = waiting.get_nowait()
            except Empty:
                return connection.close()
            connection.request("POST", call.path, json.dumps(call.body), headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status not in {200, 201}:
                wrong.append(f"{answer.status} {text[:300]!r}")

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    with timed() as watch:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong, wrong[0]
    return watch.seconds


ROW = Row("P5", "assign over HTTP, 8 clients, the Procfile's web process", run)
