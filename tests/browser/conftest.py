"""One stack and one browser for all; every test brings people, each with cookies of their own.

They end with the package: while playwright runs, no other test of the process could have an event loop.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.clients import Person, in_days
from tests.support.stack import Stack

FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZES = ({"width": 1280, "height": 900}, {"width": 390, "height": 844}, {"width": 320, "height": 640})
days = count(30, 0.25)
Open = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    with Stack(("web", "relay", "worker", "worker-deadlines", "beat"), AUTO_CANCEL_ENABLED="false") as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="package")
def cookies(stack: Stack, browser: Browser) -> Callable[[str], Any]:
    """The session of a demo account, begun once at the login page."""
    known: dict[str, Any] = {}

    def of(username: str) -> Any:
        if username not in known:
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{stack.url}/login/")
            page.get_by_label("User name").fill(username)
            page.get_by_label("Password").fill("demo")
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(lambda url: "/login/" not in url)
            known[username] = context.storage_state()
            context.close()
        return known[username]

    return of


@pytest.fixture
def opened(stack: Stack, browser: Browser, cookies: Callable[[str], Any]) -> Iterator[Open]:
    """`opened("operator", "/operator/")` is a page of that account, `opened("", "/")` a stranger's.

    `prepare(page)` is called before it loads. A script's error, a blocked one and an alert fail the test.
    """
    contexts, errors = [], []

    def open_page(username: str, path: str, *, prepare: Callable[[Page], Any] | None = None, **options: Any) -> Page:
        state = cookies(username) if username else None
        context = browser.new_context(storage_state=state, **{"color_scheme": "light", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
        page.on("dialog", lambda dialog: (errors.append(dialog.message), dialog.dismiss()))
        if prepare:
            prepare(page)
        page.goto(f"{stack.url}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="package")
def people(stack: Stack) -> Callable[[str], Person]:
    """Somebody at the API, to arrange what the browser is to see."""
    known: dict[str, Person] = {}

    def person(username: str) -> Person:
        if username not in known:
            known[username] = Person(stack, username)
        return known[username]

    return person


@pytest.fixture
def offered(people: Callable[[str], Person]) -> Callable[..., int]:
    """An appointment that waits for a therapist's answer."""

    def offer(therapist: str = "therapist", patient: str = "patient", **more: Any) -> int:
        operator = people("operator2")
        body = {"patient": people(patient).id, "start": in_days(next(days)), **more}
        made = operator.post("appointments/", body)
        assert made.status == 201, made
        answer = operator.act(made.body["id"], "assign", therapist=people(therapist).id)
        assert answer.status == 200, answer
        return int(made.body["id"])

    return offer


def answer_link(stack: Stack, visit: int, answer: str) -> str:
    """The path that the message about an offer leads to."""
    printed = stack.python(
        "from appointments.answer_links import link; from appointments.models import Assignment\n"
        f"print(link(Assignment.objects.get(appointment_id={visit}), {answer!r}))"
    )
    return urlsplit(printed.strip()).path
