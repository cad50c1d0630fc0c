"""One person's click arrives at another's page, and a page survives its connection."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.browser.conftest import Open
from tests.support.clients import Person, request
from tests.support.stack import Stack

Offered = Callable[..., int]
People = Callable[[str], Person]


def row(page: Page, appointment: int):  # type: ignore[no-untyped-def]
    return page.get_by_test_id(f"appointment-{appointment}")


def live(page: Page) -> Page:
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    return page


def test_a_page_that_keeps_no_connection_shows_none(opened: Open) -> None:
    page = opened("operator", "/")
    expect(page.get_by_role("link", name="Open your dashboard")).to_be_visible()
    expect(page.get_by_test_id("connection")).to_be_hidden()


def test_an_offer_appears_with_its_countdown_and_goes_when_it_is_accepted(opened: Open, offered: Offered) -> None:
    operator, therapist = live(opened("operator", "/operator/")), live(opened("therapist", "/therapist/"))
    visit = offered()
    expect(row(operator, visit)).to_have_attribute("data-phase", "awaiting")
    timer = operator.get_by_role("timer", name=f"Response time for A-{visit}")
    timer.scroll_into_view_if_needed()  # what nobody sees is not painted each second
    expect(timer).to_contain_text("29:")
    therapist.get_by_role("button", name=f"Accept A-{visit}", exact=True).click()
    expect(row(therapist, visit)).to_have_count(0)
    expect(row(operator, visit)).to_have_count(0)
    expect(operator.get_by_role("region", name="Messages")).to_contain_text(f"accepted A-{visit}")
    therapist.get_by_role("tab", name="Upcoming").click()
    expect(row(therapist, visit)).to_contain_text("Accepted")


def test_a_rejection_is_reviewed_and_its_reason_is_text(opened: Open, offered: Offered) -> None:
    operator = live(opened("operator", "/operator/?tab=reviews"))
    therapist = live(opened("therapist", "/therapist/"))
    visit = offered()
    therapist.get_by_role("button", name=f"Reject… A-{visit}").click()
    dialog = therapist.get_by_role("dialog", name=f"Reject A-{visit}?")
    dialog.get_by_role("button", name="Reject", exact=True).click()
    expect(dialog.get_by_text("Enter a reason")).to_be_visible()
    payload = "<img src=x onerror=alert(1)><script>alert(1)</script>\u202e" + "long " * 350
    dialog.get_by_label("Reason", exact=True).fill(payload)
    dialog.get_by_role("button", name="Reject", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(row(operator, visit)).to_contain_text("<script>alert(1)</script>")
    assert operator.locator("#panel img, #panel script").count() == 0
    assert operator.evaluate("document.documentElement.scrollWidth <= innerWidth")
    operator.get_by_role("button", name=f"Accept rejection A-{visit}").first.click()
    expect(row(operator, visit)).to_have_count(0)


def test_a_button_at_work_says_so_and_keeps_the_focus(opened: Open, offered: Offered) -> None:
    visit = offered("therapist8")
    waiting: list[Route] = []
    page = live(opened("therapist8", "/therapist/"))

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(f"**/{visit}/accept/", hold)
    page.get_by_role("button", name=f"Accept A-{visit}", exact=True).press("Enter")
    working = page.get_by_role("button", name=f"Accepting… A-{visit}")
    expect(working).to_be_focused()
    expect(working).to_have_attribute("aria-disabled", "true")
    working.press("Enter")
    assert len(waiting) == 1
    waiting[0].continue_()
    expect(row(page, visit)).to_have_count(0)


def test_a_denied_rejection_needs_a_note_and_binds_the_therapist(
    opened: Open, offered: Offered, people: People
) -> None:
    visit = offered()
    people("therapist").act(visit, "reject", rejection_reason="Too far")
    operator = opened("operator", "/operator/?tab=reviews")
    operator.get_by_role("button", name=f"Deny rejection… A-{visit}").first.click()
    dialog = operator.get_by_role("dialog", name=f"Deny the rejection of A-{visit}?")
    dialog.get_by_role("button", name="Deny rejection").click()
    expect(dialog.get_by_text("Enter a note for the therapist")).to_be_visible()
    dialog.get_by_label("Note to the therapist").fill("Nobody else can")
    dialog.get_by_role("button", name="Deny rejection").click()
    expect(row(operator, visit)).to_have_count(0)
    assert people("operator2").see(visit)["status"] == "assigned"


def test_who_comes_second_reads_that_it_was_handled(opened: Open, offered: Offered, people: People) -> None:
    visit = offered()
    people("therapist").act(visit, "reject", rejection_reason="Ill")
    operator = opened("operator", "/operator/?tab=reviews")
    expect(row(operator, visit)).to_be_visible()
    operator.route("**/review_rejection/", lambda route: (decide(people, visit), route.continue_()))
    operator.get_by_role("button", name=f"Accept rejection A-{visit}").first.click()
    expect(row(operator, visit)).to_contain_text("Your change was not saved")
    expect(row(operator, visit)).to_contain_text(
        re.compile(r"Already handled by Olga Petrova at \d\d:\d\d: now “Confirmed”")
    )


def decide(people: People, visit: int) -> None:
    answer = people("operator2").act(visit, "review_rejection", review_decision="deny", review_notes="Please come")
    assert answer.status == 200, answer


def test_a_row_turns_due_and_overdue_by_itself_and_i_am_on_it_calms_it(
    stack: Stack, opened: Open, offered: Offered, people: People
) -> None:
    visit = offered("therapist2")
    stack.python(
        "from datetime import timedelta; from django.utils import timezone\n"
        "from appointments.models import Appointment\n"
        f"now = timezone.now(); Appointment.objects.filter(pk={visit}).update("
        "warn_at=now + timedelta(seconds=3), response_deadline=now + timedelta(seconds=6))"
    )
    operator = opened("operator", "/operator/")
    expect(row(operator, visit)).to_have_attribute("data-phase", "due", timeout=8_000)
    expect(row(operator, visit)).to_have_attribute("data-phase", "overdue", timeout=8_000)
    expect(operator.get_by_role("timer", name=f"Response time for A-{visit}")).to_contain_text("−00:")
    expect(operator.get_by_role("list", name="Overdue").get_by_test_id(f"appointment-{visit}")).to_be_visible()
    operator.get_by_role("button", name=f"I'm on it A-{visit}").first.click()
    expect(row(operator, visit)).to_contain_text("You're on it")
    operator.get_by_role("button", name="Auto-cancel overdue…").click()
    dialog = operator.get_by_role("dialog", name="Auto-cancel 1 overdue appointment?")
    expect(dialog).to_contain_text(f"A-{visit}")
    expect(dialog).to_contain_text("Tariq Aziz")
    dialog.get_by_role("button", name="Auto-cancel 1").click()
    expect(operator.get_by_text("Tariq Aziz was suspended")).to_be_visible()
    operator.get_by_role("button", name="Reinstate Tariq Aziz").click()
    operator.get_by_role("dialog").get_by_role("button", name="Reinstate").click()
    expect(operator.get_by_text("Tariq Aziz was suspended")).to_have_count(0)
    assert people("operator2").see(visit)["status"] == "pending"


def is_caught_up(operator: Page, visits: list[int]) -> None:
    """Live again, and each visit is told of as often as something happened to it."""
    live(operator)
    expect(operator.get_by_test_id("banner")).to_be_hidden()
    for visit in visits:
        expect(row(operator, visit)).to_have_count(1)
    operator.get_by_role("tab", name="Notifications").click()
    for visit in visits:
        expect(operator.locator(f"#panel a[href='#A-{visit}']")).to_have_count(2)  # new, then assigned


def test_what_happened_while_offline_is_caught_up_once(opened: Open, offered: Offered) -> None:
    operator = live(opened("operator", "/operator/"))
    operator.context.set_offline(True)
    expect(operator.get_by_test_id("banner")).to_contain_text("You're offline")
    visits = [offered("therapist3"), offered("therapist4")]
    operator.context.set_offline(False)
    is_caught_up(operator, visits)


def test_polling_carries_on_where_sockets_do_not_open(opened: Open, offered: Offered, browser, stack, cookies) -> None:  # type: ignore[no-untyped-def]
    context = browser.new_context(storage_state=cookies("operator"))
    page = context.new_page()
    page.route_web_socket("**/ws/events/**", lambda socket: socket.close())
    page.goto(f"{stack.url}/operator/")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "polling", timeout=15_000)
    expect(page.get_by_test_id("banner")).to_contain_text("Refreshing every 10 seconds")
    visit = offered("therapist5")
    expect(row(page, visit)).to_be_visible(timeout=timedelta(seconds=13).total_seconds() * 1_000)
    context.close()


@dataclass
class Cable:
    """The wire of a page's socket, which can be cut and mended."""

    whole: bool = True
    ends: list[WebSocketRoute] = field(default_factory=list)

    def plug_in(self, socket: WebSocketRoute) -> None:
        if self.whole:
            socket.connect_to_server()
            self.ends.append(socket)
        else:
            socket.close()

    def cut(self) -> None:
        self.whole = False
        for end in self.ends:
            end.close()


# The waits between two tries are random; here each is the longest.
PATIENT_RETRIES = "Math.random = () => 0.99"
LISTEN_TO_THE_BANNER = """() => {
    globalThis.said = []
    new MutationObserver(() => said.push(document.getElementById('banner').textContent))
        .observe(document.getElementById('banner'), { childList: true })
}"""


def test_a_cut_socket_is_said_polled_around_and_caught_up(opened: Open, offered: Offered) -> None:
    cable = Cable()

    def prepare(page: Page) -> None:
        page.add_init_script(PATIENT_RETRIES)
        page.route_web_socket("**/ws/events/**", cable.plug_in)

    operator = live(opened("operator", "/operator/", prepare=prepare))
    operator.evaluate(LISTEN_TO_THE_BANNER)
    cable.cut()
    expect(operator.get_by_test_id("connection")).to_have_attribute("data-state", "polling", timeout=15_000)
    assert "Live updates stopped. Reconnecting… Countdowns keep running." in operator.evaluate("said")
    visits = [offered("therapist3"), offered("therapist4")]
    cable.whole = True
    operator.evaluate("dispatchEvent(new Event('online'))")
    is_caught_up(operator, visits)


WRONG_CLOCK = """
const Real = Date
globalThis.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + 7 * 60_000) }
    static now() { return Real.now() + 7 * 60_000 }
}
"""
# The moment at which the countdown changes, against the browser's monotonic clock, which nobody has put wrong.
SECONDS_OFF = """([id, deadline]) => new Promise(done => {
    const shown = document.querySelector(`#row-${id} .countdown bdi`)
    new MutationObserver(() => {
        const [minutes, seconds] = shown.textContent.split(':').map(Number)
        const left = (Date.parse(deadline) - performance.timeOrigin - performance.now()) / 1000
        done(minutes * 60 + seconds - left)
    }).observe(shown, { characterData: true, subtree: true })
})"""


def test_a_clock_that_is_wrong_does_not_matter(opened: Open, offered: Offered, people: People) -> None:
    visit = offered("therapist6")
    operator = opened("operator", "/operator/", prepare=lambda page: page.add_init_script(WRONG_CLOCK))
    live(operator)
    row(operator, visit).scroll_into_view_if_needed()
    assert operator.evaluate("(Date.now() - performance.timeOrigin - performance.now()) / 60_000") > 6
    deadline = people("operator2").see(visit)["response_deadline"]
    assert abs(operator.evaluate(SECONDS_OFF, [visit, deadline])) < 1.1  # a tick may come some milliseconds late


def test_signing_out_in_one_tab_ends_the_other_with_the_way_back(stack: Stack, opened: Open) -> None:
    page = opened("", "/login/")
    page.get_by_label("User name").fill("hill_operator")
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    live(page)
    other = page.context.new_page()
    other.goto(f"{stack.url}/operator/")
    other.locator("#account > summary").click()
    other.get_by_role("button", name="Sign out").click()
    expect(page.get_by_test_id("banner")).to_contain_text("Your session ended", timeout=8_000)
    expect(page.get_by_test_id("banner").get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "signed-out")


def test_a_suspension_reaches_the_open_pages_of_both(opened: Open, people: People) -> None:
    therapist, operator = live(opened("therapist8", "/therapist/")), live(opened("operator", "/operator/"))
    path = f"therapists/{people('therapist8').id}"
    assert people("operator2").post(f"{path}/disable/", {"reason": "Away without notice"}).status == 200
    expect(therapist.get_by_role("alert").filter(has_text="Your account was suspended")).to_be_visible()
    expect(therapist.get_by_test_id("banner")).to_contain_text("Your session ended")
    expect(operator.get_by_text("Tom Baker was suspended")).to_be_visible()
    therapist.reload()
    expect(therapist).to_have_url(re.compile("/login/"))
    assert people("operator2").post(f"{path}/enable/").status == 200
    expect(operator.get_by_text("Tom Baker was suspended")).to_have_count(0)


def test_a_list_that_takes_long_is_said_to(opened: Open) -> None:
    asked = []

    def only_the_second(route: Route) -> None:
        asked.append(route)
        if len(asked) > 1:
            route.continue_()

    def prepare(page: Page) -> None:
        page.clock.install()
        page.route("**/api/scheduling/appointments/?status=*", only_the_second)

    operator = opened("operator", "/operator/", prepare=prepare)
    expect(operator.locator("#panel")).to_have_attribute("aria-busy", "true")
    operator.clock.run_for(9_000)
    expect(operator.locator("#panel")).to_contain_text("Still loading.")
    operator.get_by_role("button", name="Try again").click()
    expect(operator.get_by_text("Still loading.")).to_have_count(0)
    expect(operator.locator("#panel .row").first).to_be_visible()


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/operator/?tab=all&status=completed", "Completed"), ("/operator/?tab=notifications", "Mark all read")],
)
def test_the_address_leads_back_to_the_same_view(opened: Open, path: str, shown: str) -> None:
    operator = opened("operator", path)
    expect(operator.get_by_role("tabpanel")).to_contain_text(shown)
    operator.reload()
    expect(operator.get_by_role("tabpanel")).to_contain_text(shown)


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("operator", "/operator/?tab=timeouts&phase=awaiting"),
        ("operator", "/operator/?tab=reviews"),
        ("operator", "/operator/?tab=all"),
        ("operator", "/operator/?tab=waiting"),
        ("operator", "/operator/?tab=notifications"),
        ("therapist", "/therapist/"),
        ("therapist", "/therapist/?tab=slots"),
        ("therapist", "/therapist/?tab=notifications"),
        ("patient", "/patient/"),
        ("patient", "/patient/?tab=notifications"),
        ("patient", "/patient/?tab=waiting"),
    ],
)
def test_an_event_leaves_every_button_of_the_page_in_place(opened: Open, offered: Offered, who: str, path: str) -> None:
    """A click is a press and a release: where the button is drawn anew between them, it is lost, and focus with it."""
    offered()
    page = live(opened(who, path))
    expect(page.locator("#panel")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#panel .skeleton")).to_have_count(0)
    page.evaluate("() => { window.before = [...document.querySelectorAll('button, input, select, a')] }")
    seen = page.locator("#bell .sr").inner_text()
    offered()
    expect(page.locator("#bell .sr")).not_to_have_text(seen)
    page.wait_for_timeout(1_000)  # lists are fetched anew up to half a second after an event
    gone = page.evaluate("() => window.before.filter(one => !one.isConnected).map(one => one.outerHTML)")
    assert gone == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_on_a_phone_the_open_tab_is_in_sight_and_the_page_stays_at_its_top(
    opened: Open, people: People, language: str
) -> None:
    therapist = people("therapist7")
    asked = request(f"{therapist.stack.url}/api/auth/me/", "PATCH", {"language": language}, therapist.token)
    assert asked.status == 200, asked
    page = live(opened("therapist7", "/therapist/?tab=notifications", viewport={"width": 390, "height": 844}))
    expect(page.get_by_role("tab", selected=True)).to_be_in_viewport(ratio=0.99)
    page.get_by_role("tab").first.click()
    expect(page.get_by_role("tab").first).to_be_in_viewport(ratio=0.99)
    assert page.evaluate("() => scrollY") == 0
    request(f"{therapist.stack.url}/api/auth/me/", "PATCH", {"language": "en"}, therapist.token)
