"""Conditions of our own."""

from core.accounts.models import User
from core.lookups import AnyOf
from tests.support.cast import Cast


def test_any_of_selects_the_rows_with_one_of_the_ids(cast: Cast) -> None:
    wanted = [cast.theo.pk, cast.pia.pk]
    assert set(User.objects.filter(AnyOf("pk", [*wanted, 0])).values_list("pk", flat=True)) == set(wanted)


def test_any_of_nothing_selects_nothing(cast: Cast) -> None:
    assert not User.objects.filter(AnyOf("pk", [])).exists()


def test_any_of_many_ids_is_one_parameter(cast: Cast) -> None:
    _, parameters = User.objects.filter(AnyOf("pk", range(5_000))).query.sql_with_params()
    assert len(parameters) == 1
