"""Work as one writes it first, to be compared with the product's; a worker loads its tasks with `--include`."""

import os
import time
from datetime import datetime

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from appointments.models import Appointment, AppointmentLog, Assignment
from core.accounts.models import User
from core.outbox.models import Lane, OutboxEntry

LAGS = "BENCH_LAGS"


@shared_task
def do_nothing(due: float) -> None:
    """Only note in the file of BENCH_LAGS how late this is."""
    lag = time.time() - due
    with open(os.environ[LAGS], "a") as lags:  # noqa: PTH123 - a line per task; nothing slower here
        lags.write(f"{lag}\n")


@shared_task
def expire_one(appointment_id: int) -> None:
    """Expire one offer in a transaction of its own."""
    expire_alone(appointment_id)


def expire_alone(pk: int) -> None:
    """Expire one offer in a transaction of its own: lock, look, save, log, promise."""
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
        _noted(appointment, "pending", now, {"appointment": pk})


def miss_alone(pk: int) -> None:
    """Mark one appointment as missed in a transaction of its own: look at everybody, save, log, tell them both."""
    now = timezone.now()
    with transaction.atomic():
        appointment = Appointment.objects.select_for_update(of=("self",)).get(pk=pk)
        patient, therapist = appointment.patient, User.objects.get(pk=appointment.therapist_id)
        appointment.status, appointment.missed_at, appointment.updated_at = "missed", now, now
        appointment.save()
        _noted(
            appointment, "confirmed", now, *({"appointment": pk, "person": each.pk} for each in (patient, therapist))
        )


def _noted(appointment: Appointment, before: str, now: datetime, *payloads: dict[str, int]) -> None:
    """A row of the log and an Outbox row for each payload, every one in a statement of its own."""
    AppointmentLog.objects.create(
        appointment=appointment,
        action=appointment.status,
        timestamp=now,
        old_values={"status": before},
        new_values={"status": appointment.status},
    )
    for payload in payloads:
        OutboxEntry.objects.create(
            lane=Lane.REALTIME,
            stream=f"appointment:{appointment.pk}",
            kind=f"appointment_{appointment.status}",
            payload=payload,
            created_at=now,
            available_at=now,
        )
