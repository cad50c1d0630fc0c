"""Offers whose time is over, by the real clock."""

from datetime import datetime, timedelta

from django.utils import timezone

from appointments.models import Appointment, AppointmentLog, Assignment
from core.accounts.models import User
from tests.support.cast import Cast, book, offer


def overdue(cast: Cast, *, by: timedelta = timedelta(seconds=1), hours: float = 24) -> Appointment:
    """An offer to Theo whose deadline has passed; whoever edits the column moves the expiry."""
    appointment = offer(cast, hours=hours)
    Appointment.objects.filter(pk=appointment.pk).update(response_deadline=timezone.now() - by)
    return appointment


def soon_overdue(cast: Cast, deadline: datetime) -> Appointment:
    """An offer to Theo with this deadline."""
    appointment = offer(cast)
    Appointment.objects.filter(pk=appointment.pk).update(response_deadline=deadline, warn_at=deadline)
    return appointment


def many_overdue(cast: Cast, therapists: list[User], count: int, deadline: datetime) -> list[int]:
    """So many offers, dealt out to the therapists, all with one deadline."""
    made = []
    for number in range(count):
        therapist = therapists[number % len(therapists)]
        made.append(book(cast.pia, cast.olive, therapist=therapist, hours=24 + number).pk)
    Appointment.objects.filter(pk__in=made).update(response_deadline=deadline, warn_at=deadline)
    return made


def status(appointment: Appointment) -> str:
    return Appointment.objects.get(pk=appointment.pk).status


def live(appointment: Appointment) -> Assignment:
    """The assignment that waits for its answer."""
    return Assignment.objects.get(appointment=appointment, ended_at=None)


def audited(appointment: Appointment, action: str) -> int:
    """How often the log names this action."""
    return AppointmentLog.objects.filter(appointment=appointment, action=action).count()
