"""The ETA tasks of offers. They coalesce: the first to fire acts on everything that is due, the others find nothing."""

from datetime import datetime, timedelta
from typing import Any, Final

from celery import Task, shared_task
from django.utils import timezone

from appointments.policy import current_policy
from appointments.services import vacancies
from appointments.services.due import anything_overdue, due_for
from appointments.services.sweeps import expire_due, warn_due

# Longer ago a row may have changed since: asking about it costs little then, and nothing hurries.
JUST_NOW: Final = timedelta(milliseconds=500)


class LastSweep:
    """When this process last began a sweep that came to its end; what was due by then needs no second one."""

    begun_at: datetime | None = None

    def covers(self, due: datetime | None, now: datetime) -> bool:
        """Tell whether it has just acted on what was `due`."""
        begun_at = self.begun_at
        return due is not None and begun_at is not None and due <= begun_at and now < begun_at + JUST_NOW


_last = LastSweep()


@shared_task(bind=True)
def expire_assignment(task: "Task[Any, Any]", assignment_id: int) -> int:
    """Act on every offer whose time is over, this one among them; late, early or twice, it does no harm."""
    now = timezone.now()
    eta: Any = task.request.eta  # a text, whatever the stubs say
    # At 200 deadlines a second the questions of those that come second would take the worker more than the sweeps.
    covered = _last.covers(datetime.fromisoformat(eta) if eta else None, now)
    if covered or not anything_overdue(now, current_policy()):
        return 0
    expired = expire_due(now, clock=timezone.now).appointments
    _last.begun_at = now
    return len(expired)


@shared_task
def warn_assignment(assignment_id: int) -> int:
    """Warn every therapist whose time runs out, this one among them."""
    now = timezone.now()
    if not due_for(("warn",), now, current_policy()).exists():
        return 0
    return len(warn_due(now))


@shared_task
def expire_waiting_offer(offer_id: int) -> int:
    """Give on every place that was held long enough, this one among them."""
    return len(vacancies.expire_due(timezone.now()))
