"""One reminder at a time; twice or late it does no harm, for only a waiting one is sent."""

from celery import shared_task
from django.utils import timezone

from appointments.services import reminders


@shared_task
def send_reminder(reminder_id: int) -> str | None:
    """Send the reminder if it waits; what fails is due again later, by its row."""
    return reminders.send(reminder_id, timezone.now)
