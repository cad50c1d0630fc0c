"""Who is told of an event. A constant number of queries, however many events are asked about."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import Exists, F, OuterRef, Q

from appointments.events import EventFact, EventType
from appointments.models import Appointment, Service
from appointments.models.assignment import OpenRequestDecline
from appointments.selectors.free_therapists import published_over, unoccupied
from core.accounts.models import Role, User
from core.outbox.models import OutboxEntry
from realtime.models import Notification

# An offer that expired on the patient's choice leaves an open request behind, which is news to whoever could take it.
MAY_OPEN: Final = frozenset({EventType.UNASSIGNED})


@dataclass(frozen=True, slots=True)
class Audience:
    """User ids, and those among them to whom the event shows an open request."""

    people: frozenset[int] = field(default_factory=frozenset)
    shown_request: frozenset[int] = field(default_factory=frozenset)


def audiences(entries: Sequence[OutboxEntry], now: datetime) -> dict[int, Audience]:
    """The audience of each event, by the id of its row."""
    facts: dict[int, EventFact] = {entry.pk: entry.payload for entry in entries}
    operators = _operators({fact["operators"] for fact in facts.values() if fact["operators"]})
    takers = _takers(_appointments(facts, lambda fact: fact.get("open_to_qualified") or fact["type"] in MAY_OPEN), now)
    shown = _shown(_appointments(facts, lambda fact: fact.get("shown_open")))
    found: dict[int, Audience] = {}
    for pk, fact in facts.items():
        could_take = takers.get(fact["appointment"] or 0, frozenset())
        people = {*operators.get(fact["operators"] or 0, ()), *fact["people"], *could_take}
        if fact.get("shown_open"):
            people |= shown.get(fact["appointment"] or 0, frozenset())
        found[pk] = Audience(frozenset(people), could_take)
    return found


def _appointments(facts: Mapping[int, EventFact], wanted: Any) -> set[int]:
    return {fact["appointment"] for fact in facts.values() if fact["appointment"] and wanted(fact)}


def _operators(institution_ids: set[int]) -> dict[int, list[int]]:
    """The active operators by institution."""
    by_institution: dict[int, list[int]] = defaultdict(list)
    if institution_ids:
        rows = User.objects.filter(role=Role.OPERATOR, is_active=True, institution_id__in=institution_ids)
        for user_id, institution_id in rows.order_by().values_list("pk", "institution_id"):
            by_institution[institution_id].append(user_id)
    return by_institution


def _takers(appointment_ids: set[int], now: datetime) -> dict[int, frozenset[int]]:
    """By appointment, while it is an open request: the therapists who could take it now."""
    if not appointment_ids:
        return {}
    # Columns of the request stand where the selectors take a moment.
    start: Any = OuterRef("_start")
    end: Any = OuterRef("_end")
    day: Any = OuterRef("_day")
    own = Service.therapists.through.objects.filter(user_id=OuterRef("pk"))
    declined = OpenRequestDecline.objects.filter(appointment=OuterRef("_wanted"), therapist_id=OuterRef("pk"))
    therapists = User.objects.filter(role=Role.THERAPIST, is_active=True).annotate(
        _wanted=F("institution__appointments__pk"),
        _open=F("institution__appointments__open"),
        _service=F("institution__appointments__service_id"),
        _start=F("institution__appointments__start"),
        _end=F("institution__appointments__end"),
        _day=F("institution__appointments__appointment_date"),
    )
    qualified = Q(_service__isnull=True) | ~Exists(own) | Exists(own.filter(service_id=OuterRef("_service")))
    free = therapists.filter(
        qualified,
        unoccupied(start, end, now),
        published_over(start, end, day),
        ~Exists(declined),
        _wanted__in=appointment_ids,
        _open=True,
        _start__gt=now,
    )
    by_appointment: dict[int, set[int]] = defaultdict(set)
    for appointment_id, user_id in free.order_by().values_list("_wanted", "pk"):
        by_appointment[appointment_id].add(user_id)
    return {pk: frozenset(users) for pk, users in by_appointment.items()}


def _shown(appointment_ids: set[int]) -> dict[int, frozenset[int]]:
    """By appointment: the therapists to whom it was shown as an open request, but for the one who has it now."""
    if not appointment_ids:
        return {}
    holders = dict(Appointment.objects.filter(pk__in=appointment_ids).values_list("pk", "therapist_id"))
    rows = Notification.objects.filter(appointment_id__in=appointment_ids, open_request=True).order_by()
    by_appointment: dict[int, set[int]] = defaultdict(set)
    for appointment_id, user_id in rows.values_list("appointment_id", "recipient_id").distinct():
        if appointment_id is not None and holders.get(appointment_id) != user_id:
            by_appointment[appointment_id].add(user_id)
    return {pk: frozenset(users) for pk, users in by_appointment.items()}
