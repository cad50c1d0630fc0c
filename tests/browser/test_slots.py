"""A therapist publishes time: one slot, many after a preview, time off."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.support.clients import Person, in_days, request
from tests.support.stack import Stack

WEEKS_AHEAD = 4  # past everything that is seeded


def far_week(opened: Open, who: str) -> Page:
    page = opened(who, "/therapist/?tab=slots")
    expect(page.get_by_role("list", name="Slots")).to_be_visible()
    for _ in range(WEEKS_AHEAD):
        page.get_by_role("button", name="Next week").click()
    expect(page.get_by_text("Nothing published")).to_have_count(7)
    return page


def test_slots_are_added_and_removed_alone_and_by_the_hundred(opened: Open) -> None:
    page = far_week(opened, "therapist4")
    page.get_by_role("button", name="Add slot", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add slot")
    monday = dialog.get_by_label("Date").input_value()
    dialog.get_by_label("Date").fill("2020-01-06")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_label("Date")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Date").fill(monday)
    dialog.get_by_label("From", exact=True).fill("10:00")
    dialog.get_by_label("To", exact=True).fill("10:30")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".slot")).to_have_text([re.compile("10:00–10:30")])

    page.get_by_role("button", name="Add many slots…").click()
    dialog = page.get_by_role("dialog", name="Add many slots")
    dialog.get_by_label("To", exact=True).fill("11:00")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.get_by_role("status")).to_contain_text("79 slots, 1 clashes and is left out.")
    expect(page.locator(".slot")).to_have_count(1)
    dialog.get_by_label("To", exact=True).fill("10:00")
    expect(dialog.get_by_role("status")).to_have_count(0)
    dialog.get_by_role("button", name="Preview").click()
    dialog.get_by_role("button", name="Add 40 slots").click()
    expect(page.locator(".slot")).to_have_count(11)

    page.get_by_role("button", name="Remove free slots").click()
    page.get_by_role("dialog", name="Remove 11 free slots?").get_by_role("button", name="Remove").click()
    expect(page.locator(".slot")).to_have_count(0)


def test_one_of_a_series_goes_without_the_others(opened: Open) -> None:
    page = far_week(opened, "therapist3")
    page.get_by_role("button", name="Add slot", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add slot")
    expect(dialog.get_by_label("Until")).to_be_hidden()
    dialog.get_by_label("Repeat weekly").check()
    expect(dialog.get_by_label("Until")).to_be_visible()
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".slot")).to_have_count(1)
    page.get_by_role("button", name="Show as a list").click()
    expect(page.locator(".slot")).to_have_count(4)
    page.get_by_role("button", name=re.compile("^Remove .* 09:00–09:30$")).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator(".slot")).to_have_count(3)
    page.get_by_role("button", name=re.compile("^Remove .* 09:00–09:30$")).first.click()
    page.get_by_role("dialog").get_by_label("This and all free ones").check()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator(".slot")).to_have_count(0)
    page.get_by_role("button", name="Show as a week").click()
    expect(page.get_by_text("Nothing published")).to_have_count(7)


def test_a_slot_that_is_booked_meanwhile_says_so(stack: Stack, opened: Open, people: Callable[[str], Person]) -> None:
    page = far_week(opened, "therapist5")
    page.get_by_role("button", name="Add slot", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    added = page.locator(".slot")
    expect(added.get_by_role("button")).to_have_count(1)
    therapist, patient = people("therapist5"), people("patient2")
    mine = f"{stack.url}/api/appointments/time-slots/?therapist={therapist.id}&date_from={in_days(20)[:10]}"
    [slot] = request(mine, "GET", token=therapist.token).body["results"]
    body = {"time_slot": slot["id"], "start": slot["start"]}
    booked = request(f"{stack.url}/api/appointments/appointments/", "POST", body, patient.token)
    assert booked.status == 201, booked
    expect(added).to_contain_text("1/1")


def test_time_off_says_what_it_hits_before_it_is_taken(
    opened: Open, offered: Callable[..., int], people: Callable[[str], Person]
) -> None:
    visit = offered("therapist6", start=in_days(70))
    page = opened("therapist6", "/therapist/?tab=slots")
    page.get_by_role("button", name="Time off…").click()
    dialog = page.get_by_role("dialog", name="Time off")
    dialog.get_by_label("From").fill(f"{in_days(69)[:10]}T00:00")
    dialog.get_by_label("Until").fill(f"{in_days(71)[:10]}T23:59")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.get_by_role("status")).to_contain_text("1 appointment lies in it")
    expect(dialog.get_by_role("status")).to_contain_text(f"A-{visit}")
    expect(page.get_by_role("list", name="Time off")).to_have_count(0)
    dialog.get_by_role("button", name="Take time off").click()
    expect(page.get_by_role("list", name="Time off").get_by_role("listitem")).to_have_count(1)
    assert people("operator2").act(visit, "unassign").status == 200
    free = people("operator2").get(f"appointments/{visit}/available_therapists/").body
    assert people("therapist6").id not in {one["id"] for one in free}
    page.get_by_role("button", name="Work after all").click()
    expect(page.get_by_role("list", name="Time off")).to_have_count(0)
