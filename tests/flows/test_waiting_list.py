"""A freed place goes round the waiting list, live, with every process running and six seconds to answer."""

import pytest

from tests.support.clients import Person, request
from tests.support.stack import Stack

pytestmark = pytest.mark.stack
WAITING, BOOKINGS = "/api/appointments/waiting-list/", "/api/appointments/appointments/"


def live(stack: Stack, username: str) -> Person:
    """Somebody signed in with an open socket."""
    person = Person(stack, username)
    person.go_live()
    return person


def free_slot(person: Person, therapist: int) -> dict[str, str | int]:
    """The last of the therapist's published slots that can be booked."""
    url = f"{person.stack.url}/api/appointments/time-slots/?therapist={therapist}&available_only=true&page_size=100"
    page = request(url, "GET", token=person.token)
    assert page.status == 200, page
    return page.body["results"][-1]


def test_who_does_not_answer_passes_the_place_on_and_the_next_takes_it(stack: Stack) -> None:
    operator, theo = live(stack, "operator"), live(stack, "therapist")
    pia, pavel, petra = (live(stack, name) for name in ("patient", "patient2", "patient3"))
    slot = free_slot(pia, theo.id)
    made = request(stack.url + BOOKINGS, "POST", {"time_slot": slot["id"], "start": slot["start"]}, pia.token)
    assert made.status == 201, made
    entries = {}
    for person in (pavel, petra):
        wish = {"preferred_date": slot["date"], "doctor": theo.id}
        joined = request(stack.url + WAITING, "POST", wish, person.token)
        assert joined.status == 201, joined
        entries[person.username] = joined.body["id"]
    assert pia.act(made.body["id"], "cancel", cancellation_reason="ill").status == 200
    offered = pavel.sees("waitlist_offer")
    assert offered["data"]["time_slot"] == slot["id"]
    blocked = request(stack.url + BOOKINGS, "POST", {"time_slot": slot["id"], "start": slot["start"]}, pia.token)
    assert (blocked.status, blocked.body["errors"][0]["code"]) == (409, "slot_full")
    assert pavel.sees("waitlist_offer_expired", seconds=15)["data"]["offer"] == offered["data"]["offer"]
    assert petra.sees("waitlist_offer")["data"]["time_slot"] == slot["id"]
    assert operator.sees("waitlist_offer_expired")
    late = request(f"{stack.url}{WAITING}{entries['patient2']}/accept_offer/", "POST", {}, pavel.token)
    assert (late.status, late.body["errors"][0]["code"]) == (409, "deadline_passed")
    taken = request(f"{stack.url}{WAITING}{entries['patient3']}/accept_offer/", "POST", {}, petra.token)
    assert (taken.status, taken.body["status"], taken.body["origin"]) == (201, "pending", "patient")
    assert theo.sees("new_appointment", taken.body["id"])
    assert theo.act(taken.body["id"], "accept").body["status"] == "confirmed"
    assert petra.sees("appointment_accepted", taken.body["id"])
