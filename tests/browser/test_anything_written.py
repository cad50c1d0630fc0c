"""Whatever people write into names, notes and reasons is text, for everybody who reads it, and holds the layout."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.support.clients import Person, in_days, request
from tests.support.stack import Stack

SCRIPT = "<script>alert(1)</script>"
HANDLER = '"onload="alert(1)" x="'
OVERRIDE = "\u202egnirts desrever"
EMOJI = "\U0001f642\U0001f469\u200d\u2695\ufe0f\U0001f3f3\ufe0f\u200d\U0001f308"
PAYLOAD = f"{SCRIPT} {HANDLER} {OVERRIDE} {EMOJI} "
INJECTED = "document.querySelectorAll('script:not([src], [type]), main img, [onload]').length"
PAGES = {
    "hill_operator": ["/operator/", "?tab=reviews", "?tab=all", "?tab=waiting", "?tab=notifications"],
    "hill_therapist": ["/therapist/?filter=rejected", "?tab=upcoming", "?tab=notifications"],
    "hill_patient": ["/patient/?tab=all", "?tab=waiting", "?tab=notifications"],
}


def long(length: int) -> str:
    """The payload, then one word without end."""
    return PAYLOAD + "x" * (length - len(PAYLOAD))


@pytest.fixture(scope="module")
def written(stack: Stack, people: Callable[[str], Person]) -> dict[str, Any]:
    """A clinic in which everybody writes such things: an offer, a rejection, a confirmed visit, somebody who waits."""
    stack.python(
        "from core.accounts.models import User\n"
        f"for name in ('hill_patient', 'hill_therapist'):\n"
        f"    User.objects.filter(username=name).update(first_name={long(150)!r}, last_name={PAYLOAD[:150]!r})"
    )
    operator, therapist, patient = people("hill_operator"), people("hill_therapist"), people("hill_patient")
    visits = []
    for day in (20, 21, 22):
        body = {"patient": patient.id, "start": in_days(day), "notes": long(5_000), "reason_for_visit": long(5_000)}
        made = operator.post("appointments/", body)
        assert made.status == 201, made
        visits.append(made.body["id"])
        assert operator.act(visits[-1], "assign", therapist=therapist.id).status == 200
    assert therapist.act(visits[1], "reject", rejection_reason=long(2_000)).status == 200
    assert therapist.act(visits[2], "accept").status == 200
    assert operator.act(visits[0], "handover_notes", text=long(2_000)).status == 201
    wish = {"preferred_date": in_days(20)[:10], "reason": long(5_000)}
    joined = request(f"{stack.url}/api/appointments/waiting-list/", "POST", wish, patient.token)
    assert joined.status == 201, joined
    return {"offer": visits[0], "rejected": visits[1]}


def holds(page: Page) -> None:
    assert page.evaluate(INJECTED) == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@pytest.mark.parametrize("who", PAGES)
def test_it_is_text_on_every_page_and_none_grows_wider(
    opened: Open, stack: Stack, written: dict[str, Any], who: str
) -> None:
    page = opened(who, PAGES[who][0], viewport={"width": 390, "height": 844})
    for path in PAGES[who]:
        page.goto(page.url.partition("?")[0] + path if path.startswith("?") else f"{stack.url}{path}")
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
        expect(page.locator(".skeleton")).to_have_count(0)
        expect(page.locator("main")).to_contain_text(SCRIPT)
        holds(page)


def test_details_and_dialogs_show_it_as_text(opened: Open, written: dict[str, Any]) -> None:
    page = opened("hill_operator", f"/operator/?tab=reviews#A-{written['rejected']}")
    expect(page.locator("#details")).to_contain_text(SCRIPT)
    expect(page.locator("#details .timeline")).to_contain_text(HANDLER)
    page.get_by_role("button", name=f"Deny rejection… A-{written['rejected']}").first.click()
    expect(page.get_by_role("dialog")).to_contain_text(SCRIPT)
    holds(page)
