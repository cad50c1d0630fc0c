"""Beat's entries. The list makes what is missing; what an admin has edited in django-celery-beat stays edited."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from celery import current_app
from django.db.models import Q
from django_celery_beat.models import IntervalSchedule, PeriodicTask

OURS: Final = "tasks."


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    task: str
    every: timedelta
    description: str


ENTRIES: Final = (
    Entry(
        "Auto-cancel overdue offers",
        "tasks.sweeps.auto_cancel_overdue",
        timedelta(seconds=30),
        "The third hand on every deadline, after the ETA task and the relay.",
    ),
    Entry(
        "Arm deadlines",
        "tasks.sweeps.arm_deadlines",
        timedelta(seconds=30),
        "Publishes the ETA tasks of offers whose deadline has come within ETA_HORIZON_SECONDS.",
    ),
    Entry(
        "Give places on",
        "tasks.sweeps.give_places_on",
        timedelta(seconds=30),
        "The third hand on every place that is held for the waiting list; ends entries whose day has passed.",
    ),
    Entry(
        "Check missed meetings",
        "tasks.sweeps.check_missed_meetings",
        timedelta(minutes=1),
        "Marks as missed what nobody began, and cancels what was not staffed in time.",
    ),
    Entry(
        "Send reminders",
        "tasks.sweeps.dispatch_reminders",
        timedelta(minutes=1),
        "Queues the reminders that are due.",
    ),
    Entry(
        "Rescue the outbox",
        "tasks.sweeps.rescue_outbox",
        timedelta(seconds=10),
        "Carries out what no relay has taken, and starts lost searches again.",
    ),
    Entry(
        "Clean up",
        "tasks.sweeps.clean_up",
        timedelta(hours=1),
        "Deletes expired tokens and idempotency keys.",
    ),
    Entry(
        "Archive",
        "tasks.sweeps.archive",
        timedelta(days=1),
        "Moves the logs of appointments that are over for RETENTION_DAYS into files; deletes old notifications.",
    ),
)


def ensure_schedule() -> list[str]:
    """Create the entries that are missing, take out those whose task is gone; says what it did.

    An entry is known by its task or its name: one that an admin renamed, stopped or slowed down stays as it is.
    """
    current_app.loader.import_default_modules()
    said = []
    gone = PeriodicTask.objects.filter(task__startswith=OURS).exclude(task__in=list(current_app.tasks))
    for task in gone:
        said.append(f"removed: {task.name}")
        task.delete()
    for entry in ENTRIES:
        if PeriodicTask.objects.filter(Q(task=entry.task) | Q(name=entry.name)).exists():
            continue
        seconds = int(entry.every.total_seconds())
        interval, _ = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
        PeriodicTask.objects.create(name=entry.name, task=entry.task, interval=interval, description=entry.description)
        said.append(f"created: {entry.name}")
    return said
