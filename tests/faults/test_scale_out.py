"""Two of every process behind one address, each restarted under load: nothing is lost, and nothing happens twice.

On PostgreSQL and Valkey; with TEST_RABBITMQ_URL, a virtual host of its own, once more with RabbitMQ as the broker.
"""

import json
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

from tests.support.clients import Answer, Person, in_days, request
from tests.support.stack import EVERYTHING, Stack, free_port, wait_until

pytestmark = [
    pytest.mark.stack,
    pytest.mark.once,
    pytest.mark.skipif(not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="SQLite is one machine's"),
]
BROKERS = ["valkey", *(["rabbitmq"] if os.environ.get("TEST_RABBITMQ_URL") else [])]
CLOCK_SECONDS = 5
THREADS = 4
PAUSE_SECONDS = 0.1  # the processors are for those who start
# What each of them writes when it has begun to work.
BEGUN = {"web": "", "relay": "relay: running", "worker": " ready.", "worker-deadlines": " ready.", "beat": ""}
# Each second, so that a second beat at work would show.
SWEEP = "Give places on"
OFTEN = f"""
from django_celery_beat.models import IntervalSchedule, PeriodicTask
second, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
entry = PeriodicTask.objects.get(name="{SWEEP}")
entry.interval = second
entry.save()
"""
FOUND = """
import json
from datetime import timedelta
from django.utils import timezone
from appointments.models import Appointment
from core.audit import findings
from core.outbox.models import OutboxEntry
# A while ahead, so that nothing is excused as being at work.
found = [str(finding) for finding in findings(timezone.now() + timedelta(minutes=2))]
statuses = dict(Appointment.objects.filter(pk__in={visits}).values_list("pk", "status"))
print(json.dumps([found, OutboxEntry.objects.count(), statuses]))
"""


class Site:
    """Two web processes as one: whoever finds one gone turns to the other, with the same Idempotency-Key."""

    def __init__(self, stack: Stack, second: int) -> None:
        self.ports = (stack.port, second)
        self._turn = 0

    def port(self) -> int:
        self._turn += 1
        return self.ports[self._turn % 2]

    def post(self, token: str, path: str, **body: Any) -> Answer:
        key, give_up = str(uuid.uuid4()), time.monotonic() + 45
        while True:
            url = f"http://127.0.0.1:{self.port()}/api/scheduling/appointments/{path}"
            with suppress(OSError, HTTPException):
                answer = request(url, "POST", body, token, **{"Idempotency-Key": key})
                if not still_runs(answer):
                    return answer
            assert time.monotonic() < give_up, f"nobody answers {path}"
            time.sleep(0.05)


def still_runs(answer: Answer) -> bool:
    """Whether the request was cut off, and what it began is not known to have ended."""
    return answer.status == 409 and answer.body["errors"][0]["code"] == "idempotency_conflict"


class Follower(threading.Thread):
    """An operator's socket, opened anew at the other process whenever it closes."""

    def __init__(self, site: Site, token: str, after: int) -> None:
        super().__init__(daemon=True)
        self.site, self.token, self.first = site, token, after
        self.events: list[dict[str, Any]] = []
        self.connections = 0
        self.done = threading.Event()

    def run(self) -> None:
        protocols: Any = ["events.v1", f"knox.{self.token}"]
        while not self.done.is_set():
            last = self.events[-1]["seq"] if self.events else self.first
            url = f"ws://127.0.0.1:{self.site.port()}/ws/events/?after={last}"
            try:
                with connect(url, subprotocols=protocols, close_timeout=0.2) as socket:
                    self.connections += 1
                    self._listen(socket)
            except (OSError, ConnectionClosed, InvalidHandshake):  # also a process that ends while it opens
                time.sleep(0.05)

    def _listen(self, socket: Any) -> None:
        while not self.done.is_set():
            try:
                message = json.loads(socket.recv(timeout=0.5))
            except TimeoutError:
                continue
            if "seq" in message:
                self.events.append(message)

    def seen(self) -> Counter[tuple[str, int]]:
        """How often each kind of event came of each appointment."""
        about = ((event["type"], (event["data"].get("appointment") or {}).get("id")) for event in self.events)
        return Counter(about)


class Load(threading.Thread):
    """Offers without end: accepted, refused and upheld, refused and searched anew, or left to their deadline."""

    def __init__(self, site: Site, people: dict[str, Person], number: int) -> None:
        super().__init__(daemon=True)
        self.site, self.people, self.number = site, people, number
        self.expected: dict[int, set[str]] = {}
        self.surprise: AssertionError | None = None
        self.done = threading.Event()

    def run(self) -> None:
        turn = self.number
        try:
            while not self.done.wait(PAUSE_SECONDS):
                self._one(turn)
                turn += THREADS
        except AssertionError as surprise:  # the test's own thread tells of it
            self.surprise = surprise

    def _one(self, turn: int) -> None:
        operator, therapist = self.people["operator"], self.people[f"therapist{2 + turn % 7}"]
        # Three quarters of an hour for half an hour each, so that nobody is in two places.
        made = self.site.post(operator.token, "", patient=self.people["patient"].id, start=in_days(20 + turn / 32))
        assert made.status == 201, made
        pk = int(made.body["id"])
        offered = self.site.post(operator.token, f"{pk}/assign/", therapist=therapist.id)
        assert offered.status == 200, offered
        self.expected[pk] = self._answer(pk, (turn // THREADS) % 4, operator.token, therapist.token)

    def _answer(self, pk: int, kind: int, operator: str, therapist: str) -> set[str]:
        """What must have become of it in the end; an answer that came too late is none."""
        if kind == 0:
            return {"auto_cancelled"}
        if kind == 1:
            accepted = self.site.post(therapist, f"{pk}/accept/")
            return self._unless_late(accepted, {"confirmed"})
        rejected = self.site.post(therapist, f"{pk}/reject/", rejection_reason="too far")
        if rejected.status != 200:
            return self._unless_late(rejected, set())
        decision = {"review_decision": "deny", "review_notes": "please"} if kind == 2 else {"review_decision": "accept"}
        reviewed = self.site.post(operator, f"{pk}/review_rejection/", **decision)
        assert reviewed.status == 200, reviewed
        return {"assigned"} if kind == 2 else {"auto_cancelled", "cancelled"}

    @staticmethod
    def _unless_late(answer: Answer, expected: set[str]) -> set[str]:
        if answer.status == 200:
            return expected
        assert (answer.status, answer.body["errors"][0]["code"]) == (409, "deadline_passed"), answer
        return {"auto_cancelled"}


@pytest.fixture(params=BROKERS)
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    settings: dict[str, object] = {
        "DEFAULT_RESPONSE_TIMEOUT_MINUTES": CLOCK_SECONDS / 60,
        "DEADLINE_WARNING_MINUTES": 0,
        "AUTO_DISABLE_THERAPISTS": "false",
    }
    if request.param == "rabbitmq":
        settings["CELERY_BROKER_URL"] = os.environ["TEST_RABBITMQ_URL"]
    with Stack(EVERYTHING, **settings) as running:
        yield running


def begun(stack: Stack, name: str) -> int:
    """How often it has begun to work."""
    return stack.services[name].log.read_text().count(BEGUN[name.removesuffix("-2")])


def restart(stack: Stack, site: Site, names: list[str]) -> None:
    """Let them end as in an upgrade while their twins work on; return when the new ones work."""
    before = {name: begun(stack, name) for name in names}
    for name in names:
        stack.services[name].ask_to_stop()
    for name in names:
        stack.stop(name)
        stack.start_again(name)
    for name in names:
        wait_until(lambda name=name: begun(stack, name) > before[name] or not BEGUN[name.removesuffix("-2")], 30)
    for port in site.ports:
        wait_until(lambda port=port: _lives(port), 30, stack.logs)


def _lives(port: int) -> bool:
    try:
        return request(f"http://127.0.0.1:{port}/healthz", "GET").status == 200
    except OSError:
        return False


def test_each_of_two_is_restarted_under_load_and_nothing_is_lost_or_happens_twice(stack: Stack) -> None:
    site = Site(stack, free_port())
    stack.python(OFTEN)
    began = time.monotonic()
    for name in EVERYTHING:
        stack.start_another(f"{name}-2", of=name, PORT=site.ports[1])
    wait_until(lambda: all(map(_lives, site.ports)), 30, stack.logs)
    people = {name: Person(stack, name) for name in ("operator", "patient", *(f"therapist{n}" for n in range(2, 9)))}
    last_seq = people["operator"].get("notifications/?limit=1").body["last_seq"]
    follower = Follower(site, people["operator"].token, last_seq)
    loads = [Load(site, people, number) for number in range(THREADS)]
    for thread in (follower, *loads):
        thread.start()

    restart(stack, site, [*EVERYTHING])
    restart(stack, site, [f"{name}-2" for name in EVERYTHING])

    for load in loads:
        load.done.set()
        load.join(60)
        assert (load.surprise, load.is_alive()) == (None, False)
    expected = {pk: wanted for load in loads for pk, wanted in load.expected.items()}
    made = sum(len(load.expected) for load in loads)
    script = FOUND.format(visits=list(expected))

    def settled() -> dict[str, str] | None:
        found, promised, statuses = json.loads(stack.python(script))
        done = not found and not promised and "pending" not in statuses.values()
        return statuses if done else None

    statuses = wait_until(settled, 40, lambda: stack.python(script) + stack.logs())
    wrong = {pk: status for pk, status in statuses.items() if status not in expected[int(pk)]}
    assert (wrong, len(statuses), made > 40) == ({}, made, True)
    follower.done.set()
    follower.join(10)
    numbers = [event["seq"] for event in follower.events]
    last_seq = people["operator"].get("notifications/?limit=1").body["last_seq"]
    assert numbers == list(range(follower.first + 1, last_seq + 1))
    assert follower.connections > 1
    seen = follower.seen()
    told = {"confirmed": "appointment_accepted", "auto_cancelled": "appointment_auto_cancelled"}
    assert {seen[kind, int(pk)] for pk, status in statuses.items() if (kind := told.get(status))} == {1}
    beats = "".join(stack.services[name].log.read_text() for name in ("beat", "beat-2"))
    assert 0 < beats.count(f"Sending due task {SWEEP}") <= 1.3 * (time.monotonic() - began) + 5
