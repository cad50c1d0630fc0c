"""Reading and ticking off one person's notifications; sockets and polling use the same functions."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from appointments.services.delivery import record_delivered, record_read
from core.accounts.models import User
from core.transactions import in_transaction
from realtime.models import Inbox, Notification


class Bounds(NamedTuple):
    """The newest number ever given, and the oldest that is still kept (the next one where none is)."""

    last_seq: int
    oldest_seq: int


def bounds(user_id: int) -> Bounds:
    """The numbers of the notifications that a reader may ask for."""
    last = last_seq(user_id)
    oldest = Notification.objects.filter(recipient_id=user_id).aggregate(oldest=Min("seq"))["oldest"]
    return Bounds(last, last + 1 if oldest is None else oldest)


def last_seq(user_id: int) -> int:
    """The newest number the person was ever given; what has it or a lower one is committed."""
    return Inbox.objects.filter(pk=user_id).values_list("last_seq", flat=True).first() or 0


def newer_than(user_id: int, seq: int, limit: int) -> QuerySet[Notification]:
    """The person's next notifications after a number, in order."""
    return Notification.objects.filter(recipient_id=user_id, seq__gt=seq).order_by("seq")[:limit]


def unread_count(user: User) -> int:
    """How many notifications the person has not read."""
    return Notification.objects.filter(recipient=user, read_at__isnull=True).count()


@in_transaction
def mark_delivered(user_id: int, up_to: int, now: datetime) -> None:
    """Note that everything up to this number reached one of the person's devices."""
    rows = Notification.objects.filter(recipient_id=user_id, seq__lte=up_to, delivered_at__isnull=True)
    offers = _offers(rows)
    if rows.update(delivered_at=now) and offers:
        record_delivered(offers, now)


@in_transaction
def mark_read(user_id: int, where: Q, now: datetime) -> int:
    """Note that the person has read these; reading implies delivery. Returns how many were unread."""
    # Of what arrives between two of these statements, one would know and the other not.
    arrived = Q(seq__lte=last_seq(user_id))
    rows = Notification.objects.filter(where, arrived, recipient_id=user_id, read_at__isnull=True)
    offers = _offers(rows)
    rows.filter(delivered_at__isnull=True).update(delivered_at=now)
    changed = rows.update(read_at=now)
    if changed and offers:
        record_read(offers, now)
    return changed


def _offers(rows: QuerySet[Notification]) -> list[int]:
    """The assignments that these rows tell their therapist of."""
    ids = rows.filter(assignment__isnull=False).values_list("assignment_id", flat=True)
    return [pk for pk in ids if pk is not None]


def forget(before: datetime) -> int:
    """Delete what is older, as `forgettable` says. Returns how many."""
    return forgettable(before).delete()[0]


def forgettable(before: datetime) -> QuerySet[Notification]:
    """What is older, from each inbox's beginning only, so that what stays has no gaps."""
    younger = Notification.objects.filter(
        recipient_id=OuterRef("recipient_id"), seq__lt=OuterRef("seq"), created_at__gte=before
    )
    return Notification.objects.filter(~Exists(younger), created_at__lt=before)
