"""One change, one audit row; the log is append-only and tells everything."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from appointments.models import Appointment, AppointmentLog
from appointments.services import assignment, attendance, reassign, reassignment, sweeps
from appointments.transitions import State
from tests.appointments.moves import AT_DEADLINE, IN_STATE, SOON, START, chosen, confirmed, fresh, offered
from tests.appointments.replay import present, replayed
from tests.support.cast import Cast


def agrees(pk: int) -> bool:
    told = replayed(pk)
    return told == present(pk, set(told))


@pytest.mark.parametrize("state", State, ids=lambda state: state.value)
def test_the_replayed_log_is_the_present_state(cast: Cast, state: State) -> None:
    pk = IN_STATE[state](cast).pk
    assert agrees(pk)
    assert {"status", "version", "therapist", "start", "response_deadline"} <= set(replayed(pk))


def test_the_replayed_log_of_a_long_story_is_the_present_state(cast: Cast) -> None:
    pk = chosen(cast).pk
    sweeps.expire_due(AT_DEADLINE)
    reassign.reassign(pk, cast.olive, AT_DEADLINE)
    search_id = fresh(pk).search_id
    assert search_id is not None
    reassignment.search(pk, search_id, AT_DEADLINE)
    assignment.extend(pk, 5, cast.tara, AT_DEADLINE)
    assignment.claim(pk, cast.otto, AT_DEADLINE)
    assignment.accept(pk, cast.tara, AT_DEADLINE)
    attendance.update(pk, {"notes": "quiet room", "duration_minutes": 45}, cast.olive, AT_DEADLINE)
    attendance.mark_paid(pk, cast.olive, AT_DEADLINE, "card", Decimal(60))
    attendance.start(pk, cast.tara, START)
    attendance.complete(pk, cast.tara, START + timedelta(minutes=45), notes="went well")
    assert agrees(pk)
    assert fresh(pk).status == "completed"


def test_an_unlogged_change_shows_in_the_replay(cast: Cast) -> None:
    pk = confirmed(cast).pk
    Appointment.objects.filter(pk=pk).update(therapist=cast.tara)
    assert not agrees(pk)


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_refuses_to_rewrite_the_log(cast: Cast, change: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the trigger is PostgreSQL's")
    rows = AppointmentLog.objects.filter(appointment=offered(cast))
    rewrite = {"update": lambda: rows.update(notes="never happened"), "delete": rows._raw_delete}[change]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rewrite(*(["default"] if change == "delete" else []))


def test_archiving_alone_may_move_rows_out(cast: Cast) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the trigger is PostgreSQL's")
    rows = AppointmentLog.objects.filter(appointment=offered(cast))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL appointments.archiving = 'on'")
        rows._raw_delete("default")
    assert not rows.exists()


def test_the_log_is_read_newest_first(cast: Cast) -> None:
    pk = assignment.accept(offered(cast).pk, cast.theo, SOON).pk
    actions = AppointmentLog.objects.filter(appointment_id=pk).values_list("action", flat=True)
    assert list(actions) == ["confirmed", "assigned", "created"]
