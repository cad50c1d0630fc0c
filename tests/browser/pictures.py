"""The pictures of the README: the demo clinic on a busy afternoon."""

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import FLAGS
from tests.support.clients import Person, in_days
from tests.support.stack import EVERYTHING, Stack

WIDE = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
# Minutes left, therapist, patient, whether they have looked, and somebody's "I'm on it".
OFFERS = (
    (-2.3, "therapist2", "patient2", False, False),
    (-0.7, "therapist3", "patient3", True, True),
    (1.5, "therapist4", "patient4", False, False),
    (5.7, "therapist5", "patient5", True, False),
    (9.4, "therapist6", "patient6", True, False),
    (20.0, "therapist7", "patient2", True, False),
)
PICTURES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("operator", "operator", "/operator/", {**WIDE, "color_scheme": "light"}),
    ("operator-dark", "operator", "/operator/", {**WIDE, "color_scheme": "dark"}),
    ("reviews", "operator", "/operator/?tab=reviews", {**WIDE, "color_scheme": "light"}),
    ("operator-arabic", "operator", "/operator/?lang=ar", {**PHONE, "color_scheme": "dark"}),
    ("therapist-phone", "therapist8", "/therapist/", {**PHONE, "color_scheme": "light"}),
    ("patient", "patient", "/patient/", {**WIDE, "color_scheme": "light"}),
)


def arrange(stack: Stack) -> None:
    """Offers in every phase, a rejection to review, a request for the therapist with the phone."""
    operator, people = Person(stack, "operator"), dict[str, Person]()

    def person(name: str) -> Person:
        if name not in people:
            people[name] = Person(stack, name)
        return people[name]

    def offer(day: float, therapist: str, patient: str) -> int:
        made = operator.post("appointments/", {"patient": person(patient).id, "start": in_days(day)})
        assert made.status == 201, made
        assert operator.act(made.body["id"], "assign", therapist=person(therapist).id).status == 200
        return int(made.body["id"])

    lines = []
    for index, (minutes, therapist, patient, seen, claimed) in enumerate(OFFERS):
        visit = offer(20 + index, therapist, patient)
        lines.append(
            f"Appointment.objects.filter(pk={visit}).update(response_deadline=now + timedelta(minutes={minutes}), "
            f"warn_at=now + timedelta(minutes={minutes - 10}), assigned_at=now - timedelta(minutes={30 - minutes}))"
        )
        if seen:
            lines.append(f"Assignment.objects.filter(appointment_id={visit}).update(delivered_at=now, read_at=now)")
        if claimed:
            operator.act(visit, "claim")
    rejected = offer(40, "therapist", "patient4")
    person("therapist").act(rejected, "reject", rejection_reason="Double-booked with a home visit across town")
    offer(41, "therapist8", "patient5")
    stack.python(
        "from datetime import timedelta; from django.utils import timezone\n"
        "from appointments.models import Appointment, Assignment\nnow = timezone.now()\n" + "\n".join(lines)
    )


def take(browser: Browser, stack: Stack, folder: Path) -> None:
    """One file for each of `PICTURES`."""
    for name, username, path, look in PICTURES:
        context = browser.new_context(**look)
        context.add_init_script("localStorage.setItem('notes-refused', String(Date.now()))")
        page: Page = context.new_page()
        page.goto(f"{stack.url}/login/?next={path.replace('?', '%3F').replace('=', '%3D')}")
        page.get_by_label("User name").fill(username)
        page.get_by_label("Password").fill("demo")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
        expect(page.locator(".row").first).to_be_visible()
        page.wait_for_timeout(600)
        page.screenshot(path=folder / f"{name}.png")
        context.close()


def main(folder: Path) -> None:
    """Start, arrange, take, stop."""
    folder.mkdir(parents=True, exist_ok=True)
    with Stack(EVERYTHING, AUTO_CANCEL_ENABLED="false") as stack, sync_playwright() as playwright:
        arrange(stack)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        take(browser, stack, folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
