"""New appointments: an offer, a request to somebody, a request to everybody."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from appointments.errors import DoubleBooked, InvalidInput, SlotFull, TherapistUnavailable
from appointments.models import Appointment, AppointmentLog, Assignment, Origin
from appointments.services.booking import Booking, book
from appointments.transitions import State, state_of
from core.accounts.models import User
from tests.appointments.moves import AT_DEADLINE, NOW, START, ids, minutes, new_for, slot_around, watched
from tests.support.cast import Cast


def booked(patient: User, actor: User, start: datetime = START, **wishes: Any) -> Appointment:
    return book(Booking(patient=patient, start=start, **wishes), actor, NOW)


def test_an_operators_booking_with_a_therapist_is_an_offer(cast: Cast) -> None:
    made = booked(cast.pia, cast.olive, therapist_id=cast.theo.pk)
    assert (state_of(made), made.origin, made.response_deadline) == (State.OFFERED, Origin.OPERATOR, AT_DEADLINE)
    assert Assignment.objects.get(appointment=made).therapist == cast.theo


def test_a_patients_booking_with_a_therapist_is_an_offer_of_the_patients_choice(cast: Cast) -> None:
    made = booked(cast.pia, cast.pia, therapist_id=cast.theo.pk)
    assert (state_of(made), made.origin, made.open) == (State.OFFERED, Origin.PATIENT, False)


def test_a_patients_booking_without_a_therapist_is_an_open_request(cast: Cast) -> None:
    made = booked(cast.pia, cast.pia)
    assert (state_of(made), made.open, made.opened_at) == (State.UNASSIGNED, True, NOW)


def test_without_open_requests_a_patients_booking_waits_for_an_operator(cast: Cast, settings: Settings) -> None:
    settings.OPEN_REQUESTS = False
    assert not booked(cast.pia, cast.pia).open


def test_an_operators_booking_without_a_therapist_is_not_open(cast: Cast) -> None:
    assert not booked(cast.pia, cast.olive).open


def test_a_booking_with_a_therapist_sends_only_new_appointment(cast: Cast) -> None:
    with watched() as left:
        booked(cast.pia, cast.olive, therapist_id=cast.theo.pk)
    assert left().events == {"new_appointment": ids(cast.olive, cast.otto, cast.theo)}
    assert left().tasks == ["arm_deadline"]


def test_an_open_request_is_told_to_everybody_who_could_take_it(cast: Cast) -> None:
    new_for(cast.pavel, cast.olive, cast.tara)
    with watched() as left:
        booked(cast.pia, cast.pia)
    assert left().events == {"new_appointment": ids(cast.olive, cast.otto, cast.theo)}


def test_a_booking_leaves_one_audit_row(cast: Cast) -> None:
    made = booked(cast.pia, cast.olive)
    (log,) = AppointmentLog.objects.filter(appointment=made)
    assert (log.action, log.performed_by, log.timestamp) == ("created", cast.olive, NOW)


@pytest.mark.parametrize("start", [NOW, NOW - minutes(1)])
def test_the_past_cannot_be_booked(cast: Cast, start: datetime) -> None:
    with pytest.raises(InvalidInput) as refused:
        booked(cast.pia, cast.olive, start)
    assert refused.value.code == "past"


def test_bookings_end_at_the_horizon(cast: Cast, settings: Settings) -> None:
    settings.BOOKING_HORIZON_DAYS = 10
    assert booked(cast.pia, cast.olive, NOW + timedelta(days=10)).pk
    with pytest.raises(InvalidInput):
        booked(cast.pavel, cast.olive, NOW + timedelta(days=10, seconds=1))


def test_date_and_time_are_those_of_the_institution(cast: Cast) -> None:
    made = booked(cast.pia, cast.olive, datetime.fromisoformat("2031-03-04T20:30:00+00:00"))
    assert (f"{made.appointment_date}", f"{made.appointment_time}") == ("2031-03-05", "01:30:00")


def test_a_patient_cannot_be_in_two_places(cast: Cast) -> None:
    booked(cast.pia, cast.olive)
    with pytest.raises(DoubleBooked):
        booked(cast.pia, cast.olive, START + minutes(29))


def test_a_therapist_cannot_be_in_two_places(cast: Cast) -> None:
    booked(cast.pia, cast.olive, therapist_id=cast.theo.pk)
    with pytest.raises(DoubleBooked):
        booked(cast.pavel, cast.olive, START - minutes(29), therapist_id=cast.theo.pk)


def test_a_refused_booking_leaves_nothing(cast: Cast) -> None:
    booked(cast.pia, cast.olive)
    with watched() as left, pytest.raises(DoubleBooked):
        booked(cast.pia, cast.olive)
    assert left() == ([], {}, [])
    assert Appointment.objects.count() == 1


# Slots ---------------------------------------------------------------------------------------------------------------


def test_a_booking_attaches_to_the_slot_that_contains_it(cast: Cast) -> None:
    slot = slot_around(cast.theo, START, 60)
    made = booked(cast.pia, cast.pia, START + minutes(15), therapist_id=cast.theo.pk)
    assert made.time_slot_id == slot.pk


def test_a_slot_names_its_therapist(cast: Cast) -> None:
    slot = slot_around(cast.theo, START)
    assert booked(cast.pia, cast.pia, time_slot_id=slot.pk).therapist_id == cast.theo.pk


def test_a_full_slot_is_refused(cast: Cast) -> None:
    slot = slot_around(cast.theo, START)
    booked(cast.pia, cast.pia, time_slot_id=slot.pk)
    with pytest.raises(SlotFull):
        booked(cast.pavel, cast.pavel, time_slot_id=slot.pk)


def test_a_patient_is_bound_to_the_published_time(cast: Cast) -> None:
    slot_around(cast.theo, START + minutes(120))
    with pytest.raises(TherapistUnavailable):
        booked(cast.pia, cast.pia, therapist_id=cast.theo.pk)


def test_an_operator_is_not_bound_to_the_published_time(cast: Cast) -> None:
    slot_around(cast.theo, START + minutes(120))
    assert booked(cast.pia, cast.olive, therapist_id=cast.theo.pk).therapist_id == cast.theo.pk


def test_after_the_last_published_day_a_patient_is_bound_to_nothing(cast: Cast) -> None:
    slot_around(cast.theo, START - timedelta(days=1, hours=-2))
    assert booked(cast.pia, cast.pia, therapist_id=cast.theo.pk).time_slot_id is None


def test_another_therapists_slot_is_bad_input(cast: Cast) -> None:
    slot = slot_around(cast.theo, START)
    with pytest.raises(InvalidInput) as refused:
        booked(cast.pia, cast.pia, therapist_id=cast.tara.pk, time_slot_id=slot.pk)
    assert refused.value.attr == "time_slot"


def test_a_slot_that_does_not_contain_the_time_is_bad_input(cast: Cast) -> None:
    slot = slot_around(cast.theo, START)
    with pytest.raises(InvalidInput):
        booked(cast.pia, cast.pia, START + minutes(10), time_slot_id=slot.pk)


def test_a_slot_of_another_institution_is_unknown(cast: Cast) -> None:
    slot = slot_around(cast.heiko, START)
    with pytest.raises(InvalidInput) as refused:
        booked(cast.pia, cast.pia, time_slot_id=slot.pk)
    assert refused.value.code == "does_not_exist"
