"""What happens by itself: expiry, warning, lapse, miss."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from appointments import machine
from appointments.models import Appointment, AppointmentLog, Assignment, AssignmentStatus
from appointments.services import assignment, sweeps
from appointments.services.delivery import record_notified
from appointments.transitions import State, state_of
from tests.appointments.moves import (
    AT_DEADLINE,
    NOW,
    SOON,
    START,
    chosen,
    confirmed,
    denied,
    fresh,
    ids,
    minutes,
    new,
    new_for,
    offered,
    open_request,
    rejected,
    watched,
)
from tests.support.cast import Cast

JUST_BEFORE = AT_DEADLINE - timedelta(microseconds=1)


def test_an_offer_expires_exactly_at_its_deadline(cast: Cast) -> None:
    pk = offered(cast).pk
    assert sweeps.expire_due(JUST_BEFORE).appointments == []
    assert sweeps.expire_due(AT_DEADLINE).appointments == [pk]


def test_an_expiry_is_recorded_once_as_the_systems_and_told_to_all(cast: Cast) -> None:
    pk = offered(cast).pk
    with watched() as left:
        sweeps.expire_due(AT_DEADLINE)
        sweeps.expire_due(AT_DEADLINE)
    assert [(log.action, log.performed_by_id) for log in left().logs] == [("auto_cancelled", None)]
    assert left().events == {
        "appointment_auto_cancelled": ids(cast.olive, cast.otto, cast.theo, cast.pia),
    }
    after = fresh(pk)
    assert (state_of(after), after.auto_cancelled_at, after.response_deadline) == (
        State.AUTO_CANCELLED,
        AT_DEADLINE,
        None,
    )


def test_an_expiry_frees_the_time_of_both(cast: Cast) -> None:
    offered(cast)
    sweeps.expire_due(AT_DEADLINE)
    assert offered(cast).therapist_id == cast.theo.pk


def test_an_expired_offer_ends_its_assignment(cast: Cast) -> None:
    pk = offered(cast).pk
    sweeps.expire_due(AT_DEADLINE)
    over = Assignment.objects.get(appointment_id=pk)
    assert (over.status, over.ended_at) == (AssignmentStatus.EXPIRED, AT_DEADLINE)


def test_an_edited_deadline_moves_the_expiry(cast: Cast) -> None:
    pk = offered(cast).pk
    Appointment.objects.filter(pk=pk).update(response_deadline=NOW + minutes(1))
    assert sweeps.expire_due(NOW + minutes(1)).appointments == [pk]


def test_a_changed_policy_moves_no_running_deadline(cast: Cast, settings: Settings) -> None:
    offered(cast)
    settings.DEFAULT_RESPONSE_TIMEOUT_MINUTES = 1
    assert sweeps.expire_due(NOW + minutes(2)).appointments == []


def test_with_auto_cancel_off_nothing_expires_by_itself(cast: Cast, settings: Settings) -> None:
    settings.AUTO_CANCEL_ENABLED = False
    offered(cast)
    assert sweeps.expire_due(AT_DEADLINE).appointments == []


def test_with_auto_cancel_off_the_button_still_acts(cast: Cast, settings: Settings) -> None:
    settings.AUTO_CANCEL_ENABLED = False
    pk = offered(cast).pk
    assert sweeps.expire_due(AT_DEADLINE, manual=True).appointments == [pk]


def test_a_patients_expired_choice_becomes_an_open_request(cast: Cast) -> None:
    pk = chosen(cast).pk
    assert sweeps.expire_due(AT_DEADLINE).appointments == [pk]
    after = fresh(pk)
    assert (state_of(after), after.open, after.origin, after.opened_at) == (State.UNASSIGNED, True, None, AT_DEADLINE)


def test_a_patients_expired_choice_is_told_as_unassigned_to_the_patient_too(cast: Cast) -> None:
    chosen(cast)
    with watched() as left:
        sweeps.expire_due(AT_DEADLINE)
    assert [log.action for log in left().logs] == ["unassigned"]
    everybody = ids(cast.olive, cast.otto, cast.theo, cast.tara, cast.pia)
    assert left().events == {"appointment_unassigned": everybody}


def test_an_offer_and_a_patients_choice_expire_at_once_each_in_its_own_way(cast: Cast) -> None:
    offer, choice = offered(cast).pk, chosen(cast, start=START + minutes(60)).pk
    assert sorted(sweeps.expire_due(AT_DEADLINE).appointments) == [offer, choice]
    assert [state_of(fresh(pk)) for pk in (offer, choice)] == [State.AUTO_CANCELLED, State.UNASSIGNED]
    assert [fresh(pk).auto_cancelled_at for pk in (offer, choice)] == [AT_DEADLINE, None]


def test_without_open_requests_a_patients_expired_choice_just_needs_a_therapist(cast: Cast, settings: Settings) -> None:
    settings.OPEN_REQUESTS = False
    pk = chosen(cast).pk
    sweeps.expire_due(AT_DEADLINE)
    assert (state_of(fresh(pk)), fresh(pk).open) == (State.UNASSIGNED, False)


def test_on_timeout_the_search_begins_where_that_is_wanted(cast: Cast, settings: Settings) -> None:
    settings.AUTO_REASSIGN_ON_TIMEOUT = True
    pk = offered(cast).pk
    with watched() as left:
        sweeps.expire_due(AT_DEADLINE)
    assert state_of(fresh(pk)) is State.UNASSIGNED
    assert fresh(pk).search_id is not None
    assert [log.action for log in left().logs] == ["auto_cancelled", "unassigned"]
    assert "reassign" in left().tasks


def test_one_bad_row_never_stops_a_sweep(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = offered(cast).pk
    good = new_for(cast.pavel, cast.olive, cast.tara).pk
    real = machine.apply_many

    def failing(name: str, *args: object, **kwargs: object) -> list[Appointment]:
        moved = real(name, *args, **kwargs)  # type: ignore[arg-type]
        if bad in {appointment.pk for appointment in moved}:
            raise RuntimeError("a row that cannot be moved")
        return moved

    monkeypatch.setattr(machine, "apply_many", failing)
    assert sweeps.expire_due(AT_DEADLINE).appointments == [good]
    assert state_of(fresh(bad)) is State.OFFERED


def test_more_rows_than_a_batch_are_all_done(cast: Cast) -> None:
    first = offered(cast).pk
    second = new_for(cast.pavel, cast.olive, cast.tara).pk
    done: list[int] = []

    def one_at_a_time(rows: object, limit: int) -> list[Appointment]:
        moved = machine.apply_many("expire", AT_DEADLINE, limit=limit)
        done.extend(appointment.pk for appointment in moved)
        return moved

    sweeps.in_batches("expire", one_at_a_time, lambda rows: Appointment.objects.none(), size=1)
    assert done == [first, second]


def test_each_batch_happens_at_a_moment_of_its_own(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = offered(cast).pk, new_for(cast.pavel, cast.olive, cast.tara).pk
    monkeypatch.setattr(sweeps, "in_batches", partial(sweeps.in_batches, size=1))
    moments = (AT_DEADLINE + minutes(passed) for passed in count(1))
    assert sweeps.expire_due(AT_DEADLINE, clock=lambda: next(moments)).appointments == [first, second]
    assert [fresh(pk).auto_cancelled_at for pk in (first, second)] == [AT_DEADLINE, AT_DEADLINE + minutes(1)]


def test_what_is_overdue_longest_comes_first(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    shorter, longer = offered(cast).pk, new_for(cast.pavel, cast.olive, cast.tara).pk
    Appointment.objects.filter(pk=longer).update(response_deadline=NOW + minutes(1))
    monkeypatch.setattr(sweeps, "in_batches", partial(sweeps.in_batches, size=1))
    assert sweeps.expire_due(AT_DEADLINE).appointments == [longer, shorter]


@pytest.mark.parametrize(
    ("made", "sweep", "when"),
    [
        (offered, sweeps.expire_due, AT_DEADLINE),
        (chosen, sweeps.expire_due, AT_DEADLINE),
        (offered, sweeps.warn_due, AT_DEADLINE - minutes(1)),
        (confirmed, sweeps.miss_due, START + timedelta(days=9)),
        (new, sweeps.lapse_due, START + timedelta(days=9)),
    ],
    ids=("expire", "expire_request", "warn", "miss", "lapse"),
)
def test_a_sweep_asks_as_much_for_one_row_as_for_many(
    cast: Cast,
    settings: Settings,
    made: Callable[..., Appointment],
    sweep: Callable[[datetime], object],
    when: datetime,
) -> None:
    settings.AUTO_DISABLE_THERAPISTS = False
    asked = []
    for number in (1, 4):
        for place in range(number):
            made(cast, start=START + minutes(60 * place + 240 * number))
        with CaptureQueriesContext(connection) as queries:
            sweep(when)
        asked.append([query["sql"].partition(" ")[0] for query in queries])
    assert asked[0] == asked[1]


def test_the_warning_comes_at_warn_at_to_operators_and_therapist(cast: Cast) -> None:
    pk = offered(cast).pk
    due = fresh(pk).warn_at
    assert due == AT_DEADLINE - minutes(10)
    assert sweeps.warn_due(due - timedelta(seconds=1)) == []
    with watched() as left:
        assert sweeps.warn_due(due) == [pk]
    assert left().events == {"deadline_approaching": ids(cast.olive, cast.otto, cast.theo)}
    assert left().tasks == ["send_offer"]
    assert [log.action for log in left().logs] == ["warned"]


def test_an_offer_is_warned_of_once(cast: Cast) -> None:
    offered(cast)
    sweeps.warn_due(AT_DEADLINE - minutes(10))
    assert sweeps.warn_due(AT_DEADLINE - minutes(9)) == []


def test_an_extended_offer_is_warned_of_again(cast: Cast) -> None:
    pk = offered(cast).pk
    sweeps.warn_due(AT_DEADLINE - minutes(10))
    assignment.extend(pk, 10, cast.theo, AT_DEADLINE - minutes(9))
    assert sweeps.warn_due(AT_DEADLINE - minutes(1)) == []
    assert sweeps.warn_due(AT_DEADLINE) == [pk]


def test_nobody_is_warned_after_an_answer(cast: Cast) -> None:
    confirmed(cast)
    assert sweeps.warn_due(AT_DEADLINE - minutes(5)) == []


def test_what_nobody_began_is_missed_when_the_grace_is_over(cast: Cast) -> None:
    pk = confirmed(cast).pk
    assert sweeps.miss_due(START + minutes(30) - timedelta(microseconds=1)) == []
    with watched() as left:
        assert sweeps.miss_due(START + minutes(30)) == [pk]
    assert left().events == {"appointment_missed": ids(cast.olive, cast.otto, cast.theo, cast.pia)}
    assert [(log.action, log.performed_by_id) for log in left().logs] == [("missed", None)]
    assert fresh(pk).missed_at == START + minutes(30)


def test_an_upheld_duty_can_be_missed_too(cast: Cast) -> None:
    pk = denied(cast).pk
    assert sweeps.miss_due(START + minutes(30)) == [pk]


@pytest.mark.parametrize("make", [new, open_request, rejected])
def test_what_has_no_therapist_by_its_start_lapses(cast: Cast, make: object) -> None:
    pk = make(cast).pk  # type: ignore[operator]
    assert sweeps.lapse_due(START - timedelta(microseconds=1)) == []
    assert sweeps.lapse_due(START) == [pk]
    after = fresh(pk)
    assert (state_of(after), after.cancellation_reason, after.open) == (State.CANCELLED, "not staffed in time", False)
    assert AppointmentLog.objects.filter(appointment_id=pk).first().action == "cancelled"  # type: ignore[union-attr]


def test_a_lapsed_rejection_is_told_to_all_three(cast: Cast) -> None:
    rejected(cast)
    with watched() as left:
        sweeps.lapse_due(START)
    assert left().events == {"appointment_cancelled": ids(cast.olive, cast.otto, cast.theo, cast.pia)}


def test_what_was_deleted_is_left_alone(cast: Cast) -> None:
    pk = offered(cast).pk
    Appointment.objects.filter(pk=pk).update(hidden_at=SOON)
    assert sweeps.expire_due(AT_DEADLINE).appointments == []


def test_only_deadlines_within_the_horizon_are_armed(cast: Cast) -> None:
    offered(cast)
    live = Assignment.objects.get()
    assert sweeps.deadlines_to_arm(NOW, minutes(29)) == []
    assert sweeps.deadlines_to_arm(NOW, minutes(30)) == [live.pk]


def test_a_deadline_that_was_armed_is_not_armed_again_by_the_sweep(cast: Cast) -> None:
    offered(cast)
    Assignment.objects.update(armed_for=AT_DEADLINE)
    assert sweeps.deadlines_to_arm(NOW, minutes(60)) == []


def test_an_expiry_after_the_offer_was_told_suspends(cast: Cast) -> None:
    offered(cast)
    record_notified(Assignment.objects.values_list("pk", flat=True), NOW)
    assert sweeps.expire_due(AT_DEADLINE).disabled_therapists == [cast.theo.pk]
