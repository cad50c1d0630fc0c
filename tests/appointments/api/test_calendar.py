"""Appointments in calendar programs: the feed behind a key, and one event as a file."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from icalendar import Calendar, Event
from pytest_django import DjangoAssertNumQueries

from appointments.models import Appointment
from appointments.selectors import calendar
from appointments.services import assignment, attendance, rescheduling, sweeps
from core.accounts import services as accounts
from core.accounts.models import User
from tests.conftest import Api
from tests.core.test_logs import logged  # noqa: F401 - a fixture
from tests.support.cast import Cast, at, book, client_of, offer

pytestmark = pytest.mark.once

KEY = "/api/auth/calendar-key/"
APPOINTMENTS = "/api/scheduling/appointments/"


def accept(cast: Cast, *, hours: float = 24) -> Appointment:
    return assignment.accept(book(cast.pia, cast.olive, therapist=cast.theo, hours=hours).pk, cast.theo, timezone.now())


def address(user: User) -> str:
    """The feed's address with a new key, as the API gives it."""
    return client_of(user).post(KEY).json()["url"]


def feed(url: str) -> Calendar:
    """What a calendar program reads there, without any header of ours."""
    answer = client_of().get(url, HTTP_ACCEPT="text/calendar")
    assert answer.status_code == 200, answer.content
    return Calendar.from_ical(answer.content)


def event_of(user: User, appointment: Appointment) -> Event:
    """The appointment's event in the person's feed."""
    (found,) = [one for one in feed(address(user)).events if one["uid"] == str(appointment.appointment_id)]
    return found


def state(event: Event) -> tuple[str, int]:
    return str(event["status"]), int(event["sequence"])


def test_an_accepted_appointment_is_a_confirmed_event(cast: Cast) -> None:
    appointment = accept(cast)
    event = event_of(cast.pia, appointment)
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (appointment.start, appointment.end)
    assert (str(event["summary"]), str(event["location"])) == ("Therapy with Dr. Theo", "Harbour")
    assert state(event) == ("CONFIRMED", appointment.version)
    assert "Asia/Karachi" in event["description"]


def test_what_waits_for_an_answer_is_tentative(cast: Cast) -> None:
    assert state(event_of(cast.theo, offer(cast)))[0] == "TENTATIVE"


def test_each_sees_whom_they_meet(cast: Cast) -> None:
    appointment = accept(cast)
    summaries = [str(event_of(user, appointment)["summary"]) for user in (cast.pia, cast.theo, cast.olive)]
    assert summaries == ["Therapy with Dr. Theo", "Therapy: Pia", "Therapy: Pia, Theo"]


def test_a_change_raises_the_sequence_of_the_same_event(cast: Cast) -> None:
    appointment = accept(cast)
    before = state(event_of(cast.pia, appointment))
    attendance.update(appointment.pk, {"duration_minutes": 45}, cast.olive, timezone.now())
    event = event_of(cast.pia, appointment)
    assert state(event) == ("CONFIRMED", before[1] + 1)
    assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(minutes=45)


def test_a_cancelled_appointment_stays_as_cancelled_with_a_higher_sequence(cast: Cast) -> None:
    appointment = accept(cast)
    before = state(event_of(cast.pia, appointment))
    attendance.cancel(appointment.pk, "Ill.", cast.pia, timezone.now())
    assert state(event_of(cast.pia, appointment)) == ("CANCELLED", before[1] + 1)


def test_a_moved_appointment_is_cancelled_at_its_old_time_and_stands_at_its_new_one(cast: Cast) -> None:
    old = accept(cast)
    moved = rescheduling.reschedule(old.pk, at(48), cast.pia, timezone.now()).new_appointment
    assert state(event_of(cast.theo, old))[0] == "CANCELLED"
    event = event_of(cast.theo, moved)
    assert (state(event)[0], event.decoded("dtstart")) == ("CONFIRMED", at(48))


def test_a_therapist_who_lost_it_reads_cancelled_and_no_name(cast: Cast) -> None:
    appointment = accept(cast)
    assignment.unassign(appointment.pk, cast.olive, timezone.now())
    event = event_of(cast.theo, appointment)
    assert (state(event)[0], str(event["summary"])) == ("CANCELLED", "Therapy")


def test_an_expired_offer_is_cancelled_for_the_patient(cast: Cast) -> None:
    appointment = offer(cast)
    sweeps.expire_due(timezone.now() + timedelta(hours=1), manual=True)
    assert state(event_of(cast.pia, appointment))[0] == "CANCELLED"


def test_a_request_that_others_may_take_is_in_no_therapists_calendar(cast: Cast) -> None:
    book(cast.pia, cast.pia)
    assert feed(address(cast.theo)).events == []
    assert len(feed(address(cast.pia)).events) == 1


def test_nobody_reads_appointments_of_others(cast: Cast) -> None:
    accept(cast)
    counts = [len(feed(address(user)).events) for user in (cast.pavel, cast.tara, cast.heidi, cast.heiko, cast.xander)]
    assert counts == [0] * 5


def test_a_new_key_ends_the_one_before(cast: Cast) -> None:
    first, second = address(cast.pia), address(cast.pia)
    assert client_of().get(first).status_code == 401
    assert client_of().get(second).status_code == 200


def test_a_revoked_key_opens_nothing(cast: Cast, api: Api) -> None:
    url = address(cast.pia)
    assert api(cast.pia).delete(KEY).status_code == 204
    assert client_of().get(url).status_code == 401
    assert api(cast.pia).delete(KEY).status_code == 204


def test_a_suspended_persons_key_opens_nothing(cast: Cast) -> None:
    url = address(cast.theo)
    accounts.suspend(cast.theo.pk, reason="no answer", actor=None, now=timezone.now())
    assert client_of().get(url).status_code == 401


@pytest.mark.parametrize("query", ["", "?key=", "?key=wrong", "?key=" + "x" * 500])
def test_without_a_key_the_answer_is_401_as_json(db: None, query: str) -> None:
    answer = client_of().get(f"/api/scheduling/calendar.ics{query}", HTTP_ACCEPT="text/calendar")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "authentication_failed")


def test_a_key_opens_only_the_calendar(cast: Cast, api: Api) -> None:
    key = api(cast.pia).post(KEY).json()["key"]
    stranger = client_of()
    assert stranger.get(f"{APPOINTMENTS}?key={key}").status_code == 401
    assert stranger.get(APPOINTMENTS, HTTP_AUTHORIZATION=f"Token {key}").status_code == 401


def test_the_database_does_not_hold_the_key(cast: Cast, api: Api) -> None:
    key = api(cast.pia).post(KEY).json()["key"]
    kept = cast.pia.calendar_key.digest  # type: ignore[attr-defined]
    assert key not in kept
    assert len(kept) == 64


def test_the_key_is_neither_logged_nor_passed_on(cast: Cast, logged: io.StringIO) -> None:  # noqa: F811
    url = address(cast.pia)
    answer = client_of().get(url)
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "calendar.ics" in logged.getvalue()
    assert url.partition("key=")[2] not in logged.getvalue()


def test_one_appointment_as_a_file(cast: Cast, api: Api) -> None:
    appointment = accept(cast)
    answer = api(cast.pia).get(f"{APPOINTMENTS}{appointment.pk}/ics/", HTTP_ACCEPT="text/calendar")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert f"appointment-{appointment.pk}.ics" in answer["Content-Disposition"]
    (event,) = Calendar.from_ical(answer.content).events
    assert str(event["uid"]) == str(appointment.appointment_id)


def test_a_strangers_appointment_is_no_file(cast: Cast, api: Api) -> None:
    answer = api(cast.pavel).get(f"{APPOINTMENTS}{accept(cast).pk}/ics/", HTTP_ACCEPT="text/calendar")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["Pia\r\nATTENDEE:mailto:x@example.org", "Pia;X=1,\\n", "=cmd|' /C calc'!A0"])
def test_a_name_cannot_add_a_line_to_the_file(cast: Cast, api: Api, name: str) -> None:
    User.objects.filter(pk=cast.pia.pk).update(first_name=name)
    appointment = accept(cast)
    Appointment.objects.filter(pk=appointment.pk).update(
        video_url="https://x.example/\r\nATTENDEE:mailto:x@example.org"
    )
    content = api(cast.theo).get(f"{APPOINTMENTS}{appointment.pk}/ics/").content
    assert not [line for line in content.splitlines() if line.startswith((b"ATTENDEE", b"="))]
    (event,) = Calendar.from_ical(content).events
    assert "attendee" not in event
    assert str(event["summary"]).startswith("Therapy: ")


def test_the_feed_looks_thirty_days_back(cast: Cast) -> None:
    old, older = accept(cast), accept(cast, hours=26)
    for appointment, days in ((old, 29), (older, 31)):
        start = timezone.now() - timedelta(days=days)
        Appointment.objects.filter(pk=appointment.pk).update(start=start, end=start + timedelta(minutes=30))
    assert [str(event["uid"]) for event in feed(address(cast.pia)).events] == [str(old.appointment_id)]


def test_a_large_feed_keeps_what_comes_next(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar, "MOST_EVENTS", 2)
    starts = [accept(cast, hours=hours).start for hours in (30, 26, 28)]
    assert [event.decoded("dtstart") for event in feed(address(cast.pia)).events] == sorted(starts)[:2]


def test_a_feed_takes_as_many_queries_for_one_event_as_for_many(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    url: Any = address(cast.theo)
    for hours in (24, 26, 28):
        accept(cast, hours=hours)
        with django_assert_num_queries(4):  # the key, what they lost or could take, the past, what comes
            client_of().get(url)
