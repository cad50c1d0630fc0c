"""Rows whose time has come; the sweeps and the dry runs read the same conditions."""

from datetime import datetime
from functools import lru_cache

from django.db.models import QuerySet

from appointments.models import Appointment
from appointments.policy import Policy
from appointments.transitions import TRANSITIONS
from core.prepared import prepared


def due_for(names: tuple[str, ...], now: datetime, policy: Policy) -> QuerySet[Appointment]:
    """Appointments that the system may move now by one of the named rows of the table."""
    rows = Appointment.objects.none()
    for name in names:
        rows = rows | Appointment.objects.filter(TRANSITIONS[name].where(now, policy))
    return rows.order_by("id")


def overdue(now: datetime, policy: Policy) -> QuerySet[Appointment]:
    """Offers at or past their deadline."""
    return due_for(("expire", "expire_request"), now, policy)


def anything_overdue(now: datetime, policy: Policy) -> bool:
    """Tell whether a sweep would find something to expire."""
    return bool(_one_overdue(policy)(now))


@lru_cache(maxsize=8)
def _one_overdue(policy: Policy) -> prepared[[datetime], int]:
    @prepared
    def one(now: datetime) -> QuerySet[Appointment, int]:
        return overdue(now, policy).order_by().values_list("pk", flat=True)[:1]

    return one
