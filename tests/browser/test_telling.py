"""What a person is told, how, and what they may take back."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.support.clients import Person
from tests.support.stack import Stack, wait_until

# A page that lies in the background, and an operating system that keeps what it is asked to show.
LOOKS_ELSEWHERE = """
globalThis.shown = []
globalThis.Notification = class {
    static permission = 'granted'
    constructor(title, { body }) { shown.push(`${title}: ${body}`) }
}
Object.defineProperty(document, 'hidden', { get: () => true })
"""


def looking_elsewhere(opened: Open) -> Page:
    page = opened("operator", "/operator/", prepare=lambda page: page.add_init_script(LOOKS_ELSEWHERE))
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    return page


def told(page: Page, before: int) -> str:
    page.wait_for_function("before => shown.length > before", arg=before)
    text: str = page.evaluate("shown.at(-1)")
    return text


def test_a_note_carries_no_name_until_the_person_wants_names_on_this_screen(
    opened: Open, offered: Callable[..., int]
) -> None:
    page = looking_elsewhere(opened)
    offered("therapist7", "patient2")
    assert told(page, 0) == "New appointment: Open the page for the details."
    page.locator("#account > summary").click()
    page.get_by_label("Names in the notifications of this browser").check()
    page.reload()
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    offered("therapist7", "patient2")
    assert told(page, 0) == "New appointment: Paul Lindqvist has a new appointment."


def unread(people: Callable[[str], Person]) -> int:
    return int(people("operator2").get("notifications/?limit=1").body["unread_count"])


def with_news(opened: Open, offered: Callable[..., int]) -> tuple[Page, Any]:
    visit = offered("therapist8")
    page = opened("operator2", "/operator/?tab=notifications", prepare=lambda page: page.clock.install())
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    notes = page.locator("#panel .row").filter(has_text=f"A-{visit}")
    expect(notes).to_have_count(2)  # new, then assigned
    return page, notes.first


def test_mark_read_can_be_taken_back_for_ten_seconds(
    opened: Open, offered: Callable[..., int], people: Callable[[str], Person]
) -> None:
    page, note = with_news(opened, offered)
    before = unread(people)
    note.get_by_role("button", name="Mark read").click()
    expect(note.get_by_role("button", name="Undo")).to_be_focused()
    page.get_by_role("region", name="Messages").get_by_role("button", name="Undo").click()
    page.clock.run_for(15_000)
    expect(note.get_by_role("button", name="Mark read")).to_be_visible()
    assert unread(people) == before
    note.get_by_role("button", name="Mark read").click()
    page.mouse.move(0, 0)
    page.locator("#search").focus()
    with page.expect_response("**/read/"):
        page.clock.run_for(12_000)
    expect(note.get_by_role("button")).to_have_count(0)
    assert unread(people) == before - 1


def test_what_may_still_be_taken_back_is_carried_out_when_the_page_is_left(
    opened: Open, offered: Callable[..., int], people: Callable[[str], Person]
) -> None:
    page, note = with_news(opened, offered)
    before = unread(people)
    note.get_by_role("button", name="Mark read").click()
    expect(note.get_by_role("button", name="Undo")).to_be_visible()
    page.goto("about:blank")
    wait_until(lambda: unread(people) == before - 1, 5)


def test_the_timeline_of_an_offer_says_when_it_was_delivered_and_seen(
    stack: Stack, opened: Open, offered: Callable[..., int], people: Callable[[str], Person]
) -> None:
    visit = offered("therapist2")
    # Signed in anew: a test that had them suspended has ended the token that `people` keeps.
    therapist = Person(stack, "therapist2")

    def seen() -> bool:
        assert therapist.post("notifications/read_all/").status == 200
        return bool(people("operator2").get(f"appointments/{visit}/").body["offer_read_at"])

    wait_until(seen, 10)
    page = opened("operator", f"/operator/#A-{visit}")
    timeline = page.locator("#details .timeline")
    for moment in ("Offered to the therapist", "Delivered", "Seen"):
        expect(timeline).to_contain_text(moment)
