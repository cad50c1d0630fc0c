"""P5: `assign` over HTTP beside a bare DRF create of as many rows on the same server."""

from collections.abc import Iterable
from itertools import islice

from knox.models import AuthToken

from appointments.models import Appointment, AppointmentLog, Assignment
from core.outbox.models import OutboxEntry
from tests.benchmarks.clients import Post, send
from tests.benchmarks.measuring import Figure, Row
from tests.benchmarks.population import LENGTH, Clinic, fresh_statistics, make_clinic, settled, unassigned
from tests.benchmarks.workers import web

CLIENTS = 8
ROUNDS = 4
WRITTEN = (Appointment, Assignment, AppointmentLog, OutboxEntry)


def run(quick: bool) -> list[Figure]:
    """Both in turns on one server whose broker is away."""
    number = 200 if quick else 800
    clinic = make_clinic(1_000)
    settled(clinic, 1_000 if quick else 20_000)
    token = AuthToken.objects.create(clinic.operator)[1]
    requests = iter([_assign(clinic, token, each) for each in unassigned(clinic, (number + 1) * ROUNDS)])
    bare = iter([_bare(clinic, token) for _ in range((number + 1) * ROUNDS)])
    fresh_statistics()
    seconds = {"assign": 0.0, "bare": 0.0}
    with web() as port:
        rows = {name: _rows_of(port, next(calls)) for name, calls in (("assign", requests), ("bare", bare))}
        for _ in range(ROUNDS):
            seconds["bare"] += _all(port, islice(bare, number))
            seconds["assign"] += _all(port, islice(requests, number))
    assert rows["bare"] <= rows["assign"] <= rows["bare"] + 1, rows
    done = number * ROUNDS
    detail = f"{done / seconds['assign']:.0f} requests/s with no broker there; bare {done / seconds['bare']:.0f}"
    return [Figure("requests/s against a bare create", seconds["bare"] / seconds["assign"], 0.7, detail)]


def _assign(clinic: Clinic, token: str, appointment: Appointment) -> Post:
    """To the therapist of the place that the request has taken: nobody else has that time."""
    therapist = clinic.therapists[clinic.patients.index(appointment.patient)]
    return Post(token, f"/api/scheduling/appointments/{appointment.pk}/assign/", {"therapist_id": therapist.pk})


def _bare(clinic: Clinic, token: str) -> Post:
    therapist, patient, start = clinic.next_place()
    body = {"institution": clinic.institution.pk, "patient": patient.pk, "therapist": therapist.pk}
    body |= {"start": start.isoformat(), "end": (start + LENGTH).isoformat()}
    return Post(token, "/bare/", {**body, "appointment_date": f"{start:%F}", "appointment_time": f"{start:%T}"})


def _rows_of(port: int, post: Post) -> int:
    """How many rows a request has added or, of appointments, changed."""
    before = sum(model.objects.count() for model in WRITTEN)
    _all(port, [post], 1)
    added = sum(model.objects.count() for model in WRITTEN) - before
    return added + (post.path != "/bare/")


def _all(port: int, posts: Iterable[Post], clients: int = CLIENTS) -> float:
    """Send them all; returns how long it took. Raises AssertionError."""
    sent = send(port, list(posts), clients)
    wrong = [answer for answer in sent.answers if answer.status not in {200, 201}]
    assert not wrong, wrong[0]
    return sent.seconds


ROW = Row("P5", "assign over HTTP, 8 clients, the Procfile's web process", run)
