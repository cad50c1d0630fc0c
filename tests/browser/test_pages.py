"""Keyboard, what an account keeps, and pages without scripts."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SIZES, Open
from tests.support.clients import request
from tests.support.stack import Stack


@pytest.mark.parametrize("zone", ["", "Europe/Berlin"])
def test_a_time_to_book_stays_on_its_line_and_in_its_box(opened: Open, stack: Stack, zone: str) -> None:
    page = opened("patient6", "/timezone/?next=/schedule")
    page.get_by_label("Where is your clock?").select_option(zone)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/schedule")
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        times = page.locator("#times .option")
        expect(times).not_to_have_count(0)
        assert (
            times.evaluate_all("all => all.filter(one => one.querySelector('bdi').getClientRects().length > 1).length")
            == 0
        )
        assert times.evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).length") == 0


def test_a_counter_leaves_its_group_alone_and_the_address_keeps_it(opened: Open, offered: Any) -> None:
    visit = offered("therapist7")
    page = opened("operator", "/operator/")
    page.get_by_test_id("counter-due").click()
    expect(page.get_by_test_id(f"appointment-{visit}")).to_have_count(0)
    page.get_by_test_id("counter-awaiting").click()
    page.reload()
    expect(page.get_by_test_id("counter-awaiting")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id(f"appointment-{visit}")).to_be_visible()
    expect(page.get_by_role("list", name="Needs a therapist")).to_have_count(0)
    page.get_by_role("button", name="Only Awaiting response: show all").click()
    expect(page.get_by_role("list", name="Needs a therapist")).to_be_visible()


def test_arrows_move_through_the_tabs_and_are_mirrored_from_right_to_left(opened: Open) -> None:
    for language, forward in (("en", "ArrowRight"), ("ar", "ArrowLeft")):
        page = opened("operator", f"/operator/?tab=reviews&lang={language}")
        page.locator("#tab-reviews").focus()
        page.keyboard.press(forward)
        expect(page.locator("#tab-timeouts")).to_be_focused()
        expect(page.locator("#tab-timeouts")).to_have_attribute("aria-selected", "true")
        page.keyboard.press("End")
        expect(page.locator("#tab-notifications")).to_be_focused()


def test_keys_open_help_search_and_tabs(opened: Open) -> None:
    page = opened("operator", "/operator/")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("tab", name="All appointments")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("Parveen")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=Parveen"))
    expect(page.locator("#panel .row").first).to_contain_text("Parveen")


def focused(page: Page) -> str:
    found: str = page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()"
    )
    return found


def test_a_rejection_is_denied_by_keyboard_alone(opened: Open, offered: Any, people: Any) -> None:
    visit = offered("therapist7")
    people("therapist7").act(visit, "reject", rejection_reason="Too far")
    page = opened("operator", "/operator/")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    for key in "gr":
        page.keyboard.press(key)
    row = page.get_by_test_id(f"appointment-{visit}")
    expect(row).to_be_visible()
    for _ in range(page.locator("#panel .row").count()):
        page.keyboard.press("j")
        if page.evaluate("document.activeElement.closest('.row')?.dataset.id") == str(visit):
            break
    page.keyboard.press("Tab")
    assert focused(page) == f"Deny rejection… A-{visit}"
    page.keyboard.press("Enter")
    expect(page.get_by_label("Note to the therapist")).to_be_focused()
    page.keyboard.press("Escape")
    assert focused(page) == f"Deny rejection… A-{visit}"
    page.keyboard.press("Enter")
    page.keyboard.type("Nobody else can")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page) == "Deny rejection"
    page.keyboard.press("Enter")
    expect(row).to_have_count(0)
    expect(page.locator("#panel")).to_be_focused()


def test_an_offer_is_accepted_by_keyboard_alone(opened: Open, offered: Any, people: Any) -> None:
    visit = offered("therapist5")
    page = opened("therapist5", "/therapist/")
    expect(page.get_by_test_id(f"appointment-{visit}")).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page) == f"Accept A-{visit}":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_test_id(f"appointment-{visit}")).to_have_count(0)
    assert people("operator2").see(visit)["status"] == "confirmed"


def test_one_patients_appointments_are_shown_alone(opened: Open, offered: Any) -> None:
    visit = offered("therapist7", "patient2")
    page = opened("operator", f"/operator/#A-{visit}")
    page.locator("#details").get_by_role("link", name="Paul Lindqvist").click()
    rows = page.get_by_role("list", name="All appointments").get_by_role("listitem")
    expect(page.get_by_test_id(f"appointment-{visit}")).to_be_visible()
    expect(rows.filter(has_not_text="Paul Lindqvist")).to_have_count(0)
    page.get_by_role("button", name="Only Paul Lindqvist: show all").click()
    expect(rows.filter(has_not_text="Paul Lindqvist")).not_to_have_count(0)


def test_quiet_hours_are_kept_with_the_account(opened: Open, people: Any) -> None:
    page = opened("patient4", "/patient/")
    page.locator("#account > summary").click()
    page.get_by_label("Quiet from").fill("22:00")
    page.get_by_label("Quiet until").fill("07:00")
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.reload()
    page.locator("#account > summary").click()
    expect(page.get_by_label("Quiet from")).to_have_value("22:00")
    person = people("patient4")
    me = request(f"{person.stack.url}/api/auth/me/", "GET", token=person.token).body
    assert me["preferences"]["quiet_hours"] == "22:00-07:00"


def test_the_theme_is_chosen_and_kept(opened: Open) -> None:
    page = opened("operator2", "/operator/")
    page.get_by_role("button", name="Theme: automatic").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    with page.expect_response(lambda answer: answer.request.method == "PATCH" and "dark" in answer.request.post_data):
        page.get_by_role("button", name="Theme: light").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_last_row_is_reached_by_keyboard_alone(opened: Open) -> None:
    page = opened("operator", "/operator/?tab=all")
    expect(page.locator("#panel .row").first).to_be_visible()
    for _ in range(60):
        page.keyboard.press("j")
    expect(page.locator("#panel .row h3 a").last).to_be_focused()


def test_a_patient_books_without_scripts(stack: Stack, browser: Browser, cookies: Any) -> None:
    context = browser.new_context(storage_state=cookies("patient6"), java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{stack.url}/schedule")
    page.get_by_label("Notes").fill("My shoulder")
    page.get_by_role("button", name="Show times").click()
    expect(page.get_by_label("Notes")).to_have_value("My shoulder")
    page.locator("input[name=time]").last.check()
    page.get_by_role("button", name="Book appointment").click()
    expect(page.get_by_text("Request sent.")).to_be_visible()
    context.close()


def test_a_patients_page_follows_the_answer_of_the_therapist(opened: Open, offered: Any, people: Any) -> None:
    visit = offered("therapist6", "patient3")
    page = opened("patient3", "/patient/")
    expect(page.get_by_test_id(f"appointment-{visit}")).to_contain_text("Waiting for an answer")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    assert people("therapist6").act(visit, "accept").status == 200
    expect(page.get_by_test_id(f"appointment-{visit}")).to_contain_text("Accepted")


def test_a_time_that_was_chosen_stays_in_hand_while_something_happens(opened: Open, offered: Any) -> None:
    page = opened("patient3", "/schedule")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    chosen = page.locator("input[name=time]").last
    chosen.check()
    page.evaluate("() => { window.before = [...document.querySelectorAll('input[name=time]')] }")
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/schedule" in answer.url):
        offered("therapist6", "patient3")
    page.wait_for_timeout(500)  # for the answer to be put in place
    assert page.evaluate("() => window.before.length > 3 && window.before.every(one => one.isConnected)")
    expect(chosen).to_be_checked()
    expect(chosen).to_be_focused()
