"""Every number that a rule depends on. A deadline is stored when an offer is made, so a change moves no running one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from core.offsets import Offset

# The longest appointment.
LONGEST_MINUTES: Final = 12 * 60


@dataclass(frozen=True, slots=True)
class Policy:
    response_timeout: timedelta
    warning: timedelta
    missed_grace: timedelta
    booking_horizon: timedelta
    waiting_list_offer: timedelta
    auto_cancel: bool
    auto_disable: bool
    auto_reassign: bool
    open_requests: bool
    max_reassignments: int
    breaker_min: int
    breaker_percent: float
    arming_horizon: timedelta
    reminder_offsets: tuple[Offset, ...]
    therapist_extension: timedelta = timedelta(minutes=10)
    publishing_horizon: timedelta = timedelta(days=2 * 366)
    longest_extension: timedelta = timedelta(minutes=120)
    start_early: timedelta = timedelta(minutes=15)
    undo_window: timedelta = timedelta(hours=72)
    breaker_window: timedelta = timedelta(minutes=10)
    outage_rest: timedelta = timedelta(minutes=10)
    remind_pause: timedelta = timedelta(minutes=1)
    search_stuck_after: timedelta = timedelta(minutes=1)
    answer_rate_over: timedelta = timedelta(days=90)
    reminder_attempts: int = 5
    # Doubled with each further attempt.
    reminder_back_off: timedelta = timedelta(minutes=1)
    # Longer than a task may take, so whoever was sending is gone.
    reminder_lost_after: timedelta = timedelta(minutes=3)

    def clock(self, now: datetime, start: datetime) -> tuple[datetime, datetime, bool]:
        """The deadline of an offer made `now`, when to warn, and whether the therapist has the full time."""
        deadline = min(now + self.response_timeout, start)
        return deadline, max(now, deadline - self.warning), deadline == now + self.response_timeout


def current_policy() -> Policy:
    """The policy in force, from the settings."""
    return Policy(
        response_timeout=timedelta(minutes=settings.DEFAULT_RESPONSE_TIMEOUT_MINUTES),
        warning=timedelta(minutes=settings.DEADLINE_WARNING_MINUTES),
        missed_grace=timedelta(minutes=settings.MISSED_GRACE_MINUTES),
        booking_horizon=timedelta(days=settings.BOOKING_HORIZON_DAYS),
        waiting_list_offer=timedelta(minutes=settings.WAITING_LIST_OFFER_MINUTES),
        auto_cancel=settings.AUTO_CANCEL_ENABLED,
        auto_disable=settings.AUTO_DISABLE_THERAPISTS,
        auto_reassign=settings.AUTO_REASSIGN_ON_TIMEOUT,
        open_requests=settings.OPEN_REQUESTS,
        max_reassignments=settings.MAX_REASSIGNMENTS,
        breaker_min=settings.SUSPENSION_BREAKER_MIN,
        breaker_percent=settings.SUSPENSION_BREAKER_PERCENT,
        arming_horizon=timedelta(seconds=settings.ETA_HORIZON_SECONDS),
        reminder_offsets=tuple(settings.REMINDER_OFFSETS),
    )
