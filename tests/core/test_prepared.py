"""A prepared query gives what the queryset would, whoever asks, and is built once."""

import sys
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from appointments.api import rendering
from appointments.machine import checks, holding, writing
from appointments.models import Appointment
from appointments.policy import current_policy
from appointments.services import offers, suspension, sweeps
from core.accounts import authentication
from core.accounts.models import User
from core.liveness import services
from core.prepared import prepared
from tests.appointments.moves import NOW, START, minutes, slot_around
from tests.support.cast import Cast, offer
from tests.support.threads import at_once

BUILT = []


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


def test_those_in_use_ask_what_their_querysets_ask(cast: Cast) -> None:
    visit, now = offer(cast), timezone.now()
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
        (writing._all_due(("expire", "expire_request"), current_policy(), 9, "id", True), (now,)),
        (writing._all_due(("warn",), current_policy(), 9, "id", True), (now,)),
        (services._silent, (now,)),
        (suspension._unsettled, ()),
        (suspension._latest_breaker, (cast.clinic.pk,)),
        (sweeps._had_full_time, (now,)),
        (sweeps._had_full_time_and_were_told, (now,)),
    ):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            found = query(*values), query(*values), list(query.build(*values))
        first, again, plain = (entry["sql"].replace("(", "").replace(")", "") for entry in asked.captured_queries)
        assert first == again == plain
        assert found[0] == found[1] == found[2], (query, now)
