"""I14: what people told the system stands in the database and in answers to those concerned, and nowhere else.

Every personal field holds a canary. A whole story is lived through the real processes; then the whole
traffic of the broker and the channel layer, every log, the metrics and Flower are searched for it.
"""

import base64
import re
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import bootstrap
import pytest
from redis import Redis

from tests.support.clients import Person, in_days, request
from tests.support.stack import EVERYTHING, Stack, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.once, pytest.mark.timeout(180)]

CANARY = "Qzx-canary"
PEOPLE = f"""
from core.accounts.models import Role, User
for user in User.objects.filter(role__in=[Role.THERAPIST, Role.PATIENT, Role.OPERATOR]):
    user.first_name, user.last_name = "{CANARY}-first", "{CANARY}-last"
    user.email, user.phone = f"{CANARY}-{{user.pk}}@clinic.example", "+49{CANARY}"
    user.preferences = {{"note": "{CANARY}-preference"}}
    user.save()
patient = User.objects.get(username="patient2")
patient.username = "{CANARY}-user"
patient.save()
"""
FLOWER = "ops:a-password-of-the-tests"


class Eavesdropper:
    """Everything that anybody says to the Valkey, from MONITOR."""

    def __init__(self, port: int) -> None:
        self.client = Redis(port=port)
        self._heard: list[str] = []
        self._listening = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        assert self._listening.wait(5)

    def _listen(self) -> None:
        with self.client.monitor() as monitor:
            self._listening.set()
            try:
                while True:
                    self._heard.append(monitor.next_command()["command"])
            except Exception:  # the server has ended
                return

    @property
    def heard(self) -> str:
        """All of it, Celery's bodies decoded as well."""
        text = "\n".join(self._heard)
        bodies = re.findall(r"body\W+([A-Za-z0-9+/]{16,}={0,2})", text)
        return text + "".join(base64.b64decode(body).decode(errors="replace") for body in bodies)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    flower = {"FLOWER_BASIC_AUTH": FLOWER, "FLOWER_PORT": bootstrap.free_port()}
    with Stack((*EVERYTHING, "flower"), **flower) as running:
        running.python(PEOPLE)
        yield running


def flower_says(stack: Stack, path: str) -> str:
    asked = urllib.request.Request(f"http://127.0.0.1:{stack.env['FLOWER_PORT']}/{path}")
    asked.add_header("Authorization", "Basic " + base64.b64encode(FLOWER.encode()).decode())
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return str(answer.read().decode())


def live_through(stack: Stack) -> dict[str, Any]:
    """A booking with every word that people can add, refused, reviewed, taken, moved and cancelled; two bad logins."""
    for name in (f"{CANARY}-user", f"{CANARY}-nobody"):
        wrong = {"username": name, "password": f"{CANARY}-password"}
        assert request(f"{stack.url}/api/auth/login/", "POST", wrong).status == 401
    operator, therapist, patient = (Person(stack, name) for name in ("operator", "therapist4", f"{CANARY}-user"))
    for person in (operator, therapist, patient):
        person.go_live()
    words = {name: f"{CANARY}-{name}" for name in ("reason_for_visit", "symptoms", "notes")}
    body = {"therapist": therapist.id, "patient": patient.id, "start": in_days(25), **words}
    made = operator.post("appointments/", body)
    assert made.status == 201, made
    pk = made.body["id"]
    steps = (
        (therapist, "reject", {"rejection_reason": f"{CANARY}-rejection"}),
        (operator, "review_rejection", {"review_decision": "deny", "review_notes": f"{CANARY}-review"}),
        (operator, "handover_notes", {"text": f"{CANARY}-handover"}),
        (operator, "unassign", {"reason": f"{CANARY}-unassign"}),
        (operator, "assign", {"therapist": therapist.id}),
        (operator, "remind", {}),
        (therapist, "accept", {}),
        (operator, "cancel", {"cancellation_reason": f"{CANARY}-cancellation"}),
    )
    for person, action, given in steps:
        answer = person.act(pk, action, **given)
        assert answer.status in {200, 201}, (action, answer)
    assert operator.get(f"appointments/?search={CANARY}").status == 200
    assert patient.sees("appointment_cancelled", pk)
    assert therapist.act(pk, "accept", version=1).status in {404, 409}
    return operator.see(pk)


def test_nobodys_data_is_in_broker_channel_layer_logs_metrics_or_flower(stack: Stack) -> None:
    eavesdropper = Eavesdropper(stack.redis_port)
    told = live_through(stack)
    assert CANARY in told["patient_name"]
    assert told["cancellation_reason"] == f"{CANARY}-cancellation"
    wait_until(lambda: "tasks.notifications.send_offer" in flower_says(stack, "api/tasks"), 20)
    searched = {
        "broker and channel layer": eavesdropper.heard,
        "flower's tasks": flower_says(stack, "api/tasks"),
        "flower's workers": flower_says(stack, "api/workers?refresh=1"),
        "flower's page": flower_says(stack, "tasks"),
        "metrics": urllib.request.urlopen(f"{stack.url}/metrics", timeout=10).read().decode(),
        **{f"log of {name}": service.log.read_text() for name, service in stack.services.items()},
    }
    assert [place for place, text in searched.items() if CANARY in text] == []
    # It was heard: else nothing would have been found in silence either.
    assert "tasks.notifications.send_offer" in searched["broker and channel layer"]
    assert "seqs" in searched["broker and channel layer"] or "PUBLISH" in searched["broker and channel layer"]
    assert "request_finished" in searched["log of web"]


def test_the_search_finds_a_leak_where_there_is_one(stack: Stack) -> None:
    eavesdropper = Eavesdropper(stack.redis_port)
    stack.python(f"from core.celery import app; app.send_task('tasks.notifications.tell_account', ['{CANARY}', 'x'])")
    wait_until(lambda: CANARY in eavesdropper.heard, 10)
    wait_until(lambda: CANARY in flower_says(stack, "api/tasks"), 20)
