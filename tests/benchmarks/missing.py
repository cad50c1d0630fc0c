"""P9: the sweep that finds missed meetings, beside one row after another."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.services.sweeps import miss_due
from tests.benchmarks.measuring import Figure, Row, timed
from tests.benchmarks.naive import miss_alone
from tests.benchmarks.population import Clinic, fresh_statistics, make_clinic, settled

PEOPLE = 1_000


def run(quick: bool) -> list[Figure]:
    """As many missed for each, among ten times as many that are still to come."""
    missed = 200 if quick else PEOPLE
    clinic = make_clinic(PEOPLE)
    settled(clinic, missed * 9)
    each, queries = _one_by_one(clinic, missed)
    ours = missed / _sweep(clinic, missed)
    detail = f"{ours:,.0f} rows/s; one by one with {queries} queries a row {each:,.0f}"
    return [Figure("against one row after another", ours / each, 20, detail)]


def _missed(clinic: Clinic, number: int) -> list[int]:
    """Appointments of yesterday that nobody began."""
    yesterday = replace(clinic, first=timezone.now() - timedelta(days=1), places=count())
    made = [row.pk for row in settled(yesterday, number)]
    fresh_statistics()
    return made


def _one_by_one(clinic: Clinic, number: int) -> tuple[float, int]:
    """Rows a second, and the queries of one row."""
    first, *others = _missed(clinic, number)
    with CaptureQueriesContext(connection) as queries:
        miss_alone(first)
    with timed() as watch:
        for pk in others:
            miss_alone(pk)
    return len(others) / watch.seconds, sum("SAVEPOINT" not in query["sql"] for query in queries)


def _sweep(clinic: Clinic, number: int) -> float:
    """The product's own, with the audit row, the Outbox rows and the reminders."""
    _missed(clinic, number)
    with timed() as watch:
        moved = miss_due(timezone.now())
    assert len(moved) == number, "some were left behind"
    return watch.seconds


ROW = Row("P9", "missed sweep, 1,000 of 10,000", run)
