"""Beat's jobs. Each finds the rows that are due, so a missed tick delays and never loses."""

import io
from datetime import datetime, timedelta
from typing import Final

from celery import shared_task
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from knox.models import AuthToken

from appointments.models import Assignment
from appointments.policy import current_policy
from appointments.services import reassignment, reminders, suspension, sweeps, vacancies, waiting_list
from core.outbox.draining import UnreachableError, drain, heads
from core.outbox.models import Lane
from core.web.idempotency import forgettable
from tasks.arming import arm, arm_waiting
from tasks.publishing import publish
from tasks.reminders import send_reminder

LEFT_BY_THE_RELAY: Final = timedelta(seconds=2)
# Its entry comes every 10 s; one run shall not meet the next.
RESCUE: Final = timedelta(seconds=8)


@shared_task
def auto_cancel_overdue() -> int:
    """Act on overdue offers that neither their ETA task nor the relay has handled."""
    return len(sweeps.expire_due(timezone.now(), clock=timezone.now).appointments)


@shared_task
def arm_deadlines() -> int:
    """Publish the ETA tasks of offers whose deadline has come within the horizon."""
    now, horizon = timezone.now(), current_policy().arming_horizon
    ids = sweeps.deadlines_to_arm(now, horizon)
    armed = arm(Assignment.objects.filter(pk__in=ids).select_related("appointment"), now, horizon)
    return armed + arm_waiting(vacancies.to_arm(now, horizon), now, horizon)


@shared_task
def give_places_on() -> int:
    """Give on the held places that nobody else has handled, and take off the list whose day has passed."""
    now = timezone.now()
    given_on = vacancies.expire_due(now)
    waiting_list.close_passed(now)
    return len(given_on)


@shared_task
def check_missed_meetings() -> int:
    """Mark what nobody began within the grace as missed, and cancel what was not staffed in time."""
    now = timezone.now()
    return len(sweeps.miss_due(now)) + len(sweeps.lapse_due(now))


@shared_task
def dispatch_reminders() -> int:
    """Queue every reminder that is due, and call uncertain what was lost in the middle of sending."""
    reminders.settle_lost(timezone.now())
    queued = 0
    while ids := reminders.take_due(timezone.now()):
        for position, pk in enumerate(ids):
            try:
                publish(send_reminder, pk)
            except UnreachableError:
                reminders.give_back(ids[position:], timezone.now())
                raise
        queued += len(ids)
    return queued


@shared_task
def rescue_outbox() -> int:
    """Carry out what no relay has taken, and start searches again that were lost."""
    now = timezone.now()
    suspension.withdraw_stranded_offers(now)
    reassignment.restart_stuck_searches(now)
    return sum(_rescue(lane, now + RESCUE / len(Lane)) for lane in Lane)


def _rescue(lane: Lane, until: datetime) -> int:
    """Drain the lane until nothing old is left in it, or `until`; a relay that is alive leaves nothing old."""
    done = 0
    while (now := timezone.now()) < until and heads(lane, now).filter(created_at__lte=now - LEFT_BY_THE_RELAY).exists():
        drained = drain(lane, now, timezone.now)
        done += drained.done
        if not drained.done:
            break
    return done


@shared_task
def clean_up() -> int:
    """Delete expired tokens and idempotency keys that no repetition may use any more."""
    now = timezone.now()
    return AuthToken.objects.filter(expiry__lt=now).delete()[0] + forgettable(now).delete()[0]


@shared_task
def archive() -> None:
    """Take away what is older than RETENTION_DAYS; a line for each appointment would flood the worker's log."""
    before = timezone.localdate() - timedelta(days=settings.RETENTION_DAYS)
    call_command("archive", before=before, stdout=io.StringIO())
