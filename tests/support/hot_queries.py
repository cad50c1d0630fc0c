"""What is asked all day, and the index that each must be read from. Tests assert it, the benchmarks keep the plans."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.http import QueryDict

from appointments.api.filters import filtered
from appointments.policy import current_policy
from appointments.selectors.conflicts import containing_slots
from appointments.selectors.free_therapists import therapists_free_at
from appointments.selectors.meetings import meetings_of
from appointments.selectors.slots import bookable_slots, slots_for
from appointments.selectors.visibility import visible_to
from appointments.services.due import due_for
from core.accounts.models import User
from tests.support.crowd import Crowd

Asked = Callable[[Crowd, datetime], QuerySet[Any]]


def listed(reader: User, query: str, now: datetime) -> QuerySet[Any]:
    """A page of appointments as the dashboards ask for it."""
    return filtered(visible_to(reader, now), QueryDict(query), reader, now)[:20]


def due(name: str, order: str) -> Asked:
    """What a sweep asks for each second."""
    return lambda crowd, now: due_for((name,), now, current_policy()).order_by(order)[:500]


def in_ten_days(now: datetime) -> tuple[datetime, datetime]:
    start = now + timedelta(days=10)
    return start, start + timedelta(minutes=30)


QUERIES: Final[Mapping[str, tuple[Asked, tuple[str, ...]]]] = {
    "an operator's first page": (lambda crowd, now: listed(crowd.operator, "", now), ("appointment_list",)),
    "an operator's newest": (
        lambda crowd, now: listed(crowd.operator, "ordering=-start", now),
        ("appointment_list",),
    ),
    "an operator's completed": (
        lambda crowd, now: listed(crowd.operator, "status=completed&ordering=-start", now),
        ("appointment_by_status",),
    ),
    "an operator's day": (
        lambda crowd, now: listed(crowd.operator, f"date_from={now.date()}&date_to={now.date()}", now),
        ("appointment_list", "appointment_by_status"),
    ),
    "what was unpaid yesterday": (
        lambda crowd, now: listed(
            crowd.operator, f"is_paid=false&date_to={now.date() - timedelta(days=1)}&ordering=-start", now
        ),
        ("appointment_list",),
    ),
    "what was searched for": (
        lambda crowd, now: listed(crowd.operator, "search=39", now),
        ("appointment_by_patient", "appointment_list"),
    ),
    "what waits for an answer": (
        lambda crowd, now: listed(crowd.operator, "status=pending", now),
        ("appointment_by_status", "appointment_unfinished"),
    ),
    "an operator's open work": (
        lambda crowd, now: listed(crowd.operator, "status=pending,rejected&ordering=response_deadline", now),
        ("appointment_open_work",),
    ),
    "what is overdue": (lambda crowd, now: listed(crowd.operator, "overdue=true", now), ("appointment_due",)),
    "an operator's meetings": (lambda crowd, now: meetings_of(crowd.operator, now)[:20], ("appointment_list",)),
    "a therapist's pending ones": (
        lambda crowd, now: listed(crowd.a_therapist(), "filter=pending", now),
        ("appointment_by_therapist", "appointment_open"),
    ),
    "a patient's": (lambda crowd, now: listed(crowd.a_patient(), "", now), ("appointment_by_patient",)),
    "who is free": (
        lambda crowd, now: therapists_free_at(crowd.institution, *in_ten_days(now), now),
        ("appointment_busy",),
    ),
    "places of a day": (
        lambda crowd, now: bookable_slots(crowd.therapist, crowd.last_day, 30, now),
        ("slot_by_day", "appointment_by_therapist"),
    ),
    "slots of everybody": (lambda crowd, now: slots_for(crowd.operator, now)[:20], ("slot_list",)),
    "the slot around a time": (
        lambda crowd, now: containing_slots(crowd.therapist, *in_ten_days(now)),
        ("slot_by_therapist", "slot_starts_once"),
    ),
    "deadlines that have come": (due("expire", "response_deadline"), ("appointment_due",)),
    "warnings that have come": (due("warn", "id"), ("appointment_to_warn",)),
    "meetings that were missed": (due("miss", "start"), ("appointment_unfinished",)),
    # PostgreSQL 18 finds both kinds by themselves: what has no therapist, and what was rejected.
    "requests that lapse": (
        due("lapse", "start"),
        ("appointment_unfinished", "appointment_open_work", "appointment_by_therapist"),
    ),
}
