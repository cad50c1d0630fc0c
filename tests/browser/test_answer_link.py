"""The link of a message, opened in a browser that nobody has signed in to."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, answer_link
from tests.support.clients import Person
from tests.support.stack import Stack


def narrow(opened: Open, path: str) -> Page:
    page = opened("", path, viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return page


def test_an_offer_is_accepted_from_a_link(
    stack: Stack, opened: Open, offered: Callable[..., int], people: Callable[[str], Person]
) -> None:
    visit = offered("therapist2")
    page = narrow(opened, answer_link(stack, visit, "accept"))
    expect(page.get_by_role("heading", name="Accept this appointment?")).to_be_visible()
    assert people("operator2").see(visit)["status"] == "pending"
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status")).to_have_text("You have accepted the appointment.")
    assert people("operator2").see(visit)["status"] == "confirmed"
    page.goto(page.url)
    expect(page.get_by_role("status")).to_have_text("This offer is no longer open.")


def test_a_rejection_from_a_link_needs_its_reason(
    stack: Stack, opened: Open, offered: Callable[..., int], people: Callable[[str], Person]
) -> None:
    visit = offered("therapist2")
    page = narrow(opened, answer_link(stack, visit, "reject"))
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("alert")).to_contain_text("Please say why")
    page.get_by_label("Reason").fill("On another visit")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("status")).to_have_text("You have rejected the appointment.")
    assert people("operator2").see(visit)["rejection_reason"] == "On another visit"
