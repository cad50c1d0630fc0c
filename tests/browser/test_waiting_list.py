"""The waiting list on two pages: the operator offers a place by hand, the patient takes it."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.support.clients import Person, in_days, request
from tests.support.stack import Stack


def test_a_place_is_offered_by_hand_and_taken(stack: Stack, opened: Open, people: Callable[[str], Person]) -> None:
    wish = {"preferred_date": in_days(5)[:10], "therapist": people("therapist7").id, "reason": "As soon as possible"}
    path = f"{stack.url}/api/appointments/waiting-list/"
    joined = request(path, "POST", wish, people("patient5").token)
    assert joined.status == 201, joined
    name = f"waiting-{joined.body['id']}"
    operator, patient = opened("operator", "/operator/?tab=waiting"), opened("patient5", "/patient/?tab=waiting")
    entry = operator.get_by_test_id(name)
    expect(entry).to_contain_text("As soon as possible")
    expect(entry).to_contain_text("place in the queue")
    entry.get_by_role("button", name="Priority…").click()
    operator.get_by_role("dialog").get_by_label("Priority").fill("1")
    operator.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(entry).to_contain_text("Priority 1")
    expect(patient.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    entry.get_by_role("button", name="Offer a place").click()
    expect(entry).to_contain_text("left to take it")
    expect(entry).to_contain_text("Talia Haddad")
    for page in (operator, patient):
        timer = page.get_by_test_id(name).get_by_role("timer")
        expect(timer).to_contain_text(re.compile(r"1[0-4]:\d\d.*left to take it"))
    patient.goto(f"{stack.url}/patient/")
    patient.get_by_test_id(name).get_by_role("button", name="Take this time").click()
    expect(patient.get_by_text("The time is yours as soon as the therapist accepts.")).to_be_visible()
    expect(entry).to_have_count(0)


def test_somebody_is_taken_off_the_list_after_a_question(
    stack: Stack, opened: Open, people: Callable[[str], Person]
) -> None:
    path = f"{stack.url}/api/appointments/waiting-list/"
    joined = request(path, "POST", {"preferred_date": in_days(6)[:10]}, people("patient4").token)
    operator = opened("operator", "/operator/?tab=waiting")
    entry = operator.get_by_test_id(f"waiting-{joined.body['id']}")
    entry.get_by_role("button", name="Take off the list…").click()
    dialog = operator.get_by_role("dialog", name="Take Pedro Santos off the waiting list?")
    dialog.get_by_role("button", name="Go back").click()
    expect(entry).to_be_visible()
    entry.get_by_role("button", name="Take off the list…").click()
    dialog.get_by_role("button", name="Take off the list").click()
    expect(entry).to_have_count(0)
    entries = request(f"{path}{joined.body['id']}/", "GET", token=people("patient4").token).body
    assert entries["is_active"] is False
