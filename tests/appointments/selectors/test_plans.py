"""Hot queries are read from an index that PostgreSQL chooses by itself, in a clinic with some history."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.selectors.calendar import calendar_of
from appointments.services import sweeps
from tests.support.crowd import Crowd, make_crowd
from tests.support.hot_queries import QUERIES

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans otherwise"),
]
SEQUENTIAL = "Seq Scan on appointments_appointment", "Seq Scan on appointments_timeslot"


@pytest.fixture(scope="module")
def crowd(django_db_setup: None, django_db_blocker: Any) -> Iterator[Crowd]:
    """Written once for all plans."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_crowd(40, 8_000, slot_days=10)
        transaction.set_rollback(True)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.mark.parametrize("name", QUERIES)
def test_a_hot_query_is_read_from_an_index(crowd: Crowd, now: datetime, name: str) -> None:
    ask, indexes = QUERIES[name]
    plan = ask(crowd, now).explain()
    assert not any(scan in plan for scan in SEQUENTIAL), plan
    assert any(f" {index} " in plan for index in indexes), plan


@pytest.mark.parametrize(
    "name", ["an operator's first page", "an operator's newest", "an operator's open work", "an operator's completed"]
)
def test_a_page_is_read_in_the_order_of_its_index(crowd: Crowd, now: datetime, name: str) -> None:
    plan = QUERIES[name][0](crowd, now).explain()
    assert "Sort" not in plan, plan


@pytest.mark.parametrize("name", ["an operator's day", "what was unpaid yesterday"])
def test_rows_of_other_days_are_passed_over_in_the_index(crowd: Crowd, now: datetime, name: str) -> None:
    plan = QUERIES[name][0](crowd, now).explain()
    by_index = [line for line in plan.splitlines() if "Index Cond" in line]
    assert any("appointment_date" in line for line in by_index), plan


def test_an_operators_calendar_is_read_from_an_index(crowd: Crowd, now: datetime) -> None:
    with CaptureQueriesContext(connection) as queries:
        calendar_of(crowd.operator, now)
    for query in list(queries):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plan = str(cursor.fetchall())
        assert not any(scan in plan for scan in SEQUENTIAL), plan


@pytest.mark.parametrize("sweep", [sweeps.expire_due, sweeps.miss_due, sweeps.lapse_due])
def test_a_sweep_is_read_in_the_order_of_an_index_of_what_is_open(
    crowd: Crowd, now: datetime, sweep: Callable[[datetime], object]
) -> None:
    with CaptureQueriesContext(connection) as queries:
        sweep(now)
    claims = [query["sql"] for query in queries if query["sql"].endswith("SKIP LOCKED")]
    assert claims
    for claim in claims:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = off")  # dear where many are due
            cursor.execute(f"EXPLAIN {claim}")
            plan = str(cursor.fetchall())
            cursor.execute("SET LOCAL enable_sort = on")
        assert not any(scan in plan for scan in (*SEQUENTIAL, "appointments_appointment_pkey")), plan


def test_without_its_index_a_hot_query_reads_the_table(crowd: Crowd, now: datetime) -> None:
    ask, _ = QUERIES["who is free"]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX appointment_busy")
        plan = ask(crowd, now).explain()
        transaction.set_rollback(True)
    assert "appointment_busy" not in plan
