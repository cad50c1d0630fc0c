"""Conditions of our own."""

from django.db.models import Q
from pytest_django import DjangoAssertNumQueries

from core.accounts.models import User
from core.lookups import AnyOf
from tests.support.cast import Cast


def test_any_of_selects_the_rows_with_one_of_the_ids(cast: Cast) -> None:
    wanted = [cast.theo.pk, cast.pia.pk]
    assert set(User.objects.filter(AnyOf("pk", [*wanted, 0])).values_list("pk", flat=True)) == set(wanted)


def test_any_of_nothing_selects_nothing_and_asks_nothing(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert not User.objects.filter(AnyOf("pk", [])).exists()


def test_any_of_nothing_is_left_out_beside_another_condition(cast: Cast) -> None:
    rows = User.objects.filter(Q(AnyOf("pk", [])) | Q(pk=cast.theo.pk)).annotate(one=AnyOf("pk", []))
    assert [(row.pk, row.one) for row in rows] == [(cast.theo.pk, False)]
    assert "IN (" not in str(rows.query) and "ANY" not in str(rows.query)


def test_any_of_many_ids_is_one_parameter(cast: Cast) -> None:
    _, parameters = User.objects.filter(AnyOf("pk", range(5_000))).query.sql_with_params()
    assert len(parameters) == 1
