"""What axe says of every page: at two widths, by day and by night, from both sides."""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SIZES, Open, answer_link
from tests.support.stack import Stack

PAGES = {
    "operator": [
        "/operator/",
        "/operator/?tab=reviews",
        "/operator/?tab=all",
        "/operator/?tab=waiting",
        "/operator/?tab=notifications",
    ],
    "therapist": [
        "/therapist/",
        "/therapist/?tab=upcoming",
        "/therapist/?tab=missed",
        "/therapist/?tab=completed",
        "/therapist/?tab=slots",
        "/therapist/?tab=notifications",
    ],
    "patient": [
        "/patient/",
        "/patient/?tab=all",
        "/patient/?tab=waiting",
        "/patient/?tab=notifications",
        "/schedule",
    ],
}


def violations(page: Page, *rules: str) -> list[str]:
    if page.evaluate("!window.axe"):  # half a megabyte; once for each page
        page.evaluate(AXE_SCRIPT)
    only = {"runOnly": list(rules)} if rules else {}
    found = page.evaluate(
        "asked => axe.run(asked).then(result => result.violations)", {"resultTypes": ["violations"], **only}
    )
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def is_fine(page: Page, *, dark: bool = True) -> None:
    """At each width; the dark differs in nothing but its colours, and they are the same in every language."""
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        fits(page)
    for size in SIZES[:2]:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert violations(page) == [], page.url
        if dark:
            page.emulate_media(color_scheme="dark")
            assert violations(page, "color-contrast") == [], page.url
            page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("who", PAGES)
def test_axe_finds_nothing_and_nothing_is_scrolled_sideways(
    opened: Open, stack: Stack, who: str, language: str
) -> None:
    page = opened(who, f"{PAGES[who][0]}?lang={language}")
    for path in PAGES[who]:
        page.goto(f"{stack.url}{path}{'&' if '?' in path else '?'}lang={language}")
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
        expect(page.locator(".skeleton")).to_have_count(0)
        is_fine(page, dark=language == "en")


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("path", ["/", "/login/", "/demo/"])
def test_axe_finds_nothing_at_the_entrance(opened: Open, path: str, language: str) -> None:
    is_fine(opened("", f"{path}?lang={language}"), dark=language == "en")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_nothing_on_the_pages_that_ask_one_thing(
    opened: Open, offered: Any, stack: Stack, language: str
) -> None:
    visit = offered("therapist7")
    page = opened("patient", "/timezone/")
    for path in ("/timezone/", f"/patient/{visit}/reschedule/", f"/patient/{visit}/cancel/", "/operator/"):
        page.goto(f"{stack.url}{path}?lang={language}")
        is_fine(page, dark=language == "en")
    for answer in ("accept", "reject"):
        page.goto(f"{stack.url}{answer_link(stack, visit, answer)}?lang={language}")
        is_fine(page, dark=language == "en")


def test_axe_finds_nothing_in_dialogs(opened: Open, offered: Any) -> None:
    visit = offered("therapist7")
    page = opened("operator", f"/operator/#A-{visit}")
    expect(page.get_by_test_id(f"appointment-{visit}")).to_be_visible()
    page.get_by_role("button", name=f"Reassign… A-{visit}").first.click()
    expect(page.get_by_role("dialog", name=f"Reassign A-{visit}")).to_be_visible()
    is_fine(page)
    page.keyboard.press("Escape")
    page.locator("#assign").click()
    expect(page.get_by_role("dialog", name="Assign appointment")).to_be_visible()
    is_fine(page)


def test_axe_would_find_something(browser: Browser, stack: Stack) -> None:
    page = browser.new_page()
    page.goto(f"{stack.url}/login/")
    page.evaluate("document.querySelector('label[for=username]').remove()")
    assert any(line.startswith("label") for line in violations(page))
    page.close()
