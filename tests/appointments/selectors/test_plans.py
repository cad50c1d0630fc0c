"""Hot queries are read from an index that PostgreSQL chooses by itself, in a clinic with some history."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.api.filters import filtered
from appointments.policy import current_policy
from appointments.selectors.calendar import calendar_of
from appointments.selectors.conflicts import containing_slots, patient_bookings, therapist_bookings
from appointments.selectors.free_therapists import therapists_free_at
from appointments.selectors.meetings import meetings_of
from appointments.selectors.slots import bookable_slots, slots_for
from appointments.selectors.visibility import visible_to
from appointments.services.due import due_for
from core.accounts.models import User
from tests.support.crowd import Crowd, make_crowd

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans otherwise"),
]
SEQUENTIAL = "Seq Scan on appointments_appointment", "Seq Scan on appointments_timeslot"
Asked = Callable[[Crowd, datetime], QuerySet[Any]]


@pytest.fixture(scope="module")
def crowd(django_db_setup: None, django_db_blocker: Any) -> Iterator[Crowd]:
    """Written once for all plans."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_crowd(40, 8_000, slot_days=10)
        transaction.set_rollback(True)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def listed(reader: User, query: str, now: datetime) -> QuerySet[Any]:
    """A page of appointments as the dashboards ask for it."""
    return filtered(visible_to(reader, now), QueryDict(query), reader, now)[:20]


def due(name: str) -> Asked:
    return lambda crowd, now: due_for((name,), now, current_policy())[:500]


def in_ten_days(now: datetime) -> tuple[datetime, datetime]:
    start = now + timedelta(days=10)
    return start, start + timedelta(minutes=30)


QUERIES: dict[str, tuple[Asked, tuple[str, ...]]] = {
    "an operator's first page": (lambda crowd, now: listed(crowd.operator, "", now), ("appointment_list",)),
    "an operator's newest": (
        lambda crowd, now: listed(crowd.operator, "ordering=-start", now),
        ("appointment_list",),
    ),
    "an operator's day": (
        lambda crowd, now: listed(crowd.operator, f"date_from={now.date()}&date_to={now.date()}", now),
        ("appointment_list", "appointment_by_status"),
    ),
    "what was searched for": (
        lambda crowd, now: listed(crowd.operator, "search=39", now),
        ("appointment_by_patient", "appointment_list"),
    ),
    "what waits for an answer": (
        lambda crowd, now: listed(crowd.operator, "status=pending", now),
        ("appointment_by_status", "appointment_unfinished"),
    ),
    "what is overdue": (lambda crowd, now: listed(crowd.operator, "overdue=true", now), ("appointment_due",)),
    "an operator's meetings": (lambda crowd, now: meetings_of(crowd.operator, now)[:20], ("appointment_list",)),
    "a therapist's pending ones": (
        lambda crowd, now: listed(crowd.a_therapist(), "filter=pending", now),
        ("appointment_by_therapist", "appointment_open"),
    ),
    "a patient's": (lambda crowd, now: listed(crowd.a_patient(), "", now), ("appointment_by_patient",)),
    "who is free": (
        lambda crowd, now: therapists_free_at(crowd.institution, *in_ten_days(now), now),
        ("appointment_busy",),
    ),
    "places of a day": (
        lambda crowd, now: bookable_slots(crowd.therapist, crowd.last_day, 30, now),
        ("slot_by_day", "appointment_by_therapist"),
    ),
    "slots of everybody": (lambda crowd, now: slots_for(crowd.operator, now)[:20], ("slot_list",)),
    "the slot around a time": (
        lambda crowd, now: containing_slots(crowd.therapist, *in_ten_days(now)),
        ("slot_by_therapist", "slot_starts_once"),
    ),
    "is the therapist booked": (
        lambda crowd, now: therapist_bookings(crowd.therapist, *in_ten_days(now), None, but=None),
        ("appointment_by_therapist", "appointment_busy"),
    ),
    "is the patient booked": (
        lambda crowd, now: patient_bookings(crowd.patient, *in_ten_days(now), but=None),
        ("appointment_by_patient",),
    ),
    "deadlines that have come": (due("expire"), ("appointment_due",)),
    "warnings that have come": (due("warn"), ("appointment_to_warn",)),
    "meetings that were missed": (due("miss"), ("appointment_unfinished",)),
    "requests that lapse": (due("lapse"), ("appointment_unfinished",)),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_hot_query_is_read_from_an_index(crowd: Crowd, now: datetime, name: str) -> None:
    ask, indexes = QUERIES[name]
    plan = ask(crowd, now).explain()
    assert not any(scan in plan for scan in SEQUENTIAL), plan
    assert any(f" {index} " in plan for index in indexes), plan


@pytest.mark.parametrize("name", ["an operator's first page", "an operator's newest"])
def test_a_page_is_read_in_the_order_of_its_index(crowd: Crowd, now: datetime, name: str) -> None:
    plan = QUERIES[name][0](crowd, now).explain()
    assert "Sort" not in plan, plan


def test_an_operators_calendar_is_read_from_an_index(crowd: Crowd, now: datetime) -> None:
    with CaptureQueriesContext(connection) as queries:
        calendar_of(crowd.operator, now)
    for query in list(queries):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plan = str(cursor.fetchall())
        assert not any(scan in plan for scan in SEQUENTIAL), plan


def test_without_its_index_a_hot_query_reads_the_table(crowd: Crowd, now: datetime) -> None:
    ask, _ = QUERIES["who is free"]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX appointment_busy")
        plan = ask(crowd, now).explain()
        transaction.set_rollback(True)
    assert "appointment_busy" not in plan
