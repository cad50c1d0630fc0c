"""The modules that keep a page in touch, alone: against a socket and a server of the test's own."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

STATIC = Path(__file__).resolve().parents[2] / "realtime/dashboards/static/dashboards"
ROWS = 250
MORNING = datetime(2026, 1, 1, 8, tzinfo=UTC)
SETTINGS = {
    "user": {"id": 1, "role": "operator"},
    "timezone": "Asia/Karachi",
    "language": "en",
    "words": [],
    "meanings": {},
    "server_time": "2026-01-01T00:00:00Z",
    "preferences": {},
}
# Sockets that say what the test says, and remember what they were told.
SOCKETS = """
globalThis.django = { gettext: text => text, ngettext: (one, many, n) => (n === 1 ? one : many) }
globalThis.sockets = []
globalThis.WebSocket = class {
    static OPEN = 1
    constructor(address) {
        Object.assign(this, { address, readyState: 1, sent: [] })
        sockets.push(this)
    }
    send(text) { this.sent.push(JSON.parse(text)) }
    close(code = 1006) { this.readyState = 3; this.onclose?.({ code }) }
    say(message) { this.onmessage({ data: JSON.stringify(message) }) }
}
Math.random = () => 1
"""
BEGIN = """async seq => {
    const { Live } = await import('/static/js/live.js')
    Object.assign(globalThis, { heard: [], states: [], fetched: 0 })
    globalThis.live = new Live({
        onEvent: event => heard.push(event.seq),
        onState: state => states.push(state),
        resync: async () => { fetched += 1 },
    })
    live.seq = seq
    live.start()
    sockets[0].say({ type: 'connected', last_seq: seq, oldest_seq: 1, server_time: '2026-01-01T00:00:00Z' })
}"""
SAY = "message => sockets.at(-1).say(message)"


class Server:
    """What the page's requests are answered with."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = dict(SETTINGS)
        self.inbox: dict[str, Any] = {}
        self.rows = list(range(1, 1 + ROWS))
        self.leaving: dict[str, int] = {}
        self.asked: list[str] = []

    def answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/static/"):
            text = (STATIC / path.removeprefix("/static/")).read_text()
            return route.fulfill(body=text, content_type="text/javascript")
        if path.startswith("/api/"):
            self.asked.append(route.request.url)
            page = dict(parse_qsl(urlsplit(route.request.url).query)).get("page")
            return self.listed(route, page) if page else route.fulfill(json=self.inbox)
        page = f'<script type="application/json" id="page-settings">{json.dumps(self.settings)}</script>'
        return route.fulfill(body=page, content_type="text/html")

    def listed(self, route: Route, page: str) -> None:
        """A page of the rows, of which the first `leaving` are gone by the time it is asked for."""
        del self.rows[: self.leaving.pop(page, 0)]
        begin, end = int(page) * 100 - 100, int(page) * 100
        if begin >= len(self.rows):
            return route.fulfill(status=404, json={})
        more = "more" if end < len(self.rows) else None
        found = [{"id": one} for one in self.rows[begin:end]]
        return route.fulfill(json={"count": len(self.rows), "next": more, "results": found})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.clock.install(time=MORNING)
    page.add_init_script(SOCKETS)
    page.route("**/*", server.answer)
    page.goto("http://modules.test/")
    page.clock.pause_at(MORNING + timedelta(hours=1))  # from here on it is the test that lets time pass
    yield page
    context.close()


def event(seq: int) -> dict[str, Any]:
    return {"type": "appointment_updated", "seq": seq, "data": {}}


def sent(page: Page, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("kind => sockets.at(-1).sent.filter(one => one.type === kind)", kind)
    return found


def test_only_a_newer_version_replaces_what_is_known(page: Page) -> None:
    known = page.evaluate("""async () => {
        const { keep, state } = await import('/static/js/scheduling.js')
        const said = []
        for (const [version, status] of [[3, 'pending'], [2, 'older'], [4, 'confirmed']]) {
            keep({ id: 7, version, status })
            said.push(state.appointments.get(7).status)
        }
        return said
    }""")
    assert known == ["pending", "pending", "confirmed"]


def test_every_event_is_told_once_in_order_and_acknowledged(page: Page) -> None:
    page.evaluate(BEGIN, 40)
    for seq in (41, 41, 40, 42):
        page.evaluate(SAY, event(seq))
    page.clock.run_for(500)
    assert page.evaluate("heard") == [41, 42]
    assert sent(page, "ack") == [{"type": "ack", "seq": 42}]


def test_after_a_hole_what_is_missing_is_asked_for_and_the_view_fetched(page: Page) -> None:
    page.evaluate(BEGIN, 40)
    page.evaluate(SAY, event(43))
    assert page.evaluate("[heard, fetched]") == [[], 1]
    assert sent(page, "resume") == [{"type": "resume", "after": 40}]
    for seq in (41, 42, 43):
        page.evaluate(SAY, event(seq))
    assert page.evaluate("heard") == [41, 42, 43]


def test_numbers_that_are_no_longer_kept_mean_a_fresh_view(page: Page) -> None:
    page.evaluate(BEGIN, 40)
    page.evaluate(SAY, {"type": "connected", "last_seq": 90, "oldest_seq": 60, "server_time": "2026-01-01T00:00:00Z"})
    assert page.evaluate("[live.seq, fetched]") == [90, 1]


def test_the_clock_follows_the_shortest_round_trip(page: Page) -> None:
    page.evaluate(BEGIN, 40)
    read = "import('/static/js/clock.js').then(({ now }) => new Date(now()).toISOString())"
    trips = ((4_000, "2026-01-01T01:00:00Z"), (100, "2026-01-01T02:00:00Z"), (4_000, "2026-01-01T03:00:00Z"))
    for trip, server_time in trips:
        ping = sent(page, "ping")[-1]
        page.clock.run_for(trip)
        page.evaluate(SAY, {"type": "pong", "t": ping["t"], "server_time": server_time})
        last = page.evaluate(read)
        page.clock.run_for(20_000)
    assert last.startswith("2026-01-01T02:00:2")  # 02:00:00, and the 24 s since


def test_a_silent_socket_is_left_for_another_that_goes_on_from_the_last_event(page: Page) -> None:
    page.evaluate(BEGIN, 40)
    page.evaluate(SAY, event(41))
    page.clock.run_for(8_100)
    assert page.evaluate("[states, sockets.length]") == [["live", "connecting"], 1]
    page.clock.run_for(1_000)
    assert page.evaluate("sockets.map(one => new URL(one.address).search)") == ["?after=40", "?after=41"]


def test_tries_lie_twice_as_far_apart_each_time_and_the_third_failure_polls(page: Page, server: Server) -> None:
    server.inbox = {"server_time": "2026-01-01T00:00:00Z", "last_seq": 41, "results": [event(41)]}
    page.evaluate(BEGIN, 40)
    for wait in (1_000, 2_000):
        page.evaluate("sockets.at(-1).close()")
        before = page.evaluate("sockets.length")
        page.clock.run_for(wait - 50)
        assert page.evaluate("sockets.length") == before
        page.clock.run_for(100)
        assert page.evaluate("sockets.length") == before + 1
    assert server.asked == []
    page.evaluate("sockets.at(-1).close()")
    page.wait_for_function("states.at(-1) === 'polling'")
    assert page.evaluate("heard") == [41]
    assert server.asked[0].endswith("limit=200&after=40")
    page.clock.run_for(10_100)
    page.wait_for_timeout(100)
    assert server.asked[1].endswith("limit=200&after=41")


def test_who_was_signed_out_is_not_tried_again(page: Page) -> None:
    page.evaluate(BEGIN, 40)
    page.evaluate("sockets[0].close(4401)")
    page.clock.run_for(120_000)
    assert page.evaluate("[states, sockets.length]") == [["live", "signed-out"], 1]


def test_the_clinics_words_are_said_and_gaps_are_filled_by_their_names(page: Page, server: Server) -> None:
    server.settings["words"] = [["Therapist", "Provider"], ["therapist", "provider"]]
    page.goto("http://modules.test/")
    said = page.evaluate("""async () => {
        const { t, tn } = await import('/static/js/i18n.js')
        return [t('Therapists: {therapist}', { therapist: 'A therapist' }), tn('{n} therapist', '{n} therapists', 2)]
    }""")
    assert said == ["Providers: A therapist", "2 providers"]


def test_a_refusal_is_said_in_the_readers_language_else_in_the_clinics_words(page: Page, server: Server) -> None:
    server.settings |= {"words": [["therapist", "provider"]], "meanings": {"past": "انقضى هذا الوقت"}}
    page.goto("http://modules.test/")
    said = page.evaluate("""async () => {
        const { Refusal } = await import('/static/js/api.js')
        const message = (code, detail) => new Refusal(409, { errors: [{ code, detail, attr: null }] }).message
        return [message('past', 'It is over.'), message('busy', 'The therapist is busy.')]
    }""")
    assert said == ["انقضى هذا الوقت", "The provider is busy."]


@pytest.mark.parametrize(
    ("leaving", "pages"),
    [
        ({}, ["1", "2", "3"]),
        ({"2": 30}, ["1", "2", "1", "3"]),
        ({"3": 120}, ["1", "2", "3", "1", "2"]),
        ({"3": 10}, ["1", "2", "3", "2"]),
    ],
)
def test_nothing_of_a_list_is_missed_that_shrinks_while_it_is_read(
    page: Page, server: Server, leaving: dict[str, int], pages: list[str]
) -> None:
    server.leaving = dict(leaving)
    ids = page.evaluate(
        "import('/static/js/api.js').then(({ all }) => all('/api/list/')).then(rows => rows.map(row => row.id))"
    )
    assert set(range(1 + sum(leaving.values()), 1 + ROWS)) <= set(ids)
    assert len(ids) == len(set(ids))
    assert [dict(parse_qsl(urlsplit(one).query))["page"] for one in server.asked] == pages
