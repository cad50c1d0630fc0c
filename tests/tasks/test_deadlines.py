"""The ETA tasks: the first acts on everything that is due, none does harm early, late or twice."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from appointments.models import Appointment, Assignment
from appointments.services import assignment
from tasks import deadlines
from tasks.deadlines import JUST_NOW, expire_assignment, warn_assignment
from tests.support.cast import Cast, offer
from tests.tasks.moves import audited, live, many_overdue, overdue, status


@pytest.fixture(autouse=True)
def no_sweep_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "_last", deadlines.LastSweep())


@pytest.fixture(autouse=True)
def nobody_is_suspended(settings: Settings) -> None:
    settings.AUTO_DISABLE_THERAPISTS = False


def test_the_task_of_an_overdue_offer_expires_it(cast: Cast) -> None:
    appointment = overdue(cast)
    assert expire_assignment(live(appointment).pk) == 1
    assert status(appointment) == "auto_cancelled"


def test_the_first_task_acts_on_all_that_are_due_and_the_others_find_nothing(cast: Cast) -> None:
    many_overdue(cast, [cast.theo, cast.tara], 8, timezone.now())
    ids = list(Assignment.objects.values_list("pk", flat=True))
    assert [expire_assignment(pk) for pk in ids] == [8, 0, 0, 0, 0, 0, 0, 0]


def test_a_task_that_finds_nothing_due_asks_the_database_once(cast: Cast) -> None:
    pk = live(offer(cast)).pk
    with CaptureQueriesContext(connection) as asked:
        expire_assignment(pk)
        warn_assignment(pk)
    assert len(asked) == 2


def with_eta(pk: int, eta: datetime) -> int:
    expire_assignment.push_request(eta=eta.isoformat())
    try:
        return expire_assignment(pk)
    finally:
        expire_assignment.pop_request()


def test_a_task_whose_deadline_a_sweep_has_just_covered_asks_nothing(cast: Cast) -> None:
    pk, due = live(overdue(cast)).pk, timezone.now()
    assert with_eta(pk, due) == 1
    with CaptureQueriesContext(connection) as asked:
        assert with_eta(pk, due) == 0
    assert len(asked) == 0


def test_a_task_whose_deadline_came_after_the_last_sweep_began_sweeps_itself(cast: Cast) -> None:
    with_eta(live(overdue(cast)).pk, timezone.now())
    later = overdue(cast, hours=48)
    assert with_eta(live(later).pk, timezone.now()) == 1


def test_a_sweep_of_long_ago_covers_nothing(cast: Cast) -> None:
    due = timezone.now()
    with_eta(live(overdue(cast)).pk, due)
    changed = overdue(cast, hours=48)
    with time_machine.travel(timezone.now() + JUST_NOW):
        assert with_eta(live(changed).pk, due) == 1


def test_a_sweep_that_failed_covers_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    pk, due = live(overdue(cast)).pk, timezone.now()
    with monkeypatch.context() as broken, pytest.raises(RuntimeError):
        broken.setattr(deadlines, "expire_due", failing)
        with_eta(pk, due)
    assert with_eta(pk, due) == 1


def failing(*args: object, **kwargs: object) -> None:
    raise RuntimeError


def test_a_task_that_fires_early_does_nothing(cast: Cast) -> None:
    appointment = offer(cast)
    assert expire_assignment(live(appointment).pk) == 0
    assert status(appointment) == "pending"


def test_a_task_of_a_deadline_that_was_moved_does_nothing(cast: Cast) -> None:
    appointment = overdue(cast)
    pk = live(appointment).pk
    Appointment.objects.filter(pk=appointment.pk).update(response_deadline=timezone.now() + timedelta(minutes=5))
    assert expire_assignment(pk) == 0
    assert status(appointment) == "pending"


def test_a_task_that_comes_after_the_answer_does_nothing(cast: Cast) -> None:
    appointment = offer(cast)
    pk = live(appointment).pk
    assignment.accept(appointment.pk, cast.theo, timezone.now())
    assert expire_assignment(pk) == 0
    assert status(appointment) == "confirmed"


def test_a_task_of_an_assignment_that_is_gone_does_nothing(cast: Cast) -> None:
    assert expire_assignment(987_654) == 0
    assert warn_assignment(987_654) == 0


def test_a_task_that_runs_twice_expires_once(cast: Cast) -> None:
    appointment = overdue(cast)
    pk = live(appointment).pk
    assert [expire_assignment(pk), expire_assignment(pk)] == [1, 0]
    assert audited(appointment, "auto_cancelled") == 1


def test_nothing_expires_by_itself_while_that_is_switched_off(cast: Cast, settings: Settings) -> None:
    settings.AUTO_CANCEL_ENABLED = False
    appointment = overdue(cast)
    assert expire_assignment(live(appointment).pk) == 0
    assert status(appointment) == "pending"


def test_the_warning_is_given_once_for_all_whose_time_runs_out(cast: Cast) -> None:
    deadline = timezone.now() + timedelta(minutes=5)
    many_overdue(cast, [cast.theo, cast.tara], 4, deadline)
    Appointment.objects.update(warn_at=timezone.now())
    ids = list(Assignment.objects.values_list("pk", flat=True))
    assert [warn_assignment(pk) for pk in ids] == [4, 0, 0, 0]
    assert Assignment.objects.filter(warned_at=None).count() == 0
