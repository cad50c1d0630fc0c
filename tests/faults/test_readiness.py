"""The API and /readyz while parts are stalled or gone."""

import json
import time
from collections.abc import Iterator
from statistics import quantiles
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.support.clients import Person, in_days
from tests.support.stack import Stack, stalled, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.once]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack() as running:
        yield running


def failing(stack: Stack) -> list[str]:
    try:
        urlopen(f"{stack.url}/readyz", timeout=10).close()
    except HTTPError as error:
        parts = json.loads(error.read())["parts"]
        return [name for name, state in parts.items() if not state["ok"]]
    return []


def test_the_api_answers_within_a_second_while_the_broker_is_stalled(stack: Stack) -> None:
    operator, patient = Person(stack, "operator"), Person(stack, "patient")
    therapist = operator.get("therapists/?search=therapist").body["results"][0]["id"]
    taken: list[float] = []
    with stalled(stack, "valkey"):
        for number in range(30):
            begun = time.monotonic()
            made = operator.post("appointments/", {"patient": patient.id, "start": in_days(60 + number)})
            assert made.status == 201, made
            assert operator.act(made.body["id"], "assign", therapist=therapist).status == 200
            taken.append((time.monotonic() - begun) / 2)
    assert quantiles(taken, n=100)[-1] <= 1.0
    armed = "from appointments.models import Assignment as A; print(A.objects.filter(armed_for=None).count())"
    wait_until(lambda: int(stack.python(armed)) <= 16, 20, stack.logs)  # the seeded ones lie beyond the horizon


def test_readyz_names_the_part_that_fails_and_comes_back(stack: Stack) -> None:
    wait_until(lambda: failing(stack) == [], 15, stack.logs)
    with stalled(stack, "valkey"):
        wait_until(lambda: failing(stack) == ["broker"], 15, stack.logs)
    wait_until(lambda: failing(stack) == [], 15, stack.logs)
    for name in ("relay", "beat"):
        stack.kill(name)
        wait_until(lambda name=name: failing(stack) == [name], 20, stack.logs)
        stack.start_again(name)
        wait_until(lambda: failing(stack) == [], 30, stack.logs)
