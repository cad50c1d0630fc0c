"""Deadlines hold, whichever of the three hands on them is cut off."""

import json
import statistics
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.support.clients import Person
from tests.support.stack import Stack, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.alone]

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
    times = AppointmentLog.objects.filter(appointment=a, action="auto_cancelled").count()
    offer = Assignment.objects.get(appointment=a)
    rows.append([a.status, times, (a.auto_cancelled_at - offer.assigned_at).total_seconds()])
print(json.dumps(rows))
"""
UNHANDLED = """
from appointments.models import Appointment
print(Appointment.objects.filter(pk__range=({first}, {last})).exclude(status="auto_cancelled").count())
"""
PROMISED = """
from core.outbox.models import OutboxEntry
print(OutboxEntry.objects.count())
"""
UNPUBLISHED = """
from appointments.models import Assignment
print(Assignment.objects.filter(appointment__in=range({first}, {last} + 1), armed_for__isnull=True).count())
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


def none_left(stack: Stack, question: str, seconds: float) -> None:
    """Wait until the answer is 0; asked seldom, for whoever answers works beside those who are measured."""

    def none() -> bool:
        time.sleep(0.25)
        return stack.python(question) == "0\n"

    wait_until(none, seconds, stack.logs)


def lags_of(stack: Stack, made: tuple[int, int], seconds: float = 15) -> list[float]:
    """Wait until every offer was handled; how late each was. Each was handled exactly once."""
    first, last = made
    none_left(stack, UNHANDLED.format(first=first, last=last), seconds)
    rows = json.loads(stack.python(OUTCOME.format(first=first, last=last)))
    assert {(status, times) for status, times, _ in rows} == {("auto_cancelled", 1)}
    return [taken - CLOCK for _, _, taken in rows]


def p99(lags: list[float]) -> float:
    return statistics.quantiles(lags, n=100)[-1]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(**SETTINGS) as running:
        yield running


@pytest.mark.once
def test_five_hundred_deadlines_are_handled_once_and_in_time(stack: Stack) -> None:
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


def test_eta_tasks_and_beat_handle_every_deadline_without_the_relay(stack: Stack) -> None:
    none_left(stack, PROMISED, 60)  # of the five hundred
    made = offer(stack, 40, 1)
    none_left(stack, UNPUBLISHED.format(first=made[0], last=made[1]), CLOCK)
    stack.kill("relay")
    assert p99(lags_of(stack, made)) <= 1.0
    stack.start_again("relay")


def test_the_relay_alone_handles_every_deadline_within_two_seconds(stack: Stack) -> None:
    made = offer(stack, 40, 1)
    for name in ("worker", "worker-deadlines", "beat", "valkey"):
        stack.kill(name)
    assert max(lags_of(stack, made)) <= 2.0
    alone = offer(stack, 40, 1)
    assert max(lags_of(stack, alone)) <= 2.0
