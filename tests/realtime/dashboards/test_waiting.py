"""The patient's side of the waiting list: join from the booking page, answer what is held, leave."""

import pytest
from django.test import Client
from django.utils import timezone

from appointments.models import Appointment, WaitingList, WaitingOffer
from appointments.services import attendance, waiting_list
from tests.realtime.dashboards.test_patient import publish, when
from tests.support.cast import Cast, book

pytestmark = pytest.mark.once


@pytest.fixture
def pia(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.pia)
    return client


@pytest.fixture
def held(cast: Cast) -> WaitingOffer:
    """A place of Theo's that became free and is held for Pia."""
    publish(cast.theo)
    taken = book(cast.pavel, cast.olive, therapist=cast.theo, hours=48)
    day = taken.appointment_date
    waiting_list.join(waiting_list.Wish(patient=cast.pia, preferred_date=day), cast.pia, timezone.now())
    attendance.cancel(taken.pk, "Travel", cast.pavel, timezone.now())
    return WaitingOffer.objects.get()


def test_joining_takes_what_was_chosen_for_booking(cast: Cast, pia: Client) -> None:
    asked = {**when(), "provider_id": cast.theo.pk, "appointment_type": "follow_up", "notes": "Mornings"}
    assert pia.post("/patient/waiting/join/", asked)["Location"] == "/patient/?tab=waiting"
    entry = WaitingList.objects.get()
    assert (entry.patient, entry.therapist, entry.reason) == (cast.pia, cast.theo, "Mornings")
    page = pia.get("/patient/?tab=waiting").content.decode()
    assert "Leave the list" in page
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("wrong", [{"date": ""}, {"date": "2020-01-01"}], ids=["none", "past"])
def test_a_day_that_will_not_do_is_told_at_its_field(cast: Cast, pia: Client, wrong: dict[str, str]) -> None:
    answer = pia.post("/patient/waiting/join/", {**when(), "notes": "Kept", **wrong})
    assert answer.status_code == 400
    assert 'id="date-error"' in answer.content.decode()
    assert "Kept" in answer.content.decode()
    assert not WaitingList.objects.exists()


def test_a_held_place_is_shown_and_taken(cast: Cast, pia: Client, held: WaitingOffer) -> None:
    assert "is held for you until" in pia.get("/patient/?tab=waiting").content.decode()
    answer = pia.post(f"/patient/waiting/{held.entry_id}/take/", {"offer": held.pk})
    assert answer["Location"] == "/patient/"
    made = Appointment.objects.get(patient=cast.pia)
    assert (made.therapist, made.status, made.origin) == (cast.theo, "pending", "patient")


def test_a_place_is_left_to_the_next_and_the_entry_stays(pia: Client, held: WaitingOffer) -> None:
    pia.post(f"/patient/waiting/{held.entry_id}/pass/", {"offer": held.pk})
    held.refresh_from_db()
    assert held.status == "declined"
    assert WaitingList.objects.get().is_active


def test_leaving_ends_the_wait(pia: Client, held: WaitingOffer) -> None:
    pia.post(f"/patient/waiting/{held.entry_id}/leave/")
    assert not WaitingList.objects.get().is_active
    assert "You are not on the waiting list" in pia.get("/patient/?tab=waiting").content.decode()


def test_a_place_that_is_no_longer_held_is_said(pia: Client, held: WaitingOffer) -> None:
    pia.post(f"/patient/waiting/{held.entry_id}/pass/", {"offer": held.pk})
    page = pia.post(f"/patient/waiting/{held.entry_id}/take/", {"offer": held.pk}, follow=True).content.decode()
    assert '<div class="toast">' in page
    assert not Appointment.objects.filter(patient__first_name="Pia").exists()


@pytest.mark.parametrize("word", ["take", "pass", "leave", "steal"])
def test_nobody_answers_for_somebody_else(cast: Cast, held: WaitingOffer, word: str) -> None:
    pavel = Client()
    pavel.force_login(cast.pavel)
    assert pavel.post(f"/patient/waiting/{held.entry_id}/{word}/").status_code == 404
