"""The product's stories over real HTTP and WebSocket, with every process running."""

from itertools import count

import pytest

from tests.support.clients import Person, in_days, request
from tests.support.stack import Stack

pytestmark = pytest.mark.stack
days = count(30)


@pytest.fixture
def operator(stack: Stack) -> Person:
    person = Person(stack, "operator")
    person.go_live()
    return person


@pytest.fixture
def patient(stack: Stack) -> Person:
    person = Person(stack, "patient")
    person.go_live()
    return person


def therapist(stack: Stack, name: str = "therapist") -> Person:
    person = Person(stack, name)
    person.go_live()
    return person


def assigned(operator: Person, patient: Person, to: Person) -> int:
    """An appointment that waits for this therapist's answer."""
    made = operator.post("appointments/", {"patient": patient.id, "start": in_days(next(days))})
    assert made.status == 201, made
    answer = operator.act(made.body["id"], "assign", therapist=to.id)
    assert answer.status == 200, answer
    return int(made.body["id"])


def test_the_therapist_accepts_and_everybody_is_told(stack: Stack, operator: Person, patient: Person) -> None:
    theo = therapist(stack)
    visit = assigned(operator, patient, theo)
    assert "accept" in theo.sees("appointment_assigned", visit)["data"]["appointment"]["allowed_actions"]
    assert theo.act(visit, "accept").body["status"] == "confirmed"
    for person in (operator, theo, patient):
        shown = person.sees("appointment_accepted", visit)["data"]["appointment"]
        assert (shown["status"], shown["response_deadline"]) == ("confirmed", None)


def test_a_rejection_that_is_accepted_finds_somebody_else_who_accepts(
    stack: Stack, operator: Person, patient: Person
) -> None:
    theo, others = therapist(stack), [therapist(stack, f"therapist{number}") for number in range(2, 9)]
    visit = assigned(operator, patient, theo)
    assert theo.act(visit, "reject", rejection_reason="A funeral").status == 200
    assert operator.sees("appointment_rejected", visit)["data"]["appointment"]["rejection_reason"] == "A funeral"
    assert operator.act(visit, "review_rejection", review_decision="accept").status == 200
    assert theo.sees("rejection_reviewed", visit)["data"]["appointment"]["status"] == "cancelled"
    found = operator.sees("appointment_assigned", visit)  # Theo's own
    found = operator.sees("appointment_assigned", visit)["data"]["appointment"]
    assert found["origin"] == "system"
    chosen = next(person for person in others if person.id == found["therapist"])
    assert chosen.act(visit, "accept").status == 200
    assert patient.sees("appointment_accepted", visit)["data"]["appointment"]["therapist"] == chosen.id


def test_a_rejection_that_is_accepted_with_nobody_free_cancels_and_the_patient_is_told(
    stack: Stack, operator: Person, patient: Person
) -> None:
    theo = therapist(stack)
    visit = assigned(operator, patient, theo)
    start = operator.see(visit)["start"]
    for number in range(2, 9):  # everybody else is taken at that time
        other = Person(stack, f"therapist{number}")
        mate = Person(stack, f"patient{min(number, 6)}") if number <= 6 else None
        if mate is not None:
            made = operator.post("appointments/", {"patient": mate.id, "therapist": other.id, "start": start})
            assert made.status == 201, made
            assert other.act(made.body["id"], "accept").status == 200
        else:
            assert operator.post(f"therapists/{other.id}/disable/", {"reason": "on leave"}).status == 200
    assert theo.act(visit, "reject", rejection_reason="Ill").status == 200
    assert operator.act(visit, "review_rejection", review_decision="accept").status == 200
    told = patient.sees("appointment_cancelled", visit)["data"]["appointment"]
    assert told["cancellation_reason"] == "no therapist available"
    for number in (7, 8):
        other = operator.get(f"therapists/?search=therapist{number}").body["results"][0]
        assert operator.post(f"therapists/{other['id']}/enable/").status == 200


def test_a_rejection_that_is_denied_stays_with_the_therapist(stack: Stack, operator: Person, patient: Person) -> None:
    theo = therapist(stack)
    visit = assigned(operator, patient, theo)
    assert theo.act(visit, "reject", rejection_reason="Too far").status == 200
    denied = operator.act(visit, "review_rejection", review_decision="deny", review_notes="Nobody else can")
    assert denied.body["status"] == "assigned"
    shown = theo.sees("rejection_reviewed", visit)["data"]["appointment"]
    assert (shown["status"], shown["review_decision"]) == ("assigned", "deny")


def test_a_socket_that_is_cut_comes_back_with_every_event_once_and_in_order(
    stack: Stack, operator: Person, patient: Person
) -> None:
    theo = therapist(stack)
    visit = assigned(operator, patient, theo)
    last = theo.sees("appointment_assigned", visit)["seq"]
    theo.cut()
    for minutes in (1, 2, 3):
        assert operator.act(visit, "extend", minutes=minutes).status == 200
    theo.events.clear()
    theo.go_live(after=last)
    seen = [theo.sees("deadline_extended", visit)["seq"] for _ in range(3)]
    assert seen == [last + 1, last + 2, last + 3]
    assert theo.act(visit, "accept").status == 200


def test_the_eta_task_of_an_offer_is_in_the_queue_from_the_start(
    stack: Stack, operator: Person, patient: Person
) -> None:
    theo = therapist(stack)
    made = operator.post("appointments/", {"patient": patient.id, "start": in_days(next(days))})
    assert operator.act(made.body["id"], "assign", therapist=theo.id).status == 200
    assert operator.act(made.body["id"], "extend", minutes=30).status == 200
    scheduled = stack.python(
        "import time; from core.celery import app; time.sleep(1);"
        "print([task['request']['name'] for tasks in (app.control.inspect(timeout=3).scheduled() or {}).values()"
        " for task in tasks])"
    )
    assert "tasks.deadlines.expire_assignment" in scheduled
    assert theo.act(made.body["id"], "accept").status == 200


def test_logout_closes_the_socket_within_two_seconds(stack: Stack) -> None:
    tara = therapist(stack, "therapist6")
    assert request(f"{stack.url}/api/auth/logout/", "POST", {}, tara.token).status == 204
    assert tara.is_put_out(2) == 4401
