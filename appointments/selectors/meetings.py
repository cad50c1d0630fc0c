"""Meetings: the newest appointment of each chain of reschedules, in the words of telehealth."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from appointments.models import Appointment, AppointmentStatus
from appointments.selectors.visibility import visible_to
from core.accounts.models import User

S = AppointmentStatus


class MeetingStatus(StrEnum):
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    MISSED = "missed"
    CANCELLED = "cancelled"


# What is pending or rejected is no meeting yet; what is rescheduled has a successor that is.
STATUS_OF: Final[Mapping[str, MeetingStatus]] = {
    S.CONFIRMED: MeetingStatus.SCHEDULED,
    S.ASSIGNED: MeetingStatus.SCHEDULED,
    S.IN_PROGRESS: MeetingStatus.IN_PROGRESS,
    S.COMPLETED: MeetingStatus.COMPLETED,
    S.MISSED: MeetingStatus.MISSED,
    S.NO_SHOW: MeetingStatus.MISSED,
    S.CANCELLED: MeetingStatus.CANCELLED,
    S.AUTO_CANCELLED: MeetingStatus.CANCELLED,
}


def meetings_of(user: User, now: datetime) -> QuerySet[Appointment]:
    """The meetings that `user` sees, each by its newest appointment, with `viewer_status`."""
    # Not `rescheduled_to__isnull`: of that join PostgreSQL expects one row, and sorts the whole institution for it.
    successor = Appointment.objects.filter(rescheduled_from=OuterRef("pk"))
    rows = visible_to(user, now).filter(~Exists(successor), viewer_status__in=tuple(STATUS_OF))
    return rows.order_by("start", "id")
