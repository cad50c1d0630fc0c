"""Accessibility, keyboard, and pages without scripts."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Open
from tests.support.stack import Stack

LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
PAGES = {
    "operator": ["/operator/", "/operator/?tab=reviews", "/operator/?tab=all", "/operator/?tab=notifications"],
    "therapist": ["/therapist/", "/therapist/?tab=upcoming", "/therapist/?tab=slots"],
    "patient": ["/patient/", "/patient/?tab=all", "/schedule"],
}


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("who", PAGES)
def test_axe_finds_nothing_and_nothing_is_scrolled_sideways(
    opened: Open, stack: Stack, who: str, language: str, look: str
) -> None:
    page = opened(who, f"{PAGES[who][0]}?lang={language}", **LOOKS[look])
    for path in PAGES[who]:
        page.goto(f"{stack.url}{path}{'&' if '?' in path else '?'}lang={language}")
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
        expect(page.locator(".skeleton")).to_have_count(0)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


@pytest.mark.parametrize("path", ["/", "/login/"])
def test_axe_finds_nothing_at_the_entrance(browser: Browser, stack: Stack, path: str) -> None:
    page = browser.new_page()
    page.goto(f"{stack.url}{path}")
    assert violations(page) == []
    page.close()


def test_axe_would_find_something(browser: Browser, stack: Stack) -> None:
    page = browser.new_page()
    page.goto(f"{stack.url}/login/")
    page.evaluate("document.querySelector('label[for=username]').remove()")
    assert any(line.startswith("label") for line in violations(page))
    page.close()


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
