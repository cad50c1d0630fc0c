"""The auditor: whether what must always hold does hold in the live data. Reads only, and needs no other process.

I1: nothing stays pending past its deadline. I7: every recipient gets every event, in order. I9: the effects of every
commit happen.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import CharField, Count, Exists, F, Max, Min, OuterRef, Subquery, Value, Window
from django.db.models.functions import Cast, Coalesce, Concat, Lag, Least

from appointments.events import APPOINTMENT_STREAM
from appointments.models import Appointment, AppointmentLog, Assignment
from appointments.policy import current_policy
from appointments.services import vacancies
from appointments.services.due import due_for, overdue
from appointments.transitions import TRANSITIONS
from core.accounts.models import Role, User
from core.outbox.models import Lane, OutboxEntry
from realtime.models import Inbox, Notification

# What is late by less is at work: the relay sweeps each second, a killed one is relieved within 10 s.
LATE_AFTER: Final = timedelta(seconds=15)
# Effects that need the broker; a worker's restart is no finding.
STRANDED_AFTER: Final = timedelta(seconds=60)
SEARCH_STUCK_AFTER: Final = timedelta(minutes=5)
# How far back each run looks, in rows; what was lost longer ago was found by earlier runs.
NUMBERS_BACK: Final = 1_000
NOTIFICATIONS_BACK: Final = 20_000
LOGS_BACK: Final = 10_000
# `archive` takes notifications away, though never such young ones.
EFFECTS_BACK: Final = timedelta(hours=1)
NAMED: Final = 100


class Finding(NamedTuple):
    """One broken promise: `subject` names the object by its kind and id."""

    invariant: str
    subject: str
    said: str


def findings(now: datetime) -> list[Finding]:
    """Everything that should not be so, at most `NAMED` of each kind."""
    return [finding for check in CHECKS for finding in check(now)]


def _overdue(now: datetime) -> Iterator[Finding]:
    then, policy = now - LATE_AFTER, current_policy()
    if policy.auto_cancel:
        for pk, deadline in overdue(then, policy).values_list("pk", "response_deadline")[:NAMED]:
            late = (now - deadline).total_seconds() if deadline else 0
            yield Finding("I1", f"appointment {pk}", f"its deadline passed {late:.0f} s ago and nobody acted")
    for pk in due_for(("lapse",), then, policy).values_list("pk", flat=True)[:NAMED]:
        yield Finding("I1", f"appointment {pk}", "its start has passed and it still needs a therapist")


def _held(now: datetime) -> Iterator[Finding]:
    for pk in vacancies.due(now - LATE_AFTER)[:NAMED]:
        yield Finding("I1", f"waiting-list offer {pk}", "the time to take its place has passed and it is still held")


def _numbers(now: datetime) -> Iterator[Finding]:
    """Gaps in the newest numbers of each inbox; one statement, so that no commit falls between two looks."""
    own: Any = Notification.objects.filter(recipient_id=OuterRef("pk")).order_by().values("recipient_id")
    window = own.filter(seq__gt=OuterRef("last_seq") - NUMBERS_BACK)
    inboxes = Inbox.objects.annotate(
        oldest=Subquery(own.annotate(n=Min("seq")).values("n")),
        newest=Subquery(own.annotate(n=Max("seq")).values("n")),
        kept=Coalesce(Subquery(window.annotate(n=Count("pk")).values("n")), 0),
    ).filter(oldest__isnull=False)
    broken = inboxes.exclude(newest=F("last_seq"), kept=Least(F("last_seq") - F("oldest") + 1, NUMBERS_BACK))
    for user_id, last_seq, newest in broken.order_by("pk").values_list("pk", "last_seq", "newest")[:NAMED]:
        yield Finding("I7", f"inbox of user {user_id}", f"counted to {last_seq}, kept to {newest}, not one by one")


def _order(now: datetime) -> Iterator[Finding]:
    """Events of one appointment that a recipient got against the order of its versions."""
    newest = Notification.objects.aggregate(newest=Max("id"))["newest"] or 0
    before: Any = Window(Lag("version"), partition_by=[F("recipient_id"), F("appointment_id")], order_by=F("seq").asc())
    rows = Notification.objects.filter(
        id__gt=newest - NOTIFICATIONS_BACK, version__isnull=False, appointment__isnull=False
    )
    swapped = rows.annotate(before=before).filter(version__lt=F("before"))
    for user_id, seq, pk in swapped.values_list("recipient_id", "seq", "appointment_id")[:NAMED]:
        yield Finding("I7", f"notification {seq} of user {user_id}", f"out of order for appointment {pk}")


def _outbox(now: datetime) -> Iterator[Finding]:
    stuck = OutboxEntry.objects.filter(created_at__lt=now - STRANDED_AFTER).order_by("id")
    for pk, lane, kind, stream in stuck.values_list("pk", "lane", "kind", "stream")[:NAMED]:
        yield Finding("I9", f"outbox entry {pk}", f"{lane}:{kind} of {stream} is still not carried out")


def _untold(now: datetime) -> Iterator[Finding]:
    """Changes that left neither a notification nor an Outbox row, though there was somebody to tell."""
    newest = AppointmentLog.objects.aggregate(newest=Max("id"))["newest"] or 0
    logs = AppointmentLog.objects.filter(
        id__gt=newest - LOGS_BACK,
        timestamp__gt=now - EFFECTS_BACK,
        timestamp__lt=now - LATE_AFTER,
        action__in=_told_actions(),
    )
    # A change, its Outbox rows and its notifications carry one and the same instant.
    told = Notification.objects.filter(appointment_id=OuterRef("appointment_id"), created_at=OuterRef("timestamp"))
    operators = User.objects.filter(
        role=Role.OPERATOR,
        is_active=True,
        institution_id=OuterRef("appointment__institution_id"),
        date_joined__lt=OuterRef("timestamp"),
    )
    stream = Concat(Value(APPOINTMENT_STREAM), Cast(OuterRef("appointment_id"), CharField()))
    promised = OutboxEntry.objects.filter(lane=Lane.REALTIME, stream=stream)
    untold = logs.filter(Exists(operators), ~Exists(told), ~Exists(promised)).order_by("id")
    for pk, appointment_id, action in untold.values_list("pk", "appointment_id", "action")[:NAMED]:
        yield Finding("I9", f"log {pk}", f"appointment {appointment_id} was {action} and nobody was told")


def _told_actions() -> set[str]:
    """What the log calls the changes that always have an event."""
    rows = TRANSITIONS.values()
    return {"created", *(row.audit for row in rows if row.event)} - {row.audit for row in rows if not row.event}


def _unarmed(now: datetime) -> Iterator[Finding]:
    policy = current_policy()
    offers = Assignment.objects.filter(
        ended_at__isnull=True,
        status="offered",
        armed_for__isnull=True,
        assigned_at__lt=now - STRANDED_AFTER,
        appointment__response_deadline__lt=now + policy.arming_horizon - STRANDED_AFTER,
    )
    for pk, appointment_id in offers.order_by("pk").values_list("pk", "appointment_id")[:NAMED]:
        yield Finding("I9", f"assignment {pk}", f"the ETA task of appointment {appointment_id} was never published")
    stuck = Appointment.objects.filter(search_id__isnull=False, search_requested_at__lt=now - SEARCH_STUCK_AFTER)
    for appointment_id in stuck.order_by("pk").values_list("pk", flat=True)[:NAMED]:
        yield Finding("I9", f"appointment {appointment_id}", "the search for a therapist does not end")


CHECKS: Final[tuple[Callable[[datetime], Iterator[Finding]], ...]] = (
    _overdue,
    _held,
    _numbers,
    _order,
    _outbox,
    _untold,
    _unarmed,
)
