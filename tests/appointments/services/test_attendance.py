"""The visit and its end, each at its time."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from appointments.errors import DoubleBooked, InvalidTransition, NotFound, StaleVersion
from appointments.models import Appointment, AppointmentLog, Assignment, AssignmentStatus
from appointments.selectors.visibility import visible_to
from appointments.services import assignment, attendance
from tests.appointments.moves import (
    AFTER,
    NOW,
    SOON,
    START,
    confirmed,
    fresh,
    minutes,
    missed,
    new_for,
    offered,
    rejected,
    slot_around,
    watched,
)
from tests.support.cast import Cast

EARLIEST = START - minutes(15)
A_MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("action", "earliest"),
    [("start", EARLIEST), ("complete", START), ("no_show", START)],
)
def test_an_action_is_taken_from_its_moment_on_and_not_before(cast: Cast, action: str, earliest: datetime) -> None:
    pk = confirmed(cast).pk
    service = getattr(attendance, action)
    with pytest.raises(InvalidTransition):
        service(pk, cast.theo, earliest - A_MOMENT)
    assert service(pk, cast.theo, earliest).pk == pk


def test_starting_notes_the_moment(cast: Cast) -> None:
    assert attendance.start(confirmed(cast).pk, cast.theo, EARLIEST).started_at == EARLIEST


def test_completing_may_replace_the_notes(cast: Cast) -> None:
    done = attendance.complete(confirmed(cast).pk, cast.theo, START, notes="went well")
    assert (done.completed_at, done.notes) == (START, "went well")


def test_completing_without_notes_keeps_them(cast: Cast) -> None:
    pk = confirmed(cast).pk
    attendance.update(pk, {"notes": "by the window"}, cast.theo, SOON)
    assert attendance.complete(pk, cast.theo, START).notes == "by the window"


def test_what_was_missed_can_still_be_completed(cast: Cast) -> None:
    assert attendance.complete(missed(cast).pk, cast.olive, AFTER).status == "completed"


def test_cancelling_notes_who_when_and_why(cast: Cast) -> None:
    gone = attendance.cancel(confirmed(cast).pk, "on holiday", cast.pia, SOON)
    assert (gone.cancellation_reason, gone.cancelled_by_id, gone.cancelled_at) == ("on holiday", cast.pia.pk, SOON)


def test_cancelling_frees_the_time_the_place_and_ends_the_assignment(cast: Cast) -> None:
    slot = slot_around(cast.theo, START)
    pk = confirmed(cast).pk
    attendance.cancel(pk, "ill", cast.pia, SOON)
    slot.refresh_from_db()
    assert slot.current_appointments == 0
    assert Assignment.objects.get(appointment_id=pk).status == AssignmentStatus.CANCELLED
    assert assignment.assign(new_for(cast.pavel, cast.olive).pk, cast.theo.pk, cast.olive, SOON).pk


def test_paying_notes_amount_and_method(cast: Cast) -> None:
    paid = attendance.mark_paid(offered(cast).pk, cast.olive, SOON, "card", Decimal("55.50"))
    assert (paid.is_paid, paid.paid_at, paid.payment_method, paid.consultation_fee) == (
        True,
        SOON,
        "card",
        Decimal("55.50"),
    )


def test_a_deleted_appointment_is_hidden_from_everybody_and_its_audit_stays(cast: Cast) -> None:
    pk = missed(cast).pk
    attendance.delete(pk, cast.theo, AFTER)
    for reader in (cast.pia, cast.theo, cast.olive, cast.ada):
        assert not visible_to(reader, AFTER).filter(pk=pk).exists()
    assert AppointmentLog.objects.filter(appointment_id=pk, action="deleted").count() == 1


def test_a_deleted_appointment_cannot_be_acted_on(cast: Cast) -> None:
    pk = missed(cast).pk
    attendance.delete(pk, cast.theo, AFTER)
    with pytest.raises(InvalidTransition):
        attendance.complete(pk, cast.theo, AFTER)


def test_a_handover_note_is_an_audit_row(cast: Cast) -> None:
    pk = offered(cast).pk
    attendance.hand_over(pk, "she prefers mornings", cast.olive, SOON)
    note = AppointmentLog.objects.filter(appointment_id=pk)[0]
    assert (note.action, note.notes, note.performed_by) == ("noted", "she prefers mornings", cast.olive)


def test_another_duration_is_checked_against_what_comes_next(cast: Cast) -> None:
    pk = offered(cast).pk
    new_for(cast.pavel, cast.olive, cast.theo, start=START + minutes(30))
    with pytest.raises(DoubleBooked):
        attendance.update(pk, {"duration_minutes": 45}, cast.olive, SOON)
    assert attendance.update(pk, {"duration_minutes": 20}, cast.olive, SOON).end == START + minutes(20)


def test_an_edit_is_recorded_with_old_and_new(cast: Cast) -> None:
    pk = offered(cast).pk
    attendance.update(pk, {"notes": "quiet room"}, cast.olive, SOON)
    log = AppointmentLog.objects.filter(appointment_id=pk)[0]
    assert (log.old_values["notes"], log.new_values["notes"]) == ("", "quiet room")


@pytest.mark.parametrize("changes", [{}, {"notes": ""}, {"duration_minutes": 30}])
def test_an_edit_that_changes_nothing_writes_nothing(cast: Cast, changes: dict[str, Any]) -> None:
    before = offered(cast)
    with watched() as left:
        assert attendance.update(before.pk, changes, cast.olive, SOON).version == before.version
    assert (left().logs, left().events) == ([], {})
    assert fresh(before.pk).version == before.version


def test_an_empty_edit_is_refused_where_an_edit_would_be(cast: Cast) -> None:
    pk = rejected(cast).pk
    with pytest.raises(InvalidTransition):
        attendance.update(pk, {}, cast.pia, SOON)
    with pytest.raises(StaleVersion):
        attendance.update(pk, {}, cast.olive, SOON, version=1)


def test_another_institutions_operator_finds_nothing(cast: Cast) -> None:
    pk = confirmed(cast).pk
    with pytest.raises(NotFound):
        attendance.cancel(pk, "mine now", cast.xander, NOW)
    assert fresh(pk).status == "confirmed"
    assert Appointment.objects.get(pk=pk).cancellation_reason == ""
