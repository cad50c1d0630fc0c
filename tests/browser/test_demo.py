"""The simulated day, step by step, on the three panes."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.support.stack import Stack

OVERDUE = """
from django.utils import timezone
from appointments.models import Appointment
Appointment.objects.filter(notes="Simulated day", therapist__isnull=False).update(response_deadline=timezone.now())
"""


def test_the_day_plays_from_booking_to_reinstating(stack: Stack, opened: Open) -> None:
    page = opened("", "/demo/", viewport={"width": 1600, "height": 1000})
    operator, therapist, patient = (
        page.frame_locator(f"[data-testid=pane-{who}]") for who in ("operator", "therapist", "patient")
    )
    for pane in (operator, therapist, patient):
        expect(pane.get_by_test_id("connection")).to_have_attribute("data-state", "live", timeout=15_000)
    page.get_by_role("button", name="Start simulated day").click()
    caption, step = page.locator("#caption"), page.get_by_role("button", name="Step")
    expect(caption).to_contain_text("A patient books")
    page.get_by_role("button", name="Pause").click()
    if "assigns it" not in caption.inner_text():  # paused in time
        step.click()
    expect(caption).to_contain_text("The operator assigns it")
    for pane in (operator, therapist):
        expect(pane.get_by_role("timer").filter(has_text=re.compile("^0[01]:")).first).to_be_visible()
    expect(caption.get_by_role("link")).to_have_attribute("href", re.compile(r"/api/docs/#/.*_assign_create$"))
    step.click()
    expect(caption).to_contain_text("Another therapist rejects")
    operator.get_by_role("tab", name="Pending reviews").click()
    expect(operator.get_by_text("Double-booked with a home visit across town").first).to_be_visible()
    step.click()
    expect(caption).to_contain_text("amber")
    stack.python(OVERDUE)
    stack.manage("auto_cancel_overdue")
    step.click()
    expect(operator.get_by_text("Thea Khan was suspended")).to_be_visible()
    expect(therapist.get_by_text("Your account was suspended").first).to_be_visible()
    step.click()
    expect(caption).to_contain_text("reinstates the therapist")
    expect(operator.get_by_text("Thea Khan was suspended")).to_have_count(0)
    expect(therapist.locator(".row[data-phase=awaiting]").first).to_be_visible()
    step.click()
    expect(patient.get_by_text("is held for you").first).to_be_visible()
    step.click()
    expect(caption).to_contain_text("DEFAULT_RESPONSE_TIMEOUT_MINUTES=30")
    assert "Somebody was faster" not in caption.inner_text()
    expect(page.get_by_role("button", name="Start simulated day")).to_be_enabled()
