"""Slots, availability and time off over HTTP."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.models import TimeSlot
from tests.conftest import Api
from tests.contracts.world import snapshot
from tests.support.cast import Cast, at, book

pytestmark = pytest.mark.django_db
SLOTS = "/api/appointments/time-slots/"
BULK = f"{SLOTS}bulk_create/"
AVAILABILITY = "/api/appointments/check-availability/"
TIME_OFF = "/api/appointments/time-off/"
DAY = (timezone.now() + timedelta(days=5)).date()
ONE: dict[str, Any] = {"date": DAY.isoformat(), "start_time": "09:00", "end_time": "09:30"}
MANY: dict[str, Any] = {
    "start_date": DAY.isoformat(),
    "end_date": DAY.isoformat(),
    "start_time": "09:00",
    "end_time": "12:00",
    "slot_duration_minutes": 30,
}
WEEKLY = ONE | {"is_recurring": True, "recurring_end_date": (DAY + timedelta(days=21)).isoformat()}


def test_a_therapist_publishes_a_slot_of_their_own(cast: Cast, api: Api) -> None:
    answer = api(cast.theo).post(SLOTS, ONE, format="json")
    assert answer.status_code == 201
    slot = answer.json()
    wanted = {"therapist": cast.theo.pk, "date": ONE["date"], "start_time": "09:00:00", "can_book": True}
    assert wanted.items() <= slot.items()
    assert (slot["max_appointments"], slot["current_appointments"], slot["is_recurring"]) == (1, 0, False)


def test_a_recurring_slot_answers_its_first_occurrence(cast: Cast, api: Api) -> None:
    answer = api(cast.theo).post(SLOTS, WEEKLY, format="json").json()
    assert (answer["is_recurring"], answer["recurring_days"]) == (True, str(DAY.weekday()))
    assert TimeSlot.objects.count() == 4


def test_many_slots_tell_what_was_made_and_skipped(cast: Cast, api: Api) -> None:
    api(cast.theo).post(SLOTS, ONE, format="json")
    answer = api(cast.olive).post(BULK, MANY | {"doctor": cast.theo.pk}, format="json")
    assert (answer.status_code, answer.json()["created"], answer.json()["skipped"]) == (201, 5, 1)
    assert len(answer.json()["slots"]) == 5


def test_a_preview_of_many_slots_is_a_200_that_saves_nothing(cast: Cast, api: Api) -> None:
    answer = api(cast.theo).post(BULK, MANY | {"dry_run": True}, format="json")
    assert (answer.status_code, answer.json()["created"], len(answer.json()["slots"])) == (200, 0, 6)
    assert not TimeSlot.objects.exists()


BAD: list[tuple[str, dict[str, Any], str]] = [
    (SLOTS, {"date": "9999-12-31"}, "date"),
    (SLOTS, {"date": "2020-01-01"}, "date"),
    (SLOTS, {"start_time": "25:00"}, "start_time"),
    (SLOTS, {"end_time": None}, "end_time"),
    (SLOTS, {"max_appointments": 0}, "max_appointments"),
    (SLOTS, {"max_appointments": 10**9}, "max_appointments"),
    (SLOTS, {"therapist": 10**15}, "therapist"),
    (SLOTS, {"is_recurring": True}, "recurring_end_date"),
    (SLOTS, WEEKLY | {"recurring_days": "7"}, "recurring_days"),
    (SLOTS, WEEKLY | {"recurring_days": ""}, "recurring_days"),
    (SLOTS, WEEKLY | {"recurring_days": {"0": 1}}, "recurring_days"),
    (SLOTS, WEEKLY | {"recurring_end_date": "2020-01-01"}, "recurring_end_date"),
    (BULK, {"slot_duration_minutes": -5}, "slot_duration_minutes"),
    (BULK, {"slot_duration_minutes": 240}, "slot_duration_minutes"),
    (BULK, {"break_duration_minutes": -1}, "break_duration_minutes"),
    (BULK, {"end_date": "0001-01-01"}, "end_date"),
    (BULK, {"end_date": (DAY + timedelta(days=700)).isoformat(), "slot_duration_minutes": 5}, "end_date"),
    (BULK, {"weekdays": [0, 9]}, "weekdays"),
    (AVAILABILITY, {"doctor_id": "Theo"}, "therapist"),
    (AVAILABILITY, {"date": "soon"}, "date"),
    (AVAILABILITY, {"duration_minutes": 0}, "duration_minutes"),
    (TIME_OFF, {"start": "2030-01-01"}, "start"),
    (TIME_OFF, {"end": "2020-01-01T00:00:00Z"}, "end"),
    (TIME_OFF, {"reason": "x" * 301}, "reason"),
]
GOOD: dict[str, dict[str, Any]] = {
    SLOTS: ONE,
    BULK: MANY,
    AVAILABILITY: {"date": DAY.isoformat()},
    TIME_OFF: {"start": at(30).isoformat(), "end": at(40).isoformat()},
}


@pytest.mark.parametrize(("url", "bad", "field"), BAD, ids=[f"{url} {bad}"[:70] for url, bad, _ in BAD])
def test_bad_input_is_refused_by_its_field_and_writes_nothing(
    cast: Cast, api: Api, url: str, bad: dict[str, Any], field: str
) -> None:
    client, before = api(cast.olive), snapshot()
    whose = {"doctor_id": cast.theo.pk} if {"therapist", "doctor_id"}.isdisjoint(bad) else {}
    answer = client.post(url, GOOD[url] | whose | bad, format="json")
    assert (answer.status_code, [error["attr"] for error in answer.json()["errors"]]) == (400, [field])
    assert snapshot() == before


def test_a_booked_slot_is_a_409(cast: Cast, api: Api) -> None:
    pk = api(cast.theo).post(SLOTS, ONE, format="json").json()["id"]
    TimeSlot.objects.filter(pk=pk).update(current_appointments=1)
    for answer in (
        api(cast.theo).patch(f"{SLOTS}{pk}/", {"max_appointments": 2}, format="json"),
        api(cast.theo).delete(f"{SLOTS}{pk}/"),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "slot_booked")


def test_another_therapists_slot_cannot_be_changed(cast: Cast, api: Api) -> None:
    pk = api(cast.theo).post(SLOTS, ONE, format="json").json()["id"]
    assert api(cast.tara).delete(f"{SLOTS}{pk}/").status_code == 403
    assert api(cast.heiko).delete(f"{SLOTS}{pk}/").status_code == 404


def test_the_list_is_filtered_by_therapist_day_and_whether_it_can_be_booked(cast: Cast, api: Api) -> None:
    api(cast.theo).post(BULK, MANY, format="json")
    api(cast.tara).post(SLOTS, ONE, format="json")
    TimeSlot.objects.filter(therapist=cast.theo, start_time="09:00").update(current_appointments=1)

    def found(**query: Any) -> int:
        return int(api(cast.pia).get(SLOTS, query).json()["count"])

    assert found() == 7
    assert found(doctor=cast.theo.pk) == 6
    assert found(therapist=cast.theo.pk, available_only="true") == 5
    assert found(date_from=(DAY + timedelta(days=1)).isoformat()) == 0
    assert found(date_to=DAY.isoformat()) == 7


def test_availability_names_the_slots_with_a_free_place_in_one_query(cast: Cast, api: Api) -> None:
    api(cast.theo).post(BULK, MANY | {"max_appointments_per_slot": 3}, format="json")
    TimeSlot.objects.filter(start_time="09:00").update(current_appointments=1)
    TimeSlot.objects.filter(start_time="09:30").update(current_appointments=1, held_places=2)
    client, asked = api(cast.pia), {"doctor_id": cast.theo.pk, "date": DAY.isoformat()}
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.post(AVAILABILITY, asked, format="json").json()
    assert answer["total_slots"] == 5
    assert [slot["available_count"] for slot in answer["available_slots"]] == [2, 3, 3, 3, 3]
    assert sum("appointments_timeslot" in query["sql"] for query in queries) == 1


def test_a_visit_longer_than_the_slots_finds_none(cast: Cast, api: Api) -> None:
    api(cast.theo).post(BULK, MANY, format="json")
    asked = {"doctor_id": cast.theo.pk, "date": DAY.isoformat(), "duration_minutes": 45}
    assert api(cast.pia).post(AVAILABILITY, asked, format="json").json()["available_slots"] == []


def test_a_slot_in_which_the_therapist_is_elsewhere_is_not_available(cast: Cast, api: Api) -> None:
    slot = TimeSlot.objects.get(pk=api(cast.theo).post(SLOTS, ONE, format="json").json()["id"])
    other = book(cast.pavel, cast.olive, therapist=cast.theo, hours=50)
    type(other).objects.filter(pk=other.pk).update(start=slot.start + timedelta(minutes=10), end=slot.end)
    asked = {"doctor_id": cast.theo.pk, "date": DAY.isoformat()}
    assert api(cast.pia).post(AVAILABILITY, asked, format="json").json()["total_slots"] == 0


def test_lists_take_the_same_queries_however_long_they_are(cast: Cast, api: Api) -> None:
    client = api(cast.olive)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(SLOTS)
            client.get(TIME_OFF)
        return len(captured)

    api(cast.theo).post(SLOTS, ONE, format="json")
    api(cast.theo).post(TIME_OFF, GOOD[TIME_OFF], format="json")
    queries()
    few = queries()
    api(cast.tara).post(BULK, MANY, format="json")
    api(cast.tara).post(TIME_OFF, GOOD[TIME_OFF], format="json")
    assert queries() == few


def test_time_off_is_previewed_then_taken_then_taken_back(cast: Cast, api: Api) -> None:
    client = api(cast.theo)
    preview = client.post(TIME_OFF, GOOD[TIME_OFF] | {"dry_run": True}, format="json")
    assert (preview.status_code, preview.json()["id"], preview.json()["appointments"]) == (200, None, [])
    taken = client.post(TIME_OFF, GOOD[TIME_OFF], format="json")
    assert taken.status_code == 201
    assert client.delete(f"{TIME_OFF}{taken.json()['id']}/").status_code == 204
    assert client.get(TIME_OFF).json()["count"] == 0


def test_a_day_is_redistributed(cast: Cast, api: Api) -> None:
    made = book(cast.pia, cast.olive, therapist=cast.theo, hours=50)
    url = f"/api/scheduling/therapists/{cast.theo.pk}/redistribute/"
    day: date = made.appointment_date
    preview = api(cast.olive).post(url, {"date": day.isoformat(), "dry_run": True}, format="json").json()
    (row,) = preview["appointments"]
    assert (row["appointment"]["id"], row["candidate"]["id"]) == (made.pk, cast.tara.pk)
    done = api(cast.olive).post(url, {"date": day.isoformat()}, format="json").json()
    assert done["appointments"][0]["appointment"]["therapist"] is None
