"""P1: the expiry sweep against the same work in plain SQL, and against one transaction for each row."""

import gc
from datetime import timedelta

from django.db import connection
from django.test import override_settings
from django.utils import timezone

from appointments.models import Appointment, Assignment
from appointments.services.sweeps import BATCH, expire_due
from core.accounts.models import User
from core.outbox.models import OutboxEntry
from tests.benchmarks.measuring import Figure, Row, percentile, timed
from tests.benchmarks.naive import expire_alone
from tests.benchmarks.population import Clinic, fresh_statistics, make_clinic, offers, settled

ROUNDS = 3
PLAIN = """
WITH due AS (
    SELECT id FROM appointments_appointment
    WHERE status = 'pending' AND therapist_id IS NOT NULL AND response_deadline <= now()
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE appointments_appointment AS a
    SET status = 'auto_cancelled', auto_cancelled_at = now(), response_deadline = NULL, warn_at = NULL,
        origin = NULL, version = version + 1
    FROM due WHERE a.id = due.id RETURNING a.id
)
INSERT INTO outbox_outboxentry (lane, stream, kind, payload, created_at, available_at, attempts, last_error, request_id)
SELECT 'realtime', 'appointment:' || id, 'appointment_auto_cancelled', jsonb_build_object('appointment', id),
       now(), now(), 0, '', ''
FROM moved
"""


def run(quick: bool) -> list[Figure]:
    """Rounds on one table, each with fresh overdue offers; of each way that of the median counts."""
    table, due, single = (10_000, 2_000, 500) if quick else (100_000, 10_000, 1_000)
    clinic = make_clinic(table // 100)
    settled(clinic, table - due)
    rounds = [(_plain(clinic, due), _sweep(clinic, due)) for _ in range(ROUNDS)]
    plain, ours = (due / percentile(seconds, 50) for seconds in zip(*rounds, strict=True))
    each = single / _one_by_one(clinic, single)
    detail = f"{ours:,.0f} rows/s; plain SQL {plain:,.0f}, one transaction a row {each:,.0f}"
    return [
        Figure("against plain SQL", ours / plain, 1 / 3, detail),
        Figure("against one transaction a row", ours / each, 8, detail),
    ]


def _overdue(clinic: Clinic, number: int) -> None:
    """Offers whose time is over, of therapists of whom nobody is suspended; nothing else is left of the last round."""
    User.objects.filter(is_active=False).update(is_active=True, suspended_at=None)
    OutboxEntry.objects.all().delete()
    offers(clinic, [timezone.now() - timedelta(seconds=1)] * number)
    fresh_statistics()
    gc.collect()  # what made them is no part of what acts on them


def _plain(clinic: Clinic, number: int) -> float:
    """The ceiling: status and one Outbox row, nothing else."""
    _overdue(clinic, number)
    with timed() as watch:
        moved = BATCH
        while moved == BATCH:
            with connection.cursor() as cursor:
                cursor.execute(PLAIN, [BATCH])
                moved = cursor.rowcount
    assert OutboxEntry.objects.count() == number
    Assignment.objects.update(status="expired", ended_at=timezone.now())
    return watch.seconds


def _one_by_one(clinic: Clinic, number: int) -> float:
    """A transaction for each row, as one writes it first."""
    _overdue(clinic, number)
    ids = list(Appointment.objects.filter(status="pending").values_list("pk", flat=True))
    with timed() as watch:
        for pk in ids:
            expire_alone(pk)
    return watch.seconds


@override_settings(SUSPENSION_BREAKER_MIN=1_000_000)
def _sweep(clinic: Clinic, number: int) -> float:
    """The product's own, with the audit row, the Outbox rows, the assignments and the suspensions."""
    _overdue(clinic, number)
    with timed() as watch:
        expired = expire_due(timezone.now(), clock=timezone.now)
    assert len(expired.appointments) == number, "some were left behind"
    assert expired.disabled_therapists, "nobody was suspended"
    return watch.seconds


ROW = Row("P1", "expire 10,000 overdue of 100,000, with all effects", run)
