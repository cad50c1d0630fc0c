"""What a silence leads to, and how it is undone, with every process running and a clock of twelve seconds."""

from collections.abc import Iterator

import pytest

from tests.support.clients import Person, in_days
from tests.support.stack import Stack

pytestmark = pytest.mark.stack


@pytest.fixture
def stack() -> Iterator[Stack]:
    with Stack(DEFAULT_RESPONSE_TIMEOUT_MINUTES=0.2, DEADLINE_WARNING_MINUTES=0.1) as running:
        yield running


def live(stack: Stack, username: str) -> Person:
    """Somebody signed in with an open socket."""
    person = Person(stack, username)
    person.go_live()
    return person


def test_silence_is_warned_about_then_cancelled_suspended_told_closed_and_can_be_undone(
    stack: Stack,
) -> None:
    operator, patient, tara = live(stack, "operator"), live(stack, "patient"), live(stack, "therapist5")
    made = operator.post("appointments/", {"patient": patient.id, "start": in_days(30)})
    visit = int(made.body["id"])
    assert operator.act(visit, "assign", therapist=tara.id).status == 200
    assert tara.sees("deadline_approaching", visit, seconds=15)
    assert tara.sees("appointment_auto_cancelled", visit, seconds=20)["data"]["appointment"]["status"] == "cancelled"
    assert tara.sees("therapist_disabled")["data"]["therapist"]["id"] == tara.id
    assert tara.is_put_out() == 4401
    assert operator.sees("appointment_auto_cancelled", visit)["data"]["appointment"]["status"] == "auto_cancelled"
    assert operator.sees("therapist_disabled")["data"]["therapist"]["id"] == tara.id
    assert patient.sees("appointment_auto_cancelled", visit)
    assert tara.get("appointments/").status == 401
    undone = operator.post(f"therapists/{tara.id}/enable/", {"restore_appointments": [visit]})
    assert undone.body["restored_appointments"] == [visit]
    again = Person(stack, "therapist5")
    assert again.act(visit, "accept").body["status"] == "confirmed"
