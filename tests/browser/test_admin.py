"""Django admin in a real browser: signed in at its own door, rows moved with a reason, a schedule edited."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.clients import Person
from tests.support.stack import Stack, wait_until

SWEEP = "tasks.sweeps.check_missed_meetings"
BLANK = "it => [...it.getContext('2d').getImageData(0, 0, it.width, it.height).data].every(one => one === 0)"


@pytest.fixture(scope="module")
def desk(stack: Stack, browser: Browser) -> Iterator[Page]:
    """The admin's browser, signed in at /admin/."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(f"{stack.url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{stack.url}/admin/")
    yield page
    context.close()


def runs(stack: Stack) -> int:
    """How often the sweep has reached a worker."""
    return len(re.findall(rf"{SWEEP}\[[\w-]+\] received", stack.services["worker"].log.read_text()))


def test_many_are_cancelled_with_a_reason_that_is_asked_for(
    stack: Stack, desk: Page, offered: Callable[..., int], people: Callable[[str], Person]
) -> None:
    visits = [offered("therapist7"), offered("therapist8")]
    desk.goto(f"{stack.url}/admin/appointments/appointment/")
    for visit in visits:
        desk.locator(f"input[name=_selected_action][value='{visit}']").check()
    desk.locator("select[name=action]").select_option("cancel")
    desk.get_by_role("button", name="Run").click()
    desk.get_by_role("button", name="Cancel these appointments").click()
    expect(desk.get_by_label("Reason")).to_be_focused()  # the browser asks for what is missing
    assert people("operator2").see(visits[0])["status"] == "pending"
    desk.get_by_label("Reason").fill("The house is without water")
    desk.get_by_role("button", name="Cancel these appointments").click()
    expect(desk.get_by_text("2 of 2 done.")).to_be_visible()
    for visit in visits:
        seen = people("operator2").see(visit)
        assert (seen["status"], seen["cancellation_reason"]) == ("cancelled", "The house is without water")


def test_the_statistics_are_drawn(stack: Stack, desk: Page) -> None:
    desk.goto(f"{stack.url}/admin/appointments/appointment/statistics/")
    for heading in ("By status", "Answers", "By therapist"):
        canvas: Any = desk.locator(f"[data-chart='{heading}'] canvas")
        expect(canvas).to_be_visible()
        wait_until(lambda canvas=canvas: not canvas.evaluate(BLANK), 5)


def test_a_schedule_edited_from_60_to_5_seconds_holds_at_once_and_after_an_upgrade_and_a_restart(
    stack: Stack, desk: Page
) -> None:
    desk.goto(f"{stack.url}/admin/django_celery_beat/intervalschedule/add/")
    desk.locator("input[name=every]").fill("5")
    desk.locator("select[name=period]").select_option("seconds")
    desk.get_by_role("button", name="Save", exact=True).click()
    desk.goto(f"{stack.url}/admin/django_celery_beat/periodictask/")
    desk.get_by_role("link", name="Check missed meetings").click()
    interval = desk.locator("select[name=interval]")
    expect(interval.locator("option:checked")).to_have_text("every 60 seconds")
    interval.select_option(label="every 5 seconds")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_text("was changed successfully")).to_be_visible()
    before = runs(stack)
    wait_until(lambda: runs(stack) >= before + 2, 20, stack.logs)

    stack.manage("migrate", "-v", "0")
    stack.manage("ensure_schedule")
    stack.stop("beat")
    stack.start_again("beat")
    before = runs(stack)
    wait_until(lambda: runs(stack) > before, 30, stack.logs)  # by the old schedule only a minute after the last run
    desk.goto(f"{stack.url}/admin/django_celery_beat/periodictask/")
    row: Any = desk.get_by_role("row").filter(has_text="Check missed meetings")
    expect(row).to_contain_text("every 5 seconds")
