"""Reminders over HTTP: who reads which, planning one by hand, sending one by hand."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.models import Appointment, AppointmentReminder
from appointments.services import assignment, attendance, reminders
from core.accounts.models import User
from tests.conftest import Api
from tests.support.cast import Cast, at, offer

URL = "/api/appointments/reminders/"


def accepted(cast: Cast, *, hours: float = 72) -> Appointment:
    return assignment.accept(offer(cast, hours=hours).pk, cast.theo, timezone.now())


def wish(booked: Appointment, **changes: Any) -> dict[str, Any]:
    return {"appointment": booked.pk, "reminder_type": "push", "scheduled_for": at(5).isoformat()} | changes


def error(answer: Any) -> tuple[int, str, str | None]:
    (one,) = answer.json()["errors"]
    return answer.status_code, one["code"], one["attr"]


def test_a_reminder_is_read_as_the_contract_says(cast: Cast, api: Api) -> None:
    appointment = accepted(cast)
    first = api(cast.pia).get(URL).json()["results"][0]
    assert first == {
        "id": first["id"],
        "appointment": appointment.pk,
        "reminder_type": "email",
        "scheduled_for": (appointment.start - timedelta(hours=24)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "sent_at": None,
        "is_sent": False,
        "status": "pending",
        "error": "",
    }
    assert api(cast.pia).get(f"{URL}{first['id']}/").json() == first


def test_everybody_reads_those_of_their_own_appointments(cast: Cast, api: Api) -> None:
    accepted(cast)
    counts = {
        person.username: api(person).get(URL).json()["count"]
        for person in (cast.pia, cast.theo, cast.olive, cast.ada, cast.pavel, cast.tara, cast.xander)
    }
    assert counts == {"pia": 2, "theo": 2, "olive": 2, "ada": 2, "pavel": 0, "tara": 0, "xander": 0}


def test_a_therapist_who_lost_the_appointment_loses_its_reminders(cast: Cast, api: Api) -> None:
    assignment.unassign(accepted(cast).pk, cast.olive, timezone.now())
    assert (api(cast.theo).get(URL).json()["count"], api(cast.olive).get(URL).json()["count"]) == (0, 2)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"status": "pending"}, 4),
        ({"status": "sent"}, 0),
        ({"reminder_type": "sms"}, 2),
        ({"is_sent": "false"}, 4),
        ({"is_sent": "true"}, 0),
        ({"page_size": 1, "page": 4}, 4),
    ],
)
def test_the_list_is_filtered_and_paged(cast: Cast, api: Api, query: dict[str, Any], count: int) -> None:
    appointments = [accepted(cast), accepted(cast, hours=80)]
    assert api(cast.olive).get(URL, query).json()["count"] == count
    assert api(cast.olive).get(URL, {"appointment": appointments[0].pk}).json()["count"] == 2


@pytest.mark.parametrize("query", [{"status": "lost"}, {"reminder_type": "fax"}, {"appointment": "x"}])
def test_an_unknown_filter_value_is_named(cast: Cast, api: Api, query: dict[str, str]) -> None:
    assert error(api(cast.olive).get(URL, query))[::2] == (400, next(iter(query)))


def test_the_list_costs_the_same_however_long(cast: Cast, api: Api) -> None:
    def queries() -> int:
        client = api(cast.olive)
        with CaptureQueriesContext(connection) as asked:
            client.get(URL)
        return len(asked)

    accepted(cast)
    few = queries()
    for hours in range(80, 87):  # on one page: a full one is counted as well
        accepted(cast, hours=hours)
    assert queries() == few


def test_an_operator_plans_one_more_which_is_cancelled_with_the_appointment(cast: Cast, api: Api) -> None:
    appointment = accepted(cast)
    answer = api(cast.olive).post(URL, wish(appointment))
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    attendance.cancel(appointment.pk, "moved", cast.pia, timezone.now())
    assert set(AppointmentReminder.objects.values_list("status", flat=True)) == {"cancelled"}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"scheduled_for": None}, (400, "null", "scheduled_for")),
        ({"scheduled_for": "2031-03-03T10:00:00"}, (400, "no_offset", "scheduled_for")),
        ({"scheduled_for": at(-1).isoformat()}, (400, "past", "scheduled_for")),
        ({"scheduled_for": at(73).isoformat()}, (400, "invalid", "scheduled_for")),
        ({"reminder_type": "fax"}, (400, "invalid_choice", "reminder_type")),
        ({"appointment": 10**17}, (400, "does_not_exist", "appointment")),
    ],
)
def test_a_bad_wish_is_refused_by_its_field(
    cast: Cast, api: Api, changes: dict[str, Any], refusal: tuple[int, str, str]
) -> None:
    assert error(api(cast.olive).post(URL, wish(accepted(cast), **changes))) == refusal
    assert AppointmentReminder.objects.count() == 2


def test_the_same_wish_twice_is_refused(cast: Cast, api: Api) -> None:
    appointment = accepted(cast)
    api(cast.olive).post(URL, wish(appointment))
    assert error(api(cast.olive).post(URL, wish(appointment))) == (400, "unique", "scheduled_for")


def test_another_institutions_appointment_does_not_exist(cast: Cast, api: Api) -> None:
    assert error(api(cast.xander).post(URL, wish(accepted(cast)))) == (400, "does_not_exist", "appointment")


def test_what_is_not_accepted_cannot_be_reminded_of(cast: Cast, api: Api) -> None:
    answer = api(cast.olive).post(URL, wish(offer(cast, hours=72)))
    assert error(answer)[:2] == (409, "invalid_transition")
    assert answer.json()["current"]["status"] == "pending"


@pytest.mark.parametrize("status", ["pending", "failed", "uncertain"])
def test_an_operator_sends_by_hand_what_has_not_certainly_gone_out(cast: Cast, api: Api, status: str) -> None:
    accepted(cast)
    reminder = AppointmentReminder.objects.all()[0]
    AppointmentReminder.objects.filter(pk=reminder.pk).update(status=status)
    answer = api(cast.olive).post(f"{URL}{reminder.pk}/send/")
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")
    assert reminders.send(reminder.pk, timezone.now) == "sent"


@pytest.mark.parametrize("status", ["sent", "sending", "cancelled"])
def test_the_rest_is_not_sent_by_hand(cast: Cast, api: Api, status: str) -> None:
    appointment = accepted(cast)
    reminder = AppointmentReminder.objects.all()[0]
    now = timezone.now()
    AppointmentReminder.objects.filter(pk=reminder.pk).update(
        status=status, claimed_at=now, sent_at=now if status == "sent" else None
    )
    answer = api(cast.olive).post(f"{URL}{reminder.pk}/send/")
    assert error(answer)[:2] == (409, "invalid_transition")
    assert status in answer.json()["errors"][0]["detail"]
    assert answer.json()["current"]["id"] == appointment.pk


def test_nothing_is_sent_by_hand_for_what_is_over(cast: Cast, api: Api) -> None:
    appointment = accepted(cast)
    attendance.cancel(appointment.pk, "moved", cast.pia, timezone.now())
    AppointmentReminder.objects.update(status="failed")
    answer = api(cast.olive).post(f"{URL}{AppointmentReminder.objects.all()[0].pk}/send/")
    assert error(answer)[:2] == (409, "invalid_transition")


@pytest.mark.parametrize(("who", "status"), [("pia", 403), ("theo", 403), ("pavel", 404), ("xander", 404)])
def test_only_operators_send_by_hand(cast: Cast, api: Api, who: str, status: int) -> None:
    accepted(cast)
    person: User = getattr(cast, who)
    answer = api(person).post(f"{URL}{AppointmentReminder.objects.all()[0].pk}/send/")
    assert answer.status_code == status
    assert not AppointmentReminder.objects.filter(requested_by__isnull=False).exists()
