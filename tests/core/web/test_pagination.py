"""A page of a list costs what its rows cost, however many there are behind them."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoAssertNumQueries

from core.accounts.models import User
from core.web import pagination
from tests.conftest import Api
from tests.support.cast import Cast, book

LIST = "/api/scheduling/appointments/"


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    pagination.counts.clear()
    yield
    pagination.counts.clear()


@pytest.fixture
def three(cast: Cast) -> list[int]:
    return [book(cast.pia, cast.olive, hours=hours).pk for hours in (24, 26, 28)]


def page_of(api: Api, reader: User, query: str = "") -> dict[str, object]:
    return api(reader).get(f"{LIST}?{query}").json()


def test_a_first_page_that_is_not_full_is_not_counted(
    cast: Cast, api: Api, three: list[int], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = api(cast.olive)
    client.get(LIST)
    with django_assert_num_queries(3):  # the token, the page, the assignments
        page = client.get(LIST).json()
    assert (page["count"], page["next"], [row["id"] for row in page["results"]]) == (3, None, three)


@pytest.mark.parametrize(("name", "most"), [("olive", 4), ("theo", 5), ("pia", 4)])
def test_a_counted_page_takes_five_queries_at_most(
    cast: Cast, api: Api, django_assert_num_queries: DjangoAssertNumQueries, name: str, most: int
) -> None:
    for hours in (24, 26, 28):
        book(cast.pia, cast.olive, therapist=cast.theo, hours=hours)
    client = api(getattr(cast, name))
    client.get(LIST)
    with django_assert_num_queries(
        most
    ):  # the token, a therapist's open requests, the page, the assignments, the count
        assert client.get(f"{LIST}?page_size=2").json()["count"] == 3


@pytest.mark.parametrize(("size", "more"), [(2, True), (3, False)])
def test_there_is_a_next_page_where_rows_are_left(
    cast: Cast, api: Api, three: list[int], size: int, more: bool
) -> None:
    page = page_of(api, cast.olive, f"page_size={size}")
    assert (page["count"], page["next"] is not None, page["previous"]) == (3, more, None)


def test_the_last_page_has_what_is_left(cast: Cast, api: Api, three: list[int]) -> None:
    page = page_of(api, cast.olive, "page=2&page_size=2")
    assert (page["count"], page["next"], len(page["results"])) == (3, None, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("page", ["0", "3", "two", "9" * 30])
def test_a_page_that_does_not_exist_is_not_found(cast: Cast, api: Api, three: list[int], page: str) -> None:
    assert api(cast.olive).get(f"{LIST}?page_size=2&page={page}").status_code == 404


def test_a_small_count_is_always_of_now(cast: Cast, api: Api, three: list[int]) -> None:
    assert page_of(api, cast.olive, "page_size=1")["count"] == 3
    book(cast.pia, cast.olive, hours=30)
    assert page_of(api, cast.olive, "page_size=1")["count"] == 4


def test_a_large_count_is_kept_for_every_page_of_the_list(
    cast: Cast, api: Api, three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "MANY", 2)
    assert page_of(api, cast.olive, "page_size=1")["count"] == 3
    book(cast.pia, cast.olive, hours=30)
    assert page_of(api, cast.olive, "page_size=1&page=2")["count"] == 3
    pagination.counts.clear()
    assert page_of(api, cast.olive, "page_size=1")["count"] == 4


@pytest.mark.parametrize("query", ["page_size=1&status=pending", "page_size=1"])
def test_a_large_count_is_kept_for_one_reader_and_one_question(
    cast: Cast, api: Api, three: list[int], monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(pagination, "MANY", 2)
    page_of(api, cast.olive, "page_size=1&ordering=-start")
    book(cast.pia, cast.olive, hours=30)
    assert page_of(api, cast.olive, query)["count"] == 4
    assert page_of(api, cast.pia, "page_size=1&ordering=-start")["count"] == 4
