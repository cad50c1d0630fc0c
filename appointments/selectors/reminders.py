"""Reminders that are due, and those that a person may see."""

from datetime import datetime

from django.db.models import QuerySet

from appointments.models import Appointment, AppointmentReminder, ReminderStatus
from appointments.selectors.visibility import held_by
from core.accounts.models import Role, User


def due_reminders(now: datetime) -> QuerySet[AppointmentReminder]:
    """What waits to be sent and whose time has come, the longest waiting first."""
    return AppointmentReminder.objects.filter(status=ReminderStatus.PENDING, due_at__lte=now).order_by("due_at", "id")


def in_flight_since(moment: datetime) -> QuerySet[AppointmentReminder]:
    """What was claimed at or before `moment` and is still being sent, as far as we know."""
    return AppointmentReminder.objects.filter(status=ReminderStatus.SENDING, claimed_at__lte=moment)


def visible_reminders(user: User) -> QuerySet[AppointmentReminder]:
    """The reminders of appointments that `user` sees whole."""
    rows = AppointmentReminder.objects.filter(appointment__hidden_at__isnull=True)
    if user.role == Role.ADMIN:
        return rows
    rows = rows.filter(appointment__institution_id=user.institution_id)
    if user.role == Role.OPERATOR:
        return rows
    if user.role == Role.PATIENT:
        return rows.filter(appointment__patient_id=user.pk)
    return rows.filter(appointment__in=Appointment.objects.filter(held_by(user.pk)))
