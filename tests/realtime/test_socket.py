"""The WebSocket as the contract has it, against a real server."""

import json
import time

import pytest
from django.conf import settings
from django.test import Client as Browser
from knox.models import AuthToken
from rest_framework.test import APIClient

from appointments.events import EventType
from appointments.models import Assignment
from appointments.services import assignment, suspension
from core.accounts.models import User
from core.web.measures import own_registry
from realtime import hints
from realtime.models import Notification
from tests.realtime.conftest import now, token_of, until
from tests.realtime.sockets import Client
from tests.support.cast import Cast, drain_outbox, offer

pytestmark = pytest.mark.once


def test_the_first_message_says_who_and_how_far(server: str, cast: Cast) -> None:
    offer(cast)
    drain_outbox()
    with Client.open(server, token_of(cast.olive)) as client:
        first = client.read()
    assert (first["type"], first["last_seq"], first["oldest_seq"]) == ("connected", 2, 1)
    assert first["user"]["id"] == cast.olive.pk
    assert first["server_time"].endswith("Z")


@pytest.mark.parametrize("path", ["/ws/events/", "/ws/events", "/ws/scheduling/appointments/"])
def test_both_addresses_work(server: str, cast: Cast, path: str) -> None:
    with Client.of(server, cast.olive, path=path) as client:
        assert client.raw.subprotocol == "events.v1"


def test_an_unknown_address_is_closed(server: str, cast: Cast) -> None:
    with Client.open(server, token_of(cast.olive), path="/ws/other/", protocols=[]) as client:
        assert client.close_code() == 4404


def test_an_event_arrives_live_with_the_appointment_as_the_reader_sees_it(server: str, cast: Cast) -> None:
    with Client.of(server, cast.theo) as client:
        appointment = offer(cast)
        drain_outbox()
        event = client.read()
    assert (event["type"], event["seq"]) == (EventType.ASSIGNED, 1)
    assert event["data"]["appointment"]["id"] == appointment.pk
    assert "accept" in event["data"]["appointment"]["allowed_actions"]
    assert event["title"]
    assert event["message"]


def test_after_replays_what_was_missed_and_goes_on_live(server: str, cast: Cast) -> None:
    appointment = offer(cast)
    drain_outbox()
    with Client.of(server, cast.olive, path="/ws/events/?after=1") as client:
        assert client.events(1) == [(2, EventType.ASSIGNED)]
        assignment.accept(appointment.pk, cast.theo, now())
        drain_outbox()
        assert client.events(1) == [(3, EventType.ACCEPTED)]


def test_without_after_it_starts_live(server: str, cast: Cast) -> None:
    appointment = offer(cast)
    drain_outbox()
    with Client.of(server, cast.olive) as client:
        assignment.accept(appointment.pk, cast.theo, now())
        drain_outbox()
        assert client.events(1) == [(3, EventType.ACCEPTED)]


def test_a_long_replay_comes_whole_and_in_order(server: str, cast: Cast) -> None:
    rows = [
        Notification(recipient=cast.olive, seq=seq, type=EventType.UPDATED, outbox_id=seq, data={}, created_at=now())
        for seq in range(1, 1_001)
    ]
    offer(cast)
    drain_outbox()
    Notification.objects.filter(recipient=cast.olive).delete()
    Notification.objects.bulk_create(rows)
    cast.olive.inbox.__class__.objects.filter(pk=cast.olive.pk).update(last_seq=1_000)
    with Client.of(server, cast.olive, path="/ws/events/?after=0") as client:
        assert [seq for seq, _ in client.events(1_000)] == list(range(1, 1_001))


def test_a_replay_passes_over_what_was_deleted(server: str, cast: Cast) -> None:
    offer(cast)
    drain_outbox()
    Notification.objects.filter(recipient=cast.olive, seq=1).delete()
    with Client.open(server, token_of(cast.olive), path="/ws/events/?after=0") as client:
        assert client.read()["oldest_seq"] == 2
        assert client.events(1) == [(2, EventType.ASSIGNED)]


@pytest.mark.parametrize("scheme", ["Token", "token"])
def test_the_authorization_header_opens_a_socket(server: str, cast: Cast, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {token_of(cast.olive)}"}
    with Client.open(server, headers=headers, protocols=[]) as client:
        assert client.read()["user"]["id"] == cast.olive.pk


def session_cookie(user: User) -> dict[str, str]:
    browser = Browser()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"}


def test_the_session_cookie_opens_a_socket_from_the_own_origin(server: str, cast: Cast) -> None:
    with Client.open(server, headers=session_cookie(cast.olive), origin=f"http://{server}") as client:
        assert client.read()["user"]["id"] == cast.olive.pk


@pytest.mark.parametrize("origin", [None, "http://evil.example", "http://[", "null"])
def test_the_session_cookie_is_worth_nothing_from_elsewhere(server: str, cast: Cast, origin: str | None) -> None:
    with Client.open(server, headers=session_cookie(cast.olive), origin=origin) as client:
        assert client.raw.subprotocol == "events.v1"
        assert client.close_code() == 4401


def test_a_token_needs_no_origin_and_bears_any(server: str, cast: Cast) -> None:
    with Client.of(server, cast.olive, origin="http://evil.example"):
        pass


def test_the_first_login_that_is_present_counts(server: str, cast: Cast) -> None:
    headers = {"Authorization": f"Token {token_of(cast.olive)}", **session_cookie(cast.olive)}
    with Client.open(server, "0" * 64, headers=headers, origin=f"http://{server}") as client:
        assert client.close_code() == 4401


@pytest.mark.parametrize("protocols", [["events.v1"], ["events.v1", "knox."], ["events.v1", "knox.nonsense"]])
def test_without_a_valid_login_it_is_accepted_and_closed_with_4401(server: str, protocols: list[str]) -> None:
    with Client.open(server, protocols=protocols) as client:
        assert client.raw.subprotocol == "events.v1"
        assert client.close_code() == 4401


def test_a_disabled_account_is_closed_with_4401(server: str, cast: Cast) -> None:
    token = token_of(cast.theo)
    User.objects.filter(pk=cast.theo.pk).update(is_active=False)
    with Client.open(server, token) as client:
        assert client.close_code() == 4401


def test_no_sub_protocol_is_echoed_where_none_was_offered(server: str, cast: Cast) -> None:
    headers = {"Authorization": f"Token {token_of(cast.olive)}"}
    with Client.open(server, headers=headers, protocols=[]) as client:
        assert client.raw.subprotocol is None


def test_ack_marks_everything_up_to_it_delivered_also_the_offer(server: str, cast: Cast) -> None:
    appointment = offer(cast)
    drain_outbox()
    with Client.of(server, cast.theo, path="/ws/events/?after=0") as client:
        client.events(1)
        client.say(type="ack", seq=1)
        until(lambda: Notification.objects.get(recipient=cast.theo, seq=1).delivered_at is not None)
    assert Assignment.objects.get(appointment=appointment).delivered_at is not None
    assert not Notification.objects.filter(recipient=cast.olive, delivered_at__isnull=False).exists()


def test_ack_reaches_no_further_than_what_was_sent(server: str, cast: Cast) -> None:
    with Client.of(server, cast.theo) as client:
        client.say(type="ack", seq=999)
        client.say(type="ping", t=1)
        client.read()
        offer(cast)
        drain_outbox()
        client.events(1)
    assert Notification.objects.get(recipient=cast.theo).delivered_at is None


def test_ping_is_answered_with_the_clock(server: str, cast: Cast) -> None:
    with Client.of(server, cast.olive) as client:
        client.say(type="ping", t=123.5)
        pong = client.read()
    assert (pong["type"], pong["t"]) == ("pong", 123.5)
    assert pong["server_time"].endswith("Z")


def test_ping_keeps_the_token_alive(server: str, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.consumers.KEEP_ALIVE_SECONDS", 0)
    with Client.of(server, cast.olive) as client:
        soon = now() + settings.REST_KNOX["TOKEN_TTL"] / 2
        AuthToken.objects.filter(user=cast.olive).update(expiry=soon)
        client.say(type="ping")
        client.read()
        until(lambda: AuthToken.objects.get(user=cast.olive).expiry > soon)


def test_resume_sends_again_from_there(server: str, cast: Cast) -> None:
    appointment = offer(cast)
    assignment.accept(appointment.pk, cast.theo, now())
    drain_outbox()
    with Client.of(server, cast.olive) as client:
        client.say(type="resume", after=1)
        assert [seq for seq, _ in client.events(2)] == [2, 3]


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{",
        "[]",
        "1",
        "null",
        '{"type": 1}',
        '{"type": "dance"}',
        '{"type": "ack"}',
        '{"type": "ack", "seq": "1"}',
        '{"type": "ack", "seq": -1}',
        '{"type": "resume", "after": true}',
        '{"type": "resume", "after": 1e400}',
    ],
)
def test_what_is_malformed_gets_an_error_and_the_socket_stays(server: str, cast: Cast, raw: str) -> None:
    with Client.of(server, cast.olive) as client:
        client.raw.send(raw)
        assert client.read().keys() == {"type", "code"}
        client.say(type="ping")
        assert client.read()["type"] == "pong"


def test_binary_nonsense_gets_an_error_and_the_socket_stays(server: str, cast: Cast) -> None:
    with Client.of(server, cast.olive) as client:
        client.raw.send(b"\xff\xfe\x00")
        assert client.read()["type"] == "error"
        client.say(type="ping")
        assert client.read()["type"] == "pong"


def test_more_than_ten_messages_a_second_are_too_much(server: str, cast: Cast) -> None:
    with Client.of(server, cast.olive) as client:
        for _ in range(11):
            client.say(type="ping")
        assert client.close_code() == 4429


def test_ten_messages_a_second_are_not(server: str, cast: Cast) -> None:
    with Client.of(server, cast.olive) as client:
        for _ in range(2):
            for _ in range(10):
                client.say(type="ping")
            assert [client.read()["type"] for _ in range(10)] == ["pong"] * 10
            time.sleep(1.1)


@pytest.mark.parametrize(("size", "closed"), [(16 * 1024, False), (16 * 1024 + 1, True)])
def test_more_than_16_kib_is_too_much(server: str, cast: Cast, size: int, closed: bool) -> None:
    with Client.of(server, cast.olive) as client:
        empty = len(json.dumps({"type": "ping", "t": ""}))
        client.say(type="ping", t="x" * (size - empty))
        if closed:
            assert client.close_code() == 4429
        else:
            assert client.read()["type"] == "pong"


def test_logout_closes_the_sockets_of_that_token_only(server: str, cast: Cast) -> None:
    mine, other = token_of(cast.olive), token_of(cast.olive)
    with Client.open(server, mine) as first, Client.open(server, other) as second:
        assert first.read()["type"] == second.read()["type"] == "connected"
        begin = time.monotonic()
        leaving = APIClient()
        leaving.credentials(HTTP_AUTHORIZATION=f"Token {mine}")
        assert leaving.post("/api/auth/logout/").status_code == 204
        drain_outbox()
        assert first.close_code() == 4401
        assert time.monotonic() - begin < 2
        second.say(type="ping")
        assert second.read()["type"] == "pong"


@pytest.mark.parametrize(("path", "answer"), [("/api/auth/logout/", 204), ("/logout/", 302), ("/admin/logout/", 200)])
def test_signing_out_of_a_browser_closes_its_socket(server: str, cast: Cast, path: str, answer: int) -> None:
    User.objects.filter(pk=cast.olive.pk).update(is_staff=True)
    browser = Browser()
    browser.force_login(cast.olive, backend="django.contrib.auth.backends.ModelBackend")
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"}
    with Client.open(server, headers=headers, origin=f"http://{server}") as client:
        client.read()
        begin = time.monotonic()
        assert browser.post(path).status_code == answer
        drain_outbox()
        assert client.close_code() == 4401
        assert time.monotonic() - begin < 2


def test_logoutall_closes_every_socket_of_the_person(server: str, cast: Cast) -> None:
    token = token_of(cast.olive)
    with (
        Client.open(server, token) as first,
        Client.of(server, cast.olive) as second,
        Client.of(server, cast.otto) as other,
    ):
        first.read()
        cookie = Client.open(server, headers=session_cookie(cast.olive), origin=f"http://{server}")
        cookie.read()
        leaving = APIClient()
        leaving.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        begin = time.monotonic()
        assert leaving.post("/api/auth/logoutall/").status_code == 204
        drain_outbox()
        assert {first.close_code(), second.close_code(), cookie.close_code()} == {4401}
        assert time.monotonic() - begin < 2
        other.say(type="ping")
        assert other.read()["type"] == "pong"


def test_a_new_password_closes_the_sockets_of_the_old_session(
    server: str, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = session_cookie(cast.olive)
    with Client.open(server, headers=headers, origin=f"http://{server}") as client:
        client.read()
        User.objects.filter(pk=cast.olive.pk).update(password="another")
        hints.send_hint({}, [cast.olive.pk])
        assert client.close_code() == 4401


def test_suspension_closes_the_socket_after_the_last_event(server: str, cast: Cast) -> None:
    offer(cast)
    drain_outbox()
    with Client.of(server, cast.theo) as client:
        begin = time.monotonic()
        suspension.disable(cast.theo.pk, "by hand", cast.olive, now())
        drain_outbox()
        kinds = {client.read()["type"], client.read()["type"]}
        assert kinds == {EventType.THERAPIST_DISABLED, EventType.UNASSIGNED}
        assert client.close_code() == 4401
        assert time.monotonic() - begin < 2


def test_open_sockets_and_the_lag_of_live_events_are_measured(server: str, cast: Cast) -> None:
    def measured(name: str) -> float:
        return own_registry.get_sample_value(f"appointments_{name}") or 0

    open_before, told_before = measured("sockets"), measured("notification_lag_seconds_count")
    with Client.of(server, cast.olive) as client:
        until(lambda: measured("sockets") == open_before + 1)
        offer(cast)
        drain_outbox()
        client.events(2)
        assert measured("notification_lag_seconds_count") == told_before + 2
    until(lambda: measured("sockets") == open_before)
