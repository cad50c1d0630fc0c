"""The waiting list over HTTP."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.models import Appointment, WaitingList, WaitingOffer
from appointments.services import attendance, waiting_list
from appointments.services.booking import Booking, book
from appointments.services.waiting_list import Wish
from core.accounts.models import User
from realtime.models import Notification
from tests.appointments.moves import slot_around
from tests.conftest import Api
from tests.contracts.world import snapshot
from tests.support.cast import Cast, at, drain_outbox

pytestmark = pytest.mark.django_db
URL = "/api/appointments/waiting-list/"
START = at(72)
DAY = START.astimezone(ZoneInfo("Asia/Karachi")).date()
WISH: dict[str, Any] = {"preferred_date": DAY.isoformat()}


def wait(patient: User, **wish: Any) -> WaitingList:
    return waiting_list.join(Wish(patient=patient, preferred_date=DAY, **wish), patient, timezone.now())


def held(cast: Cast) -> WaitingList:
    """Pavel's entry, for which the place that Pia gave up is held."""
    entry = wait(cast.pavel)
    slot = slot_around(cast.theo, START)
    pk = book(Booking(patient=cast.pia, start=START, time_slot_id=slot.pk), cast.pia, timezone.now()).pk
    attendance.cancel(pk, "ill", cast.pia, timezone.now())
    return entry


def one(entry: WaitingList, action: str = "") -> str:
    return f"{URL}{entry.pk}/{action}{'/' if action else ''}"


def test_of_a_wish_only_the_day_is_required(cast: Cast, api: Api) -> None:
    answer = api(cast.pia).post(URL, WISH, format="json")
    assert answer.status_code == 201
    shown = answer.json()
    wanted = {"patient": cast.pia.pk, "doctor": None, "priority": 5, "is_active": True, "position": 1}
    assert (wanted | WISH | {"notified": False, "offer_expires_at": None}).items() <= shown.items()
    refused = api(cast.pia).post(URL, {}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["attr"]) == (400, "preferred_date")


def test_what_is_the_staffs_to_say_is_ignored_in_a_patients_wish(cast: Cast, api: Api) -> None:
    asked = WISH | {"patient": cast.pavel.pk, "priority": 1, "is_active": False, "notified": True, "position": 7}
    shown = api(cast.pia).post(URL, asked, format="json").json()
    assert (shown["patient"], shown["priority"], shown["is_active"], shown["notified"]) == (cast.pia.pk, 5, True, False)


def test_an_operator_puts_a_patient_on_the_list_with_a_priority(cast: Cast, api: Api) -> None:
    asked = WISH | {"client_id": cast.pia.pk, "doctor": cast.theo.pk, "priority": 1, "reason": "Pain"}
    shown = api(cast.olive).post(URL, asked, format="json").json()
    assert (shown["patient"], shown["therapist"], shown["doctor_name"], shown["priority"], shown["reason"]) == (
        cast.pia.pk,
        cast.theo.pk,
        "Theo",
        1,
        "Pain",
    )


@pytest.mark.parametrize(
    ("wish", "field", "code"),
    [
        ({"preferred_date": "2020-01-01"}, "preferred_date", "past"),
        ({"preferred_date": "soon"}, "preferred_date", "invalid"),
        ({"preferred_time_start": "10:00", "preferred_time_end": "09:00"}, "preferred_time_end", "invalid"),
        ({"priority": 0}, "priority", "min_value"),
        ({"priority": 11}, "priority", "max_value"),
        ({"appointment_type": "dance"}, "appointment_type", "invalid_choice"),
        ({"doctor": 10**9}, "therapist", "does_not_exist"),
        ({"patient": 10**9}, "patient", "does_not_exist"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    cast: Cast, api: Api, wish: dict[str, Any], field: str, code: str
) -> None:
    olive = api(cast.olive)
    before = snapshot()
    answer = olive.post(URL, {"patient": cast.pia.pk} | WISH | wish, format="json")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["attr"], error["code"]) == (400, field, code)
    assert snapshot() == before


def test_the_list_stands_in_the_order_of_service_with_everybodys_position(cast: Cast, api: Api) -> None:
    late, urgent, other = wait(cast.pavel), wait(cast.pia, priority=1), wait(cast.pia, therapist_id=cast.tara.pk)
    waiting_list.join(Wish(patient=cast.pia, preferred_date=DAY + timedelta(days=1)), cast.pia, timezone.now())
    results = api(cast.olive).get(URL, {"preferred_date": DAY.isoformat()}).json()["results"]
    assert [(row["id"], row["position"]) for row in results] == [(urgent.pk, 1), (late.pk, 2), (other.pk, 3)]
    mine = api(cast.pavel).get(URL).json()
    assert (mine["count"], mine["results"][0]["position"]) == (1, 2)


def test_who_wants_another_therapist_stands_in_nobodys_way(cast: Cast, api: Api) -> None:
    wait(cast.pia, therapist_id=cast.tara.pk)
    mine = wait(cast.pavel, therapist_id=cast.theo.pk)
    assert api(cast.pavel).get(one(mine)).json()["position"] == 1


def test_who_has_left_has_no_position(cast: Cast, api: Api) -> None:
    entry = wait(cast.pia)
    answer = api(cast.pia).post(one(entry, "deactivate"))
    assert (answer.status_code, answer.json()["is_active"], answer.json()["position"]) == (200, False, None)
    again = api(cast.pia).post(one(entry, "deactivate"))
    assert (again.status_code, again.json()["errors"][0]["code"]) == (409, "invalid_transition")
    assert again.json()["current"]["is_active"] is False
    assert api(cast.olive).get(URL, {"is_active": "true"}).json()["count"] == 0


@pytest.mark.parametrize("query", [{"therapist": "x"}, {"preferred_date": "soon"}, {"is_active": "perhaps"}])
def test_an_unknown_filter_value_is_a_400(cast: Cast, api: Api, query: dict[str, str]) -> None:
    assert api(cast.olive).get(URL, query).status_code == 400


def test_the_list_is_read_in_a_constant_number_of_queries(cast: Cast, api: Api) -> None:
    held(cast)
    olive = api(cast.olive)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            assert olive.get(URL).status_code == 200
        counts.append(len(asked))
        for _ in range(5):
            wait(cast.pia, therapist_id=cast.theo.pk)
    assert counts[0] == counts[1]


def test_the_patient_sees_what_is_held_and_takes_it(cast: Cast, api: Api) -> None:
    entry, pavel = held(cast), api(cast.pavel)
    shown = pavel.get(one(entry)).json()
    assert (shown["notified"], shown["offer"]["therapist_name"]) == (True, "Theo")
    assert shown["offer_expires_at"] == shown["offer"]["expires_at"]
    answer = pavel.post(one(entry, "accept_offer"), {"offer": shown["offer"]["id"]}, format="json")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["status"], made["origin"], made["therapist"], made["start"]) == (
        "pending",
        "patient",
        cast.theo.pk,
        shown["offer"]["start"],
    )
    assert pavel.get(one(entry)).json()["offer"] is None


def test_while_it_is_held_the_slot_is_full_for_others(cast: Cast, api: Api) -> None:
    entry = held(cast)
    slot = WaitingOffer.objects.get(entry=entry).time_slot_id
    shown = api(cast.pia).get(f"/api/appointments/time-slots/{slot}/").json()
    assert (shown["is_booked"], shown["can_book"], shown["current_appointments"]) == (True, False, 0)
    body = {"time_slot": slot, "start": START.isoformat()}
    answer = api(cast.pia).post("/api/appointments/appointments/", body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "slot_full")


def test_an_answer_after_the_time_is_a_409_with_the_entry_as_it_is(cast: Cast, api: Api) -> None:
    entry = held(cast)
    WaitingOffer.objects.update(expires_at=timezone.now())
    for action in ("accept_offer", "decline_offer"):
        answer = api(cast.pavel).post(one(entry, action))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "deadline_passed")
        assert answer.json()["current"]["id"] == entry.pk
    assert not Appointment.objects.filter(patient=cast.pavel).exists()


def test_a_declined_place_is_free_and_the_entry_waits_on(cast: Cast, api: Api) -> None:
    entry = held(cast)
    answer = api(cast.pavel).post(one(entry, "decline_offer"))
    assert (answer.status_code, answer.json()["is_active"], answer.json()["offer"]) == (200, True, None)


def test_without_an_offer_an_answer_is_a_409(cast: Cast, api: Api) -> None:
    answer = api(cast.pia).post(one(wait(cast.pia), "accept_offer"))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "invalid_transition")


def test_a_repeated_answer_with_its_key_takes_the_place_once(cast: Cast, api: Api) -> None:
    entry, pavel = held(cast), api(cast.pavel)
    answers = [pavel.post(one(entry, "accept_offer"), HTTP_IDEMPOTENCY_KEY="tap") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert Appointment.objects.filter(patient=cast.pavel).count() == 1


def test_an_operator_notifies_by_hand_and_both_are_told(cast: Cast, api: Api) -> None:
    entry = wait(cast.pavel)
    slot = slot_around(cast.theo, START)
    answer = api(cast.olive).post(one(entry, "notify"), {"time_slot": slot.pk}, format="json")
    assert (answer.status_code, answer.json()["notified"]) == (200, True)
    assert answer.json()["offer"]["time_slot"] == slot.pk
    drain_outbox()
    told = Notification.objects.filter(type="waitlist_offer")
    assert set(told.values_list("recipient", flat=True)) == {cast.olive.pk, cast.otto.pk, cast.pavel.pk}
    again = api(cast.olive).post(one(entry, "notify"))
    assert again.status_code == 409


def test_a_patient_changes_the_wish_but_not_the_priority(cast: Cast, api: Api) -> None:
    entry, pia = wait(cast.pia), api(cast.pia)
    assert pia.patch(one(entry), {"priority": 1}, format="json").status_code == 403
    answer = pia.patch(one(entry), {"preferred_time_start": "10:00", "doctor": cast.tara.pk}, format="json")
    assert (answer.json()["preferred_time_start"], answer.json()["therapist"]) == ("10:00:00", cast.tara.pk)
    assert api(cast.olive).patch(one(entry), {"priority": 1}, format="json").json()["priority"] == 1


def test_the_messages_say_who_and_name_nobody_else(cast: Cast, api: Api) -> None:
    held(cast)
    drain_outbox()
    notes = "/api/scheduling/notifications/"
    (mine,) = api(cast.pavel).get(notes, {"after": 0}).json()["results"]
    assert mine["message"] == "A place with Dr. Theo is held for you: take it before somebody else may."
    assert (mine["data"]["patient"]["name"], mine["data"]["therapist"]["name"]) == ("Pavel", "Theo")
    told = api(cast.olive).get(notes, {"after": 0}).json()["results"]
    (staff,) = [event for event in told if event["type"] == "waitlist_offer"]
    assert staff["message"] == "A place with Theo is held for Pavel, who waits for one."
    assert "Pia" not in str(mine)
