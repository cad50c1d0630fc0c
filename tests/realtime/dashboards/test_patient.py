"""The patient's pages work by forms alone: book, see, move, cancel."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone, translation

from appointments.models import Appointment, TimeSlot
from appointments.services import assignment
from core.accounts.models import User
from realtime.dashboards.times import elsewhere
from tests.support.cast import Cast, at, book

pytestmark = pytest.mark.once

KARACHI = ZoneInfo("Asia/Karachi")
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def pia(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.pia)
    return client


def when(hours: float = 48) -> dict[str, str]:
    local = at(hours).astimezone(KARACHI)
    return {"date": local.date().isoformat(), "time": f"{local:%H:%M}"}


def publish(therapist: User, hours: float = 48) -> TimeSlot:
    start = at(hours)
    local = start.astimezone(KARACHI)
    return TimeSlot.objects.create(
        therapist=therapist,
        date=local.date(),
        start_time=local.time(),
        end_time=(local + timedelta(minutes=30)).time(),
        start=start,
        end=start + timedelta(minutes=30),
    )


def test_booking_without_a_preference_is_an_open_request(cast: Cast, pia: Client) -> None:
    answer = pia.post("/schedule", {**when(), "appointment_type": "consultation", "notes": "My knee"})
    assert (answer.status_code, answer["Location"]) == (302, "/patient/")
    made = Appointment.objects.get()
    assert (made.patient, made.therapist, made.open) == (cast.pia, None, True)
    assert (made.appointment_type, made.notes, made.start) == ("consultation", "My knee", at(48))


def test_booking_with_a_provider_waits_for_that_one(cast: Cast, pia: Client) -> None:
    pia.post("/schedule", {**when(), "provider_id": cast.theo.pk})
    made = Appointment.objects.get()
    assert (made.therapist, made.status, made.origin) == (cast.theo, "pending", "patient")
    page = pia.get("/patient/").content.decode()
    assert "Request sent. You will hear by" in page
    assert "Waiting for Theo." in page


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"date": ""}, "Choose a date"),
        ({"time": "soon"}, "Enter a time"),
        ({"date": "2020-01-01"}, "already passed"),
        ({"provider_id": "999999"}, "err"),
        ({"notes": "x" * 5_001}, "err"),
    ],
    ids=["no date", "no time", "past", "unknown provider", "long notes"],
)
def test_a_mistake_is_told_at_its_field_and_the_answers_stay(
    cast: Cast, pia: Client, wrong: dict[str, str], words: str
) -> None:
    answer = pia.post("/schedule", {**when(), "notes": "Kept <b>words</b>", **wrong})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert "notes" in wrong or "Kept &lt;b&gt;words&lt;/b&gt;" in page
    assert not Appointment.objects.exists()


def test_the_house_says_what_to_do_in_an_emergency(cast: Cast, pia: Client, settings: Any) -> None:
    assert "call your local emergency number" in pia.get("/schedule").content.decode()
    settings.EMERGENCY_TEXT = "Call 115 <now>"
    page = pia.get("/schedule").content.decode()
    assert "Call 115 &lt;now&gt;" in page
    assert "call your local emergency number" not in page


def test_looking_up_times_books_nothing_and_offers_what_is_free(cast: Cast, pia: Client) -> None:
    publish(cast.theo)
    full = publish(cast.tara, 49)
    TimeSlot.objects.filter(pk=full.pk).update(current_appointments=1, is_booked=True)
    page = pia.post("/schedule", {**when(), "show": "1"}).content.decode()
    assert f'name="time" value="{when()["time"]}"' in page
    assert f'value="{when(49)["time"]}"' not in page
    assert not Appointment.objects.exists()


def test_a_time_that_was_just_taken_is_said_and_the_answers_stay(cast: Cast, pia: Client) -> None:
    publish(cast.theo)
    book(cast.pavel, cast.olive, therapist=cast.theo, hours=48)
    answer = pia.post("/schedule", {**when(), "provider_id": cast.theo.pk, "notes": "Kept"})
    assert answer.status_code == 400
    assert "Your answers are kept" in answer.content.decode()
    assert Appointment.objects.filter(patient=cast.pia).count() == 0


def test_a_time_that_was_just_taken_is_said_in_the_readers_language(cast: Cast, pia: Client) -> None:
    book(cast.pavel, cast.olive, therapist=cast.theo, hours=48)
    wanted = {**when(), "provider_id": cast.theo.pk}
    assert "Another appointment lies at that time." not in pia.post("/schedule", wanted).content.decode()
    with translation.override("ar"):
        meaning = translation.gettext("Another appointment lies at that time.")
    assert meaning != "Another appointment lies at that time."
    assert meaning in pia.post("/schedule?lang=ar", wanted).content.decode()


def test_the_free_times_nearest_to_a_taken_one_are_named(cast: Cast, pia: Client) -> None:
    noon = (timezone.now().astimezone(KARACHI) + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
    until_noon = (noon - timezone.now()).total_seconds() / 3_600 + 0.01
    for hours in (-4, -2, 1, 5):
        publish(cast.theo, until_noon + hours)
    book(cast.pavel, cast.olive, therapist=cast.theo, hours=until_noon)
    wanted = {"date": noon.date().isoformat(), "time": "12:00", "provider_id": cast.theo.pk}
    named = re.search(r"Free nearby:(.*?)</p>", pia.post("/schedule", wanted).content.decode())
    assert named
    assert re.findall(r"\d\d:\d\d", named[1]) == ["08:00", "10:00", "13:00"]


def test_a_patient_elsewhere_reads_both_clocks(cast: Cast, pia: Client) -> None:
    publish(cast.theo)
    booked = book(cast.pia, cast.olive, hours=50)
    before = pia.get("/patient/").content.decode() + pia.post("/schedule", {**when(), "show": "1"}).content.decode()
    User.objects.filter(pk=cast.pia.pk).update(timezone="Pacific/Auckland")
    listed = pia.get("/patient/").content.decode()
    offered = pia.post("/schedule", {**when(), "show": "1"}).content.decode()
    far = ZoneInfo("Pacific/Auckland")
    assert "Auckland" not in before
    assert f"{booked.start.astimezone(far):%H:%M} Auckland" in listed
    assert f"{at(48).astimezone(far):%H:%M} Auckland" in offered


def test_a_time_that_lies_on_another_day_elsewhere_says_so(cast: Cast) -> None:
    evening = datetime(2030, 1, 1, 23, tzinfo=KARACHI)
    cast.pia.timezone = "Pacific/Auckland"
    assert elsewhere(cast.pia, evening, KARACHI) == ("07:00", "Auckland", 1)
    cast.pia.timezone = "America/New_York"
    assert elsewhere(cast.pia, evening.replace(hour=4), KARACHI) == ("18:00", "New York", -1)
    cast.pia.timezone = "Asia/Tashkent"  # the same clock
    assert elsewhere(cast.pia, evening, KARACHI) is None


def test_another_booking_in_place_of_a_rejected_one_happens_in_one_step(cast: Cast, pia: Client) -> None:
    pia.post("/schedule", {**when(), "provider_id": cast.theo.pk})
    old = Appointment.objects.get()
    assignment.reject(old.pk, reason="Ill", actor=cast.theo, now=timezone.now())
    assert "“Ill”" in pia.get("/patient/").content.decode()
    refused = pia.post("/schedule", {**when(), "date": "2020-01-01", "replaces": old.pk})
    old.refresh_from_db()
    assert (refused.status_code, old.status) == (400, "rejected")
    pia.post("/schedule", {**when(), "replaces": old.pk})
    old.refresh_from_db()
    assert old.status == "cancelled"
    assert Appointment.objects.filter(patient=cast.pia, status="pending").count() == 1


def test_json_is_answered_to_who_asks_for_it(cast: Cast, pia: Client) -> None:
    made = pia.post("/schedule", when(), **JSON)
    assert (made.status_code, made.json()["status"]) == (201, "pending")
    wrong = pia.post("/schedule", {"date": "x"}, **JSON)
    assert wrong.status_code == 400
    assert {error["attr"] for error in wrong.json()["errors"]} == {"date", "time"}


def test_moving_makes_a_successor(cast: Cast, pia: Client) -> None:
    visit = book(cast.pia, cast.olive, therapist=cast.theo)
    assignment.accept(visit.pk, actor=cast.theo, now=timezone.now())
    answer = pia.post(f"/patient/{visit.pk}/reschedule/", {**when(72), "reason": "Travel"})
    assert answer.status_code == 302
    visit.refresh_from_db()
    assert (visit.status, visit.rescheduled_to.start) == ("rescheduled", at(72))


def test_cancelling_needs_a_reason(cast: Cast, pia: Client) -> None:
    visit = book(cast.pia, cast.olive)
    assert "Enter a reason" in pia.post(f"/patient/{visit.pk}/cancel/", {"reason": " "}).content.decode()
    assert pia.post(f"/patient/{visit.pk}/cancel/", {"reason": "Travel"}).status_code == 302
    visit.refresh_from_db()
    assert (visit.status, visit.cancellation_reason) == ("cancelled", "Travel")


@pytest.mark.parametrize("action", ["reschedule", "cancel"])
def test_somebody_elses_appointment_is_not_found(cast: Cast, pia: Client, action: str) -> None:
    visit = book(cast.pavel, cast.olive)
    assert pia.get(f"/patient/{visit.pk}/{action}/").status_code == 404
    assert pia.post(f"/patient/{visit.pk}/{action}/", {**when(), "reason": "x"}).status_code == 404


@pytest.mark.parametrize("tab", ["current", "upcoming", "missed", "completed", "all", "notifications", "nonsense"])
def test_every_tab_opens(cast: Cast, pia: Client, tab: str) -> None:
    book(cast.pia, cast.olive)
    assert pia.get(f"/patient/?tab={tab}").status_code == 200


@pytest.mark.parametrize("path", ["/patient/", "/patient-dashboard", "/schedule"])
def test_the_pages_are_the_patients(cast: Cast, pia: Client, client: Client, path: str) -> None:
    assert client.get(path).status_code == 302
    client.force_login(cast.theo)
    assert client.get(path).status_code == 403
    assert pia.get(path).status_code == 200


def test_payloads_appear_as_text(cast: Cast, pia: Client) -> None:
    evil = "<script>alert(1)</script>\u202e" + "x" * 4_000
    visit = book(cast.pia, cast.olive)
    Appointment.objects.filter(pk=visit.pk).update(cancellation_reason=evil)
    page = pia.get("/patient/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_form_needs_its_csrf_token(cast: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.pia)
    assert strict.post("/schedule", when()).status_code == 403
