"""Searching looks people and services up first, within the reader's own institution."""

import pytest
from django.db import connection
from django.db.models import Q
from pytest_django import DjangoAssertNumQueries

from appointments.models import Appointment, Service
from appointments.selectors import searching
from core.accounts.models import User
from tests.support.cast import Cast, book
from tests.support.crowd import make_crowd

pytestmark = pytest.mark.django_db


def found(words: str, reader: User) -> set[int]:
    rows = Appointment.objects.filter(searching.found_by(words, reader, Q()))
    return set(rows.values_list("pk", flat=True))


@pytest.fixture
def visit(cast: Cast) -> Appointment:
    """Pia's with Theo, beside one of hers that nobody has yet."""
    User.objects.filter(pk=cast.pia.pk).update(first_name="Pia", last_name="Sommer")
    User.objects.filter(pk=cast.theo.pk).update(first_name="Theodor")
    book(cast.pia, cast.olive, hours=30)
    return book(cast.pia, cast.olive, therapist=cast.theo)


@pytest.mark.parametrize("words", ["theodor", "THEO", "theod sommer", "sommer theod"])
def test_every_word_must_be_found_in_the_name_of_one_of_its_people(cast: Cast, visit: Appointment, words: str) -> None:
    assert found(words, cast.olive) == {visit.pk}


@pytest.mark.parametrize("words", ["theodor winter", "nobody"])
def test_a_word_that_is_nowhere_finds_nothing(cast: Cast, visit: Appointment, words: str) -> None:
    assert found(words, cast.olive) == set()


def test_a_word_may_name_the_service_or_the_id(cast: Cast, visit: Appointment) -> None:
    swimming = Service.objects.create(institution=cast.clinic, name="Swimming", duration_minutes=30)
    Appointment.objects.filter(pk=visit.pk).update(service=swimming)
    assert found("swim", cast.olive) == {visit.pk}
    assert found(f"{visit.pk} sommer", cast.olive) == {visit.pk}


def test_names_and_services_of_other_institutions_are_not_looked_up(cast: Cast, visit: Appointment) -> None:
    foreign = Service.objects.create(institution=cast.hill, name="Swimming", duration_minutes=30)
    Appointment.objects.filter(pk=visit.pk).update(service=foreign)
    assert found("swim", cast.olive) == set()
    assert found("theodor", cast.xander) == set()
    assert found("swim", cast.ada) == {visit.pk}


def test_very_many_namesakes_are_found_as_well(cast: Cast, visit: Appointment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST", 0)
    assert found("theodor sommer", cast.olive) == {visit.pk}


def test_any_number_of_words_is_looked_up_in_one_query(
    cast: Cast, visit: Appointment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        searching.found_by("a b c d", cast.olive, Q())
    assert found(" ", cast.olive) == set(Appointment.objects.values_list("pk", flat=True))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no index for parts of words")
def test_names_are_looked_up_in_their_index() -> None:
    operator = make_crowd(250, 250).operator
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('user_names')")  # as autovacuum does
    plan = searching.people_named("173", operator).explain()
    assert plan.count(" user_names ") == 3, plan
