"""P1: the expiry sweep against the same work in plain SQL, and against one transaction for each row."""

from datetime import timedelta

from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from appointments.models import Appointment, AppointmentLog, Assignment
from appointments.services.sweeps import BATCH, expire_due
from core.outbox.models import Lane, OutboxEntry
from tests.benchmarks.measuring import Figure, Row, timed
from tests.benchmarks.population import Clinic, fresh_statistics, make_clinic, offers, settled

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
    """Three rounds on one table, each with fresh overdue offers."""
    table, due, single = (10_000, 2_000, 500) if quick else (100_000, 10_000, 1_000)
    clinic = make_clinic(table // 100)
    settled(clinic, table - due)
    plain = due / _plain(clinic, due)
    each = single / _one_by_one(clinic, single)
    ours = due / _sweep(clinic, due)
    detail = f"{ours:,.0f} rows/s; plain SQL {plain:,.0f}, one transaction a row {each:,.0f}"
    return [
        Figure("against plain SQL", ours / plain, 1 / 3, detail),
        Figure("against one transaction a row", ours / each, 8, detail),
    ]


def _overdue(clinic: Clinic, number: int) -> None:
    offers(clinic, [timezone.now() - timedelta(seconds=1)] * number)
    fresh_statistics()


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
    """A transaction for each row as one writes it first: lock, look, save, log, promise."""
    _overdue(clinic, number)
    ids = list(Appointment.objects.filter(status="pending").values_list("pk", flat=True))
    with timed() as watch:
        for pk in ids:
            expire_alone(pk)
    return watch.seconds


def expire_alone(pk: int) -> None:
    """Expire one offer in a transaction of its own."""
    now = timezone.now()
    with transaction.atomic():
        appointment = Appointment.objects.select_for_update(of=("self",)).get(pk=pk)
        if appointment.status != "pending" or appointment.response_deadline is None:
            return
        appointment.status, appointment.auto_cancelled_at = "auto_cancelled", now
        appointment.response_deadline = appointment.warn_at = appointment.origin = None
        appointment.save(
            update_fields=["status", "auto_cancelled_at", "response_deadline", "warn_at", "origin"],
        )
        Assignment.objects.filter(appointment_id=pk, ended_at=None).update(status="expired", ended_at=now)
        AppointmentLog.objects.create(
            appointment_id=pk,
            action="auto_cancelled",
            timestamp=now,
            old_values={"status": "pending"},
            new_values={"status": "auto_cancelled"},
        )
        OutboxEntry.objects.create(
            lane=Lane.REALTIME,
            stream=f"appointment:{pk}",
            kind="appointment_auto_cancelled",
            payload={"appointment": pk},
            created_at=now,
            available_at=now,
        )


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
