"""A prepared query gives what the queryset would, whoever asks, and is built once."""

import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from appointments.api import rendering
from appointments.machine import checks, holding, writing
from appointments.models import Appointment, Assignment
from appointments.policy import current_policy
from appointments.services import offers, suspension, sweeps
from appointments.services.due import _one_overdue
from appointments.transitions import State
from core.accounts import authentication
from core.accounts import services as accounts
from core.accounts.models import User
from core.lookups import AnyOf
from core.prepared import parts, prepared, prepared_update
from tests.appointments.moves import NOW, START, minutes, slot_around
from tests.support.cast import Cast, offer
from tests.support.threads import at_once

BUILT, RENAMED = [], []


@prepared
def named(name: str) -> QuerySet[User]:
    BUILT.append(name)
    return User.objects.filter(username=name).select_related("institution")


@prepared
def begun_before(moment: object, how_many: int) -> QuerySet[Appointment]:
    later = moment + timedelta(hours=1) - timedelta(minutes=30)  # type: ignore[operator]
    return Appointment.objects.filter(start__lt=later, version__lte=how_many)


@prepared
def locked(pk: int) -> QuerySet[User]:
    return User.objects.select_for_update().filter(pk=pk)


@prepared_update
def renamed(pk: int, names: dict[str, str | None]) -> tuple[QuerySet[User], dict[str, Any]]:
    RENAMED.append(names)
    columns = (("first_name", False), ("away_until", True))
    return User.objects.filter(pk=pk), parts(names, columns) | {"session_epoch": F("session_epoch") + 1}


def test_each_update_writes_values_of_its_own_and_is_built_once(cast: Cast) -> None:
    epoch = cast.theo.session_epoch
    assert renamed(cast.theo.pk, {"first_name": "Thea"}) == 1
    assert renamed(cast.tara.pk, {"first_name": "Tom"}) == 1
    assert renamed(0, {"first_name": "Nobody"}) == 0
    assert len(RENAMED) == 1
    people = User.objects.filter(pk__in=[cast.theo.pk, cast.tara.pk]).order_by("pk")
    assert [(one.first_name, one.session_epoch) for one in people] == [("Thea", epoch + 1), ("Tom", epoch + 1)]


@prepared_update
def called(pk: int, name: str) -> tuple[QuerySet[User], dict[str, Any]]:
    return User.objects.filter(pk=pk), {"username": name}


def test_an_update_that_fails_takes_its_transaction_back(cast: Cast) -> None:
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            called(cast.theo.pk, cast.tara.username)
        assert transaction.get_rollback()


def test_each_call_has_values_of_its_own_and_the_query_is_built_once(cast: Cast) -> None:
    assert named("theo") == [cast.theo]
    assert named("pia") == [cast.pia]
    assert named("nobody") == []
    assert len(BUILT) == 1


def test_relations_come_with_the_rows(cast: Cast, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    named("theo")
    with django_assert_num_queries(1):
        assert named("olive")[0].institution == cast.clinic


def test_nothing_is_kept_of_what_was_found(cast: Cast) -> None:
    named("theo")
    User.objects.filter(pk=cast.theo.pk).update(first_name="Thea")
    assert named("theo")[0].first_name == "Thea"


def test_a_time_is_moved_by_what_was_added_to_it(cast: Cast) -> None:
    visit = offer(cast)
    half_an_hour = timedelta(minutes=30)
    assert begun_before(visit.start - half_an_hour + timedelta(microseconds=1), 9) == [visit]
    assert begun_before(visit.start - half_an_hour, 9) == []


@pytest.mark.django_db(transaction=True)
def test_threads_do_not_get_in_each_others_way(cast: Cast, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(partial(sys.setswitchinterval, sys.getswitchinterval()))
    sys.setswitchinterval(1e-6)  # as often as can be
    people = [cast.theo, cast.pia, cast.olive, cast.tara]

    def ask(person: User) -> bool:
        try:
            return all(named(person.username) == [person] for _ in range(50))
        finally:
            connection.close()

    assert at_once([lambda person=person: ask(person) for person in people]) == [True] * 4


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_a_transaction_is_refused_every_time(cast: Cast) -> None:
    for _ in range(2):
        with pytest.raises(TransactionManagementError):
            locked(cast.theo.pk)


def test_a_call_without_a_value_is_refused(cast: Cast) -> None:
    with pytest.raises(ValueError, match="shorter"):
        begun_before(NOW)  # type: ignore[call-arg]


def sentences(asked: CaptureQueriesContext) -> list[str]:
    return [entry["sql"].replace("(", "").replace(")", "") for entry in asked.captured_queries]


def asks_like(query: Callable[[], list[Any]], rows: QuerySet[Any]) -> None:
    """The first time, when it is built, and the second."""
    with CaptureQueriesContext(connection) as asked:
        found = query(), query(), list(rows)
    first, again, plain = sentences(asked)
    assert first == again == plain
    assert found[0] == found[1] == found[2]


def undone(write: Callable[[], int]) -> int:
    with transaction.atomic():
        number = write()
        transaction.set_rollback(True)
    return number


def test_those_in_use_ask_what_their_querysets_ask(cast: Cast) -> None:
    visit, now, theos = offer(cast), timezone.now(), [cast.theo.pk]
    slot_around(cast.theo, START, 30)
    period = (cast.theo.pk, START, START + minutes(30))
    for query, values in (
        (authentication._tokens, ("abcdefgh",)),
        (checks._locked, (visit.pk,)),
        (offers._locked, (cast.theo.pk, cast.clinic.pk)),
        (offers._time_off, period),
        (offers._slots_with_place, period),
        (holding._held_for_waiting, period),
        (rendering._history, (visit.pk,)),
        (_one_overdue(current_policy()), (now,)),
        (accounts._locked_active, (theos,)),
        (suspension._unsettled, ()),
        (suspension._latest_breaker, (cast.clinic.pk,)),
        (suspension._suspensions, (cast.clinic.pk, now)),
        (suspension._with_an_offer, (cast.clinic.pk,)),
        (sweeps._had_full_time, (now,)),
        (sweeps._had_full_time_and_were_told, (now,)),
    ):
        asks_like(partial(query, *values), query.build(*values))


def test_a_sweep_asks_for_what_its_rows_of_the_table_say(cast: Cast) -> None:
    now, theos = offer(cast).start, [cast.theo.pk]
    for names, where, values in (
        (("expire", "expire_request"), None, ()),
        (("warn",), None, ()),
        (("withdraw",), suspension._not_overdue, (theos, now)),
    ):
        asked = (names, current_policy(), 9, "id", False)
        condition = where(*values) if where else Q()
        asks_like(partial(writing._due(*asked, where=where), now, values), writing._locked(now, condition, *asked))


def test_those_that_write_write_what_an_update_would(cast: Cast) -> None:
    visit, now, theos = offer(cast), timezone.now(), [cast.theo.pk]
    moved = {"status": "cancelled", "response_deadline": None, "cancelled_at": now, "cancellation_reason": "ill"}
    ended = {"status": "withdrawn", "ended_at": now}
    sources = frozenset({State.OFFERED, State.UNASSIGNED})
    for update, values, rows, written in (
        (
            writing._guarded(sources, writing._columns(moved), bumps=True),
            ([visit.pk], {1, 2}, moved, now),
            Appointment.objects.filter(
                State.UNASSIGNED.where | State.OFFERED.where, AnyOf("pk", [visit.pk]), AnyOf("version", {1, 2})
            ),
            {**moved, "version": F("version") + 1, "updated_at": now},
        ),
        (
            writing._live_assignments(writing._columns(ended)),
            ([visit.pk], ended),
            Assignment.objects.filter(AnyOf("appointment_id", [visit.pk]), ended_at__isnull=True),
            ended,
        ),
        (accounts._end_access, (theos, "ill", now), *accounts._end_access.build(theos, "ill", now)),
        (suspension._blame, ([visit.pk], theos, now), *suspension._blame.build([visit.pk], theos, now)),
    ):
        with CaptureQueriesContext(connection) as asked:
            numbers = [undone(partial(update, *values)), undone(partial(update, *values))]
            numbers.append(undone(partial(rows.update, **written)))
        first, again, plain = (each for each in sentences(asked) if each.startswith("UPDATE"))
        assert first == again == plain
        assert len(set(numbers)) == 1
