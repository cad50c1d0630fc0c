"""The ETA tasks of offers. They coalesce: the first to fire acts on everything that is due, the others find nothing."""

from celery import shared_task
from django.utils import timezone

from appointments.policy import current_policy
from appointments.services import vacancies
from appointments.services.due import due_for, overdue
from appointments.services.sweeps import expire_due, warn_due


@shared_task
def expire_assignment(assignment_id: int) -> int:
    """Act on every offer whose time is over, this one among them; late, early or twice, it does no harm."""
    now = timezone.now()
    if not overdue(now, current_policy()).exists():
        return 0
    return len(expire_due(now, clock=timezone.now).appointments)


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
