"""What stands in a person's calendar: their own appointments; for operators, the institution's."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from appointments.models import Appointment
from appointments.selectors.visibility import visible_to
from core.accounts.models import Role, User

LOOKS_BACK: Final = timedelta(days=30)
# Calendar programs fetch the whole feed every few minutes.
MOST_EVENTS: Final = 1_000


def calendar_of(user: User, now: datetime) -> list[Appointment]:
    """The next events and those of the last thirty days, at most a thousand each, by their start."""
    rows = visible_to(user, now)
    if user.role == Role.THERAPIST:
        rows = rows.exclude(_takeable=True)  # a request that others may take as well is no event yet
    rows = with_people(rows)
    past = rows.filter(start__lt=now, start__gte=now - LOOKS_BACK).order_by("-start", "-id")[:MOST_EVENTS]
    coming = rows.filter(start__gte=now).order_by("start", "id")[:MOST_EVENTS]
    return [*list(past)[::-1], *coming]


def with_people(rows: QuerySet[Appointment]) -> QuerySet[Appointment]:
    """Load what an event shows."""
    return rows.select_related("patient", "therapist", "service", "institution")
