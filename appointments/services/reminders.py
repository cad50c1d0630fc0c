"""Sending reminders: claim, then send, so that nobody gets one twice; and planning and sending them by hand."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from appointments import letters, machine
from appointments.errors import InvalidInput, InvalidTransition, NotFound
from appointments.machine.reminding import REMINDED
from appointments.models import AppointmentReminder, ReminderStatus, ReminderType
from appointments.policy import current_policy
from appointments.selectors.reminders import due_reminders, in_flight_since
from appointments.transitions import TRANSITIONS, state_of
from core.accounts.models import User
from core.accounts.preferences import out_of_quiet_hours, wants
from core.messaging import EMAIL, NotDelivered, OutcomeUnknown, deliver
from core.transactions import in_transaction

log = structlog.get_logger(__name__)

S = ReminderStatus
BATCH: Final = 1_000
# For so long a queued reminder is left to its task; then it is queued again.
LEASE: Final = timedelta(minutes=5)
LOST: Final = "whoever was sending it ended in the middle"
TOO_LATE: Final = "the appointment had begun before it could be sent"
SENDABLE: Final = (S.PENDING, S.FAILED, S.UNCERTAIN)


@transaction.atomic
def take_due(now: datetime, limit: int = BATCH) -> list[int]:
    """Lease up to `limit` due reminders to the caller, who is to queue them; two callers get different ones."""
    ids = list(due_reminders(now).select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
    AppointmentReminder.objects.filter(pk__in=ids).update(due_at=now + LEASE)
    return ids


def give_back(reminder_ids: list[int], now: datetime) -> None:
    """End the lease of reminders that could not be queued."""
    AppointmentReminder.objects.filter(pk__in=reminder_ids, status=S.PENDING).update(due_at=now)


def settle_lost(now: datetime) -> int:
    """Call uncertain what somebody began to send and can be sending no more; returns how many."""
    lost = in_flight_since(now - current_policy().reminder_lost_after)
    return lost.update(status=S.UNCERTAIN, error=LOST)


def send(reminder_id: int, clock: Callable[[], datetime]) -> str | None:
    """Send one waiting reminder; returns its status, or None where there was nothing to do.

    The claim is committed before anything goes out, so of several senders one sends. What is no longer wanted is
    cancelled; what comes into quiet hours waits for their end.
    """
    now = clock()
    if not _claim(reminder_id, now):
        return None
    related = ("appointment__patient__institution", "appointment__therapist", "appointment__institution")
    reminder = AppointmentReminder.objects.select_related(*related).get(pk=reminder_id)
    if not _may_go_out(reminder, now):
        return reminder.status
    patient, channel = reminder.appointment.patient, reminder.reminder_type
    try:
        letter = letters.reminder(reminder.appointment, channel)
        deliver(channel, patient.email if channel == EMAIL else patient.phone, *letter)
    except NotDelivered as refused:
        _put_off(reminder, str(refused), clock(), final=refused.final)
    except OutcomeUnknown as unknown:
        _settle(reminder, status=S.UNCERTAIN, error=str(unknown))
    except Exception as error:  # one bad row never stops the others
        log.exception("reminder.broken", reminder=reminder.pk)
        _settle(reminder, status=S.UNCERTAIN, error=type(error).__name__)
    else:
        _settle(reminder, status=S.SENT, sent_at=clock(), error="")
    if reminder.status != S.SENT:
        log.warning("reminder.not_sent", reminder=reminder.pk, status=reminder.status, reason=reminder.error)
    return reminder.status


def send_due(clock: Callable[[], datetime]) -> Iterator[AppointmentReminder]:
    """Send everything that is due, without any other process; yields each as it then is."""
    settle_lost(clock())
    while ids := take_due(clock()):
        for pk in ids:
            if send(pk, clock) is not None:
                yield AppointmentReminder.objects.get(pk=pk)


@in_transaction
def plan(
    appointment_id: int, reminder_type: ReminderType, scheduled_for: datetime, actor: User, now: datetime
) -> AppointmentReminder:
    """Plan one more reminder of an accepted appointment. Raises InvalidInput, InvalidTransition."""
    try:
        appointment = machine.lock(appointment_id, actor)
    except NotFound:
        raise InvalidInput("No such appointment.", code="does_not_exist", attr="appointment") from None
    if scheduled_for <= now:
        raise InvalidInput("This time has passed.", code="past", attr="scheduled_for")
    if scheduled_for >= appointment.start:
        raise InvalidInput("The appointment has begun by then.", attr="scheduled_for")
    if state_of(appointment) not in REMINDED:
        raise InvalidTransition(f"Nobody is reminded of it: the appointment is {appointment.status}.")
    row = {"appointment": appointment, "reminder_type": reminder_type, "scheduled_for": scheduled_for}
    if AppointmentReminder.objects.filter(**row).exclude(status=S.CANCELLED).exists():
        raise InvalidInput("There is a reminder of this kind at this time.", code="unique", attr="scheduled_for")
    return AppointmentReminder.objects.create(**row, due_at=scheduled_for, created_at=now, requested_by=actor)


@in_transaction
def send_now(reminder_id: int, actor: User, now: datetime) -> AppointmentReminder:
    """Let a reminder go out at once, also a failed one and, where a person decides so, one of unknown outcome.

    Raises NotFound, InvalidTransition.
    """
    found = AppointmentReminder.objects.filter(pk=reminder_id).first()
    if found is None:
        raise NotFound("No such reminder.")
    appointment = machine.lock(found.appointment_id, actor)
    reminder = AppointmentReminder.objects.select_for_update().get(pk=reminder_id)
    machine.check(TRANSITIONS["send_reminder"], appointment, actor, now, current_policy())
    if reminder.status not in SENDABLE:
        raise InvalidTransition(f"Cannot send it: the reminder is {reminder.status}.")
    reminder.status, reminder.due_at, reminder.requested_by = S.PENDING, now, actor
    reminder.attempts, reminder.error = 0, ""
    reminder.save(update_fields=("status", "due_at", "requested_by", "attempts", "error"))
    tasks = [("send_reminder", {"reminder": reminder.pk})]
    machine.apply("send_reminder", appointment, actor, now, notes=reminder.reminder_type, tasks=tasks)
    return reminder


def _claim(reminder_id: int, now: datetime) -> bool:
    """Take a waiting reminder, as the only one."""
    waiting = AppointmentReminder.objects.filter(pk=reminder_id, status=S.PENDING)
    return bool(waiting.update(status=S.SENDING, claimed_at=now))


def _may_go_out(reminder: AppointmentReminder, now: datetime) -> bool:
    """Decide by what is true now, not when it was planned; a reminder asked for by hand knows no quiet hours."""
    appointment = reminder.appointment
    patient = appointment.patient
    by_hand = reminder.requested_by_id is not None
    if state_of(appointment) not in REMINDED or not (by_hand or wants(patient, reminder.reminder_type)):
        _settle(reminder, status=S.CANCELLED)
    elif appointment.start <= now:
        _settle(reminder, status=S.FAILED, error=reminder.error or TOO_LATE)
    elif not by_hand and (later := out_of_quiet_hours(patient, now, appointment.start)) > now:
        _settle(reminder, status=S.PENDING, due_at=later)
    else:
        return True
    return False


def _put_off(reminder: AppointmentReminder, reason: str, now: datetime, *, final: bool) -> None:
    """Wait longer with each attempt, and give up after the last or at the appointment's start."""
    policy = current_policy()
    attempts = reminder.attempts + 1
    again_at = now + policy.reminder_back_off * 2 ** (attempts - 1)
    over = final or attempts >= policy.reminder_attempts or again_at >= reminder.appointment.start
    outcome = {"status": S.FAILED} if over else {"status": S.PENDING, "due_at": again_at}
    _settle(reminder, **outcome, attempts=attempts, error=reason)


def _settle(reminder: AppointmentReminder, **outcome: object) -> None:
    """Write what became of this claim; it may have been called uncertain in the meantime, but nobody else's to say."""
    own = AppointmentReminder.objects.filter(
        pk=reminder.pk, claimed_at=reminder.claimed_at, status__in=(S.SENDING, S.UNCERTAIN)
    )
    own.update(**outcome)
    for name, value in outcome.items():
        setattr(reminder, name, value)
