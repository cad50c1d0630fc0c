"""Slots in Django admin: looked at by institution, published many at once through the service."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from appointments.models import TimeSlot
from tests.appointments.admin.conftest import Desk
from tests.support.cast import Cast, at

LIST = "/admin/appointments/timeslot/"
PUBLISH = f"{LIST}publish/"
DAY = (timezone.now() + timedelta(days=5)).date()


def asked(cast: Cast, **changed: Any) -> dict[str, Any]:
    """A morning of the next week in slots of half an hour."""
    return {
        "therapist": cast.theo.pk,
        "start_date": f"{DAY}",
        "end_date": f"{DAY + timedelta(days=6)}",
        "start_time": "09:00",
        "end_time": "12:00",
        "slot_duration_minutes": 30,
        "break_duration_minutes": 0,
        "max_appointments_per_slot": 2,
        **changed,
    }


def test_slots_are_shown_by_institution(cast: Cast, desk: Desk) -> None:
    for therapist in (cast.theo, cast.heiko):
        TimeSlot.objects.create(
            therapist=therapist, date=at(24), start_time="09:00", end_time="10:00", start=at(24), end=at(25)
        )
    shown = desk(cast.olive).get(LIST).context["cl"]
    assert [slot.therapist for slot in shown.result_list] == [cast.theo]


def test_the_list_leads_to_publishing_many(cast: Cast, desk: Desk) -> None:
    assert f'href="{PUBLISH}"' in desk(cast.olive).get(LIST).content.decode()
    assert "Places in each slot" in desk(cast.olive).get(PUBLISH).content.decode()


def test_many_are_published_and_clashes_left_out(cast: Cast, desk: Desk) -> None:
    first = asked(cast, end_date=f"{DAY}", end_time="10:00")
    desk(cast.olive).post(PUBLISH, first)
    page = desk(cast.olive).post(PUBLISH, asked(cast), follow=True).content.decode()
    assert "40 slots published, 2 left out" in page
    made = TimeSlot.objects.filter(therapist=cast.theo)
    assert (made.count(), set(made.values_list("max_appointments", flat=True))) == (42, {2})


def test_only_the_chosen_weekdays_are_published(cast: Cast, desk: Desk) -> None:
    desk(cast.ada).post(PUBLISH, asked(cast, weekdays=[0, 2]))
    assert {slot.date.weekday() for slot in TimeSlot.objects.all()} == {0, 2}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"end_date": "2020-01-01"}, "last day lies before the first"),
        ({"end_date": "2999-01-01"}, "days ahead"),
        ({"slot_duration_minutes": 500}, "No slot fits"),
        ({"slot_duration_minutes": 1}, "greater than or equal to 5"),
        ({"start_time": "soon"}, "Enter a valid time"),
    ],
)
def test_a_refusal_stands_at_the_form_and_publishes_nothing(
    cast: Cast, desk: Desk, changed: dict[str, Any], said: str
) -> None:
    assert said in desk(cast.olive).post(PUBLISH, asked(cast, **changed)).content.decode()
    assert not TimeSlot.objects.exists()


def test_operators_publish_for_their_own_therapists_alone(cast: Cast, desk: Desk) -> None:
    page = desk(cast.olive).get(PUBLISH).content.decode()
    assert ("Theo" in page, "Heiko" in page) == (True, False)
    desk(cast.olive).post(PUBLISH, asked(cast, therapist=cast.heiko.pk))
    assert not TimeSlot.objects.exists()
    desk(cast.ada).post(PUBLISH, asked(cast, therapist=cast.heiko.pk))
    assert TimeSlot.objects.filter(therapist=cast.heiko).exists()


def test_who_may_not_enter_publishes_nothing(cast: Cast, desk: Desk) -> None:
    assert desk(cast.theo).post(PUBLISH, asked(cast)).status_code == 302
    assert not TimeSlot.objects.exists()
