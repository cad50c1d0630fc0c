"""Publishing the ETA tasks of offers, of appointments and of places on the waiting list, whose deadline is near."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from appointments.models import Assignment, WaitingOffer
from tasks.deadlines import expire_assignment, expire_waiting_offer, warn_assignment
from tasks.publishing import publish


def arm(assignments: Iterable[Assignment], now: datetime, horizon: timedelta) -> int:
    """Publish expiry and warning of each offer within the horizon, exact to the moment; returns how many.

    `armed_for` remembers the deadline that was published, so that a moved one is published anew.
    """
    armed = 0
    for assignment in assignments:
        appointment = assignment.appointment
        deadline = appointment.response_deadline
        if deadline is None or deadline > now + horizon or assignment.armed_for == deadline:
            continue
        publish(expire_assignment, assignment.pk, eta=deadline)
        if appointment.warn_at is not None and assignment.warned_at is None:
            publish(warn_assignment, assignment.pk, eta=appointment.warn_at)
        Assignment.objects.filter(pk=assignment.pk).update(armed_for=deadline)
        armed += 1
    return armed


def arm_waiting(offers: Iterable[WaitingOffer], now: datetime, horizon: timedelta) -> int:
    """Publish the end of each held place within the horizon; returns how many."""
    armed = 0
    for offer in offers:
        if offer.armed_at is None and offer.expires_at <= now + horizon:
            publish(expire_waiting_offer, offer.pk, eta=offer.expires_at)
            armed += WaitingOffer.objects.filter(pk=offer.pk).update(armed_at=now)
    return armed
