"""Work as one writes it first, to be compared with the product's; a worker loads its tasks with `--include`."""

import os
import time

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from appointments.models import Appointment, AppointmentLog
from core.accounts.models import User
from core.outbox.models import Lane, OutboxEntry
from tests.benchmarks.expiry import expire_alone

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


def miss_alone(pk: int) -> None:
    """Mark one appointment as missed in a transaction of its own: look at everybody, save, log, tell them both."""
    now = timezone.now()
    with transaction.atomic():
        appointment = Appointment.objects.select_for_update(of=("self",)).get(pk=pk)
        patient, therapist = appointment.patient, User.objects.get(pk=appointment.therapist_id)
        appointment.status, appointment.missed_at, appointment.updated_at = "missed", now, now
        appointment.save()
        AppointmentLog.objects.create(
            appointment=appointment,
            action="missed",
            timestamp=now,
            old_values={"status": "confirmed"},
            new_values={"status": "missed"},
        )
        for person in (patient, therapist):
            OutboxEntry.objects.create(
                lane=Lane.REALTIME,
                stream=f"appointment:{pk}",
                kind="appointment_missed",
                payload={"appointment": pk, "person": person.pk},
                created_at=now,
                available_at=now,
            )
