"""Another time: the old one ends, a successor takes its place."""

from datetime import timedelta

import pytest

from appointments.errors import DoubleBooked, InvalidInput, TherapistUnavailable
from appointments.models import AppointmentLog, Assignment, AssignmentStatus, Origin
from appointments.services.rescheduling import Rescheduled, reschedule
from appointments.transitions import State, state_of
from core.accounts.models import User
from core.outbox.models import OutboxEntry
from tests.appointments.moves import (
    AFTER,
    NOW,
    SOON,
    START,
    chosen,
    confirmed,
    denied,
    fresh,
    minutes,
    missed,
    new,
    new_for,
    offered,
    open_request,
    slot_around,
)
from tests.support.cast import Cast

NEXT = START + timedelta(days=2)


def moved(pk: int, actor: User) -> Rescheduled:
    return reschedule(pk, NEXT, actor, SOON)


def test_the_successor_is_of_the_same_meeting_and_names_its_predecessor(cast: Cast) -> None:
    old, successor = moved(confirmed(cast).pk, cast.pia)
    assert (successor.meeting_id, successor.rescheduled_from_id) == (old.meeting_id, old.pk)
    assert successor.appointment_id != old.appointment_id
    assert (old.status, successor.start) == ("rescheduled", NEXT)


@pytest.mark.parametrize("make", [confirmed, denied])
def test_what_was_accepted_stays_confirmed_with_the_same_therapist(cast: Cast, make: object) -> None:
    successor = moved(make(cast).pk, cast.olive).new_appointment  # type: ignore[operator]
    assert (state_of(successor), successor.therapist_id) == (State.CONFIRMED, cast.theo.pk)
    assert Assignment.objects.get(appointment=successor).status == AssignmentStatus.ACCEPTED


def test_what_was_missed_is_confirmed_again(cast: Cast) -> None:
    successor = reschedule(missed(cast).pk, NEXT, cast.pia, AFTER).new_appointment
    assert state_of(successor) is State.CONFIRMED


@pytest.mark.parametrize(("make", "origin"), [(offered, Origin.OPERATOR), (chosen, Origin.PATIENT)])
def test_a_waiting_offer_is_made_anew_with_the_same_origin_and_a_full_clock(
    cast: Cast, make: object, origin: Origin
) -> None:
    successor = moved(make(cast).pk, cast.pia).new_appointment  # type: ignore[operator]
    assert (state_of(successor), successor.origin, successor.response_deadline) == (
        State.OFFERED,
        origin,
        SOON + minutes(30),
    )


@pytest.mark.parametrize(("make", "is_open"), [(new, False), (open_request, True)])
def test_what_had_no_therapist_has_none(cast: Cast, make: object, is_open: bool) -> None:
    successor = moved(make(cast).pk, cast.pia).new_appointment  # type: ignore[operator]
    assert (state_of(successor), successor.open) == (State.UNASSIGNED, is_open)


def test_each_of_the_two_gets_one_audit_row(cast: Cast) -> None:
    pk = confirmed(cast).pk
    before = AppointmentLog.objects.count()
    old, successor = moved(pk, cast.pia)
    assert AppointmentLog.objects.count() == before + 2
    assert AppointmentLog.objects.filter(appointment=old)[0].action == "rescheduled"
    assert [log.action for log in AppointmentLog.objects.filter(appointment=successor)] == ["created"]


def test_the_event_is_the_successors_and_names_the_old_one(cast: Cast) -> None:
    old, successor = moved(confirmed(cast).pk, cast.pia)
    fact = OutboxEntry.objects.get(kind="appointment_rescheduled").payload
    assert (fact["appointment"], fact["data"]) == (successor.pk, {"old_appointment_id": old.pk})


def test_attachment_follows_to_the_slot_of_the_new_time(cast: Cast) -> None:
    before, after = slot_around(cast.theo, START), slot_around(cast.theo, NEXT)
    moved(confirmed(cast).pk, cast.pia)
    before.refresh_from_db()
    after.refresh_from_db()
    assert (before.current_appointments, after.current_appointments) == (0, 1)


def test_it_may_move_into_its_own_old_time(cast: Cast) -> None:
    pk = confirmed(cast).pk
    assert reschedule(pk, START + minutes(15), cast.pia, SOON).new_appointment.pk


def test_a_taken_time_is_refused_and_nothing_changes(cast: Cast) -> None:
    pk = confirmed(cast).pk
    new_for(cast.pavel, cast.olive, cast.theo, start=NEXT)
    with pytest.raises(DoubleBooked):
        moved(pk, cast.pia)
    assert state_of(fresh(pk)) is State.CONFIRMED


def test_the_past_is_refused(cast: Cast) -> None:
    pk = confirmed(cast).pk
    with pytest.raises(InvalidInput):
        reschedule(pk, NOW, cast.pia, SOON)


def test_with_a_suspended_therapist_it_stays_where_it_is(cast: Cast) -> None:
    pk = confirmed(cast).pk
    User.objects.filter(pk=cast.theo.pk).update(is_active=False)
    with pytest.raises(TherapistUnavailable):
        moved(pk, cast.pia)
    assert state_of(fresh(pk)) is State.CONFIRMED
