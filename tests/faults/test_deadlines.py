"""Deadlines hold, whichever of the three hands on them is cut off."""

import json
import statistics
import time
from datetime import datetime

import pytest

from tests.support.clients import Person
from tests.support.stack import Stack, stalled, wait_until

pytestmark = pytest.mark.stack

# Offers of three seconds, `count` of them spread evenly over `spread` seconds; nobody is suspended.
OFFER = """
import time
from datetime import timedelta
from django.utils import timezone
from appointments.services import assignment, booking
from core.accounts.models import User
operator = User.objects.get(username="operator")
therapists = list(User.objects.filter(username__startswith="therapist").order_by("id"))
patients = list(User.objects.filter(username__startswith="patient").order_by("id"))
start = timezone.now().replace(second=0, microsecond=0) + timedelta(days=20)
made = []
for number in range({count}):
    asked = booking.Booking(patient=patients[number % 6], start=start + timedelta(minutes=30 * number))
    made.append(booking.book(asked, operator, timezone.now()).pk)
begun = time.monotonic()
for number, pk in enumerate(made):
    time.sleep(max(0, begun + {spread} * number / {count} - time.monotonic()))
    assignment.assign(pk, therapists[number % 8].pk, operator, timezone.now())
print(made[0], made[-1])
"""
OUTCOME = """
import json
from appointments.models import Appointment, AppointmentLog, Assignment
rows = []
for a in Appointment.objects.filter(pk__range=({first}, {last})):
    if a.auto_cancelled_at is None:  # the sweep may be at work between two of these reads
        rows.append([a.status, 0, None])
        continue
    times = AppointmentLog.objects.filter(appointment=a, action="auto_cancelled").count()
    offer = Assignment.objects.get(appointment=a)
    rows.append([a.status, times, (a.auto_cancelled_at - offer.assigned_at).total_seconds()])
print(json.dumps(rows))
"""
CLOCK = 3.0
SETTINGS = {
    "DEFAULT_RESPONSE_TIMEOUT_MINUTES": CLOCK / 60,
    "DEADLINE_WARNING_MINUTES": 0,
    "AUTO_DISABLE_THERAPISTS": "false",
}


def offer(stack: Stack, count: int, spread: float) -> tuple[int, int]:
    first, last = stack.python(OFFER.format(count=count, spread=spread)).split()
    return int(first), int(last)


def outcome(stack: Stack, made: tuple[int, int]) -> list[tuple[str, int, float | None]]:
    return [tuple(row) for row in json.loads(stack.python(OUTCOME.format(first=made[0], last=made[1])))]


def lags_of(stack: Stack, made: tuple[int, int], seconds: float = 15) -> list[float]:
    """Wait until every offer was handled; how late each was. Each was handled exactly once."""

    def all_handled() -> list[tuple[str, int, float | None]] | None:
        rows = outcome(stack, made)
        return rows if all(status == "auto_cancelled" for status, _, _ in rows) else None

    rows = wait_until(all_handled, seconds, stack.logs)
    assert {times for _, times, _ in rows} == {1}
    return [taken - CLOCK for _, _, taken in rows]


def p99(lags: list[float]) -> float:
    return statistics.quantiles(lags, n=100)[-1]


def test_five_hundred_deadlines_are_handled_once_and_in_time() -> None:
    with Stack(**SETTINGS) as stack:
        operator = Person(stack, "operator")
        operator.go_live()
        made = offer(stack, 500, 20)
        lags = lags_of(stack, made)
        assert p99(lags) <= 1.0, max(lags)
        assert min(lags) >= 0
        seen: dict[int, float] = {}
        while len(seen) < 500:  # the events were read from the socket's buffer only now, so their own clock is used
            event = operator.sees("appointment_auto_cancelled", seconds=20)
            sent = datetime.fromisoformat(event["server_time"])
            cancelled = datetime.fromisoformat(event["data"]["appointment"]["auto_cancelled_at"])
            seen[event["data"]["appointment"]["id"]] = (sent - cancelled).total_seconds()
        assert p99(list(seen.values())) <= 1.0


def test_the_relay_alone_handles_every_deadline_within_two_seconds() -> None:
    with Stack(**SETTINGS) as stack:
        made = offer(stack, 40, 1)
        for name in ("worker", "worker-deadlines", "beat", "valkey"):
            stack.kill(name)
        assert max(lags_of(stack, made)) <= 2.0
        alone = offer(stack, 40, 1)
        assert max(lags_of(stack, alone)) <= 2.0


def test_eta_tasks_and_beat_handle_every_deadline_without_the_relay() -> None:
    with Stack(**SETTINGS) as stack:
        made = offer(stack, 40, 1)
        time.sleep(1)  # the relay has published the ETA tasks
        stack.kill("relay")
        assert p99(lags_of(stack, made)) <= 1.0


def test_the_api_answers_within_a_second_while_the_broker_is_stalled() -> None:
    with Stack(DEFAULT_RESPONSE_TIMEOUT_MINUTES=30) as stack:
        operator, patient = Person(stack, "operator"), Person(stack, "patient")
        therapist = operator.get("therapists/?search=therapist").body["results"][0]["id"]
        taken: list[float] = []
        with stalled(stack, "valkey"):
            for number in range(30):
                start = f"2027-03-{1 + number % 28:02d}T{3 + number // 28:02d}:00:00Z"
                begun = time.monotonic()
                made = operator.post("appointments/", {"patient": patient.id, "start": start})
                assert made.status == 201, made
                assert operator.act(made.body["id"], "assign", therapist=therapist).status == 200
                taken.append((time.monotonic() - begun) / 2)
        assert p99(taken) <= 1.0
        armed = "from appointments.models import Assignment as A; print(A.objects.filter(armed_for=None).count())"
        wait_until(lambda: int(stack.python(armed)) <= 16, 20, stack.logs)  # the seeded ones lie beyond the horizon


def test_readyz_names_the_part_that_fails_and_comes_back() -> None:
    with Stack() as stack:
        from urllib.error import HTTPError
        from urllib.request import urlopen

        def failing() -> list[str]:
            try:
                urlopen(f"{stack.url}/readyz", timeout=10).close()
            except HTTPError as error:
                parts = json.loads(error.read())["parts"]
                return [name for name, state in parts.items() if not state["ok"]]
            return []

        with stalled(stack, "valkey"):
            wait_until(lambda: failing() == ["broker"], 15, stack.logs)
        wait_until(lambda: failing() == [], 15, stack.logs)
        for name in ("relay", "beat"):
            stack.kill(name)
            wait_until(lambda name=name: failing() == [name], 20, stack.logs)
            stack.start_again(name)
            wait_until(lambda: failing() == [], 30, stack.logs)
