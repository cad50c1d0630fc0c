"""Reminders follow the status: the change that accepts an appointment plans them, the one that ends it cancels them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db.models import prefetch_related_objects

from appointments.machine.changes import Change
from appointments.models import Appointment, AppointmentReminder, ReminderStatus
from appointments.policy import Policy, current_policy
from appointments.transitions import State, state_of
from core.accounts.preferences import out_of_quiet_hours, reminder_offsets, wants
from core.offsets import parse_offsets

REMINDED: Final = frozenset({State.CONFIRMED, State.ASSIGNED})


def follow(changes: Iterable[Change]) -> None:
    """Plan the reminders of what is accepted from now on, cancel those of what no longer is."""
    left: list[int] = []
    accepted: list[Change] = []
    for change in changes:
        before, after = change.source in REMINDED, state_of(change.appointment) in REMINDED
        if before and not after:
            left.append(change.pk)
        if after and not before:
            accepted.append(change)
    if left:
        waiting = AppointmentReminder.objects.filter(appointment_id__in=left, status=ReminderStatus.PENDING)
        waiting.update(status=ReminderStatus.CANCELLED)
    if accepted:
        plan_reminders([change.appointment for change in accepted], accepted[0].now)


def plan_reminders(appointments: Sequence[Appointment], now: datetime) -> None:
    """Plan what the patients want, else what their institution does; a time that has passed is left out."""
    policy = current_policy()
    prefetch_related_objects(appointments, "patient__institution", "institution")
    planned = [row for appointment in appointments for row in _planned(appointment, policy, now)]
    # One that was sent already, before the appointment changed hands, is not sent again.
    AppointmentReminder.objects.bulk_create(planned, ignore_conflicts=True)


def _planned(appointment: Appointment, policy: Policy, now: datetime) -> Iterable[AppointmentReminder]:
    patient = appointment.patient
    offsets = reminder_offsets(patient)
    if offsets is None:
        own = appointment.institution.reminder_offsets
        offsets = parse_offsets(own) if own else policy.reminder_offsets
    for channel, before in offsets:
        when = out_of_quiet_hours(patient, appointment.start - before, appointment.start)
        if when > now and wants(patient, channel):
            yield AppointmentReminder(
                appointment=appointment, reminder_type=channel, scheduled_for=when, due_at=when, created_at=now
            )
