"""What the documents tell people to do against a running system, and what operations see of it: one stack for all."""

import contextlib
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any

import bootstrap
import pytest

from tests.support.clients import Person, in_days
from tests.support.flower import CREDENTIALS, ask
from tests.support.stack import EVERYTHING, ROOT, Stack, stalled, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.once]
needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="the examples are written for curl")

EXPIRE = "tasks.deadlines.expire_assignment"
# Contract: within this time /readyz names a part that has stopped.
NAMED_WITHIN = 15
CURL = "exec {curl} --write-out '%{{stderr}}%{{http_code}}\\n' \"$@\""
SOON = """
from datetime import timedelta
from django.utils import timezone
from appointments.services import assignment
from core.accounts.models import User
operator = User.objects.get(username="operator")
assignment.set_deadline({visit}, timezone.now() + timedelta(seconds=2), operator, timezone.now(), None)
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    flower = {"FLOWER_BASIC_AUTH": CREDENTIALS, "FLOWER_PORT": bootstrap.free_port()}
    with Stack((*EVERYTHING, "flower"), AUTO_DISABLE_THERAPISTS="false", **flower) as running:
        yield running


def shell_of(document: str) -> str:
    """The commands of a document that ask the API, one after the other."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)
    return "".join(block for block in blocks if "$API" in block or "{API" in block)


def statuses_of(commands: str, api: str, scratch: Path) -> list[int]:
    """Run them as they stand; the status of each answer, in order."""
    wrapper = scratch / "curl"
    wrapper.write_text("#!/bin/bash\n" + CURL.format(curl=shutil.which("curl")))
    wrapper.chmod(0o755)
    env = {"PATH": f"{scratch}:/usr/local/bin:/usr/bin:/bin", "API": api}
    run = ["bash", "-eu", "-o", "pipefail", "-c", commands]
    done = subprocess.run(run, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return [int(line) for line in done.stderr.splitlines() if re.fullmatch(r"\d{3}", line)]


@needs_curl
def test_the_examples_of_the_api_answer_as_they_say(stack: Stack, tmp_path: Path) -> None:
    commands = shell_of("deploy/API.md")
    promised = [int(status) for status in re.findall(r"^# (\d{3})$", commands, re.MULTILINE)]
    assert len(promised) > 15
    assert statuses_of(commands, f"{stack.url}/api", tmp_path) == promised


@needs_curl
def test_the_example_of_the_readme_answers(stack: Stack, tmp_path: Path) -> None:
    assert statuses_of(shell_of("README.md"), f"{stack.url}/api", tmp_path) == [200, 200]


def test_one_id_follows_a_request_through_the_relay_into_its_tasks(stack: Stack) -> None:
    operator, therapist, patient = (Person(stack, name) for name in ("operator", "therapist7", "patient3"))
    made = operator.post("appointments/", {"patient": patient.id, "start": in_days(34)})
    path = f"appointments/{made.body['id']}/assign/"
    assert operator.post(path, {"therapist": therapist.id}).status == 200
    line = rf"request_finished.*{path}.*request_id=(\S+)"
    name = wait_until(lambda: re.search(line, stack.services["web"].log.read_text()), 5)[1]
    # The ETA task waits for its time; the offer on the second channel goes out at once.
    for process, event in (("relay", "task_enqueued"), ("worker", "task_succeeded")):
        log = stack.services[process].log
        wait_until(lambda log=log, event=event: re.search(rf"{event}.*{name}", log.read_text()), 15, stack.logs)


def finished(flower: str) -> dict[str, Any]:
    """The deadlines that Flower has seen acted on, by the ids of their tasks."""
    shown: dict[str, Any] = json.loads(ask(f"{flower}/api/tasks?taskname={EXPIRE}&state=SUCCESS", CREDENTIALS)[1])
    return shown


def test_flower_shows_a_finished_deadline_task_with_ids_alone_and_only_to_those_it_knows(stack: Stack) -> None:
    operator, therapist, patient = (Person(stack, name) for name in ("operator", "therapist6", "patient4"))
    words = {"reason_for_visit": "a broken heart", "start": in_days(33)}
    made = operator.post("appointments/", {"patient": patient.id, **words})
    assert operator.act(made.body["id"], "assign", therapist=therapist.id).status == 200
    stack.python(SOON.format(visit=made.body["id"]))
    flower = f"http://127.0.0.1:{stack.env['FLOWER_PORT']}"

    shown = list(wait_until(lambda: finished(flower), 20, stack.logs).values())
    assert all(re.fullmatch(r"[\[(]\d+,?[\])]", task["args"]) and task["kwargs"] == "{}" for task in shown), shown
    assert operator.see(made.body["id"])["status"] == "auto_cancelled"
    for path in (f"api/tasks?taskname={EXPIRE}", f"task/{shown[0]['uuid']}", "tasks", "broker"):
        assert ask(f"{flower}/{path}")[0] == 401
        status, page = ask(f"{flower}/{path}", CREDENTIALS)
        assert status == 200
        assert b"broken heart" not in page
    stack.stop("flower")
    stack.start_again("flower")
    bootstrap.wait_for_port(int(stack.env["FLOWER_PORT"]), 20)
    assert shown[0]["uuid"] in finished(flower)  # what it has seen outlives a restart


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


def failing(stack: Stack) -> list[str]:
    """The parts that /readyz says are at fault; 503 if and only if there are any."""
    try:
        with urllib.request.urlopen(f"{stack.url}/readyz", timeout=10) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    parts = json.loads(body)["parts"]
    # What cannot be asked because the database is away is not at fault itself.
    found = [name for name, state in parts.items() if not state["ok"] and state.get("error") != "database"]
    assert (status == 503) == bool(found)
    return found


@contextlib.contextmanager
def without_database(stack: Stack) -> Iterator[None]:
    """Nobody can open the database; on PostgreSQL open connections end as well."""
    if stack.database.url.startswith("sqlite"):
        file = Path(stack.database.url.removeprefix("sqlite:///"))
        aside = file.rename(file.with_suffix(".aside"))
        file.mkdir()
        try:
            yield
        finally:
            file.rmdir()
            aside.rename(file)
        return
    stack.database.let_in(False)
    try:
        yield
    finally:
        stack.database.let_in(True)


def test_readyz_names_each_part_that_stops_within_15_seconds_and_comes_back(stack: Stack) -> None:
    wait_until(lambda: failing(stack) == [], NAMED_WITHIN, stack.logs)
    with stalled(stack, "valkey"):
        wait_until(lambda: failing(stack) == ["broker"], NAMED_WITHIN, stack.logs)
    with without_database(stack):
        wait_until(lambda: failing(stack) == ["database"], NAMED_WITHIN, stack.logs)
    wait_until(lambda: failing(stack) == [], 30, stack.logs)
    stack.kill("relay")
    wait_until(lambda: failing(stack) == ["relay"], NAMED_WITHIN, stack.logs)
    stack.start_again("relay")
    stack.kill("beat")
    wait_until(lambda: failing(stack) == ["beat"], NAMED_WITHIN, stack.logs)
    stack.start_again("beat")
    wait_until(lambda: failing(stack) == [], 30, stack.logs)
