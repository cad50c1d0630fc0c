"""From Outbox rows of the realtime lane to numbered notifications, and one hint for the sockets."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Case, F, PositiveBigIntegerField, Value, When
from django.utils import timezone

from appointments.events import EventType
from appointments.services.delivery import offers_told, record_notified
from core.inserting import insert_many
from core.outbox.models import OutboxEntry
from core.outbox.writing import write_many
from realtime.hints import send_hint
from realtime.letters import promised
from realtime.models import Inbox, NewNotification, Notification
from realtime.recipients import Audience, audiences

TOKEN_REVOKED: Final = "token_revoked"  # noqa: S105 - an Outbox kind
OUTAGE: Final = "outage"

# By appointment and therapist: the assignment that an event tells the therapist of.
Offers = Mapping[tuple[int | None, int], int]


def deliver(entries: Sequence[OutboxEntry]) -> None:
    """Write every recipient's notification in the order of the rows; hint the sockets after the commit.

    Runs inside the transaction that deletes the rows, in a constant number of queries.
    """
    now = timezone.now()
    events = [entry for entry in entries if entry.kind != TOKEN_REVOKED]
    told = audiences(events, now)
    offers = _offers(events, now)
    counts = Counter(user for audience in told.values() for user in audience.people)
    last_seqs = _locked_counters(sorted(counts))
    rows: list[NewNotification] = []
    for entry in events:
        for user_id in sorted(told[entry.pk].people):
            last_seqs[user_id] += 1
            rows.append(_notification(entry, user_id, last_seqs[user_id], told[entry.pk], offers))
    if rows:
        insert_many(Notification, NewNotification._fields, rows)
    write_many(promised(rows, {entry.pk: entry.request_id for entry in events}), now=now)
    _advance(counts)
    recheck = _whose_access_ended(entries)
    if last_seqs or recheck:
        transaction.on_commit(lambda: send_hint(last_seqs, recheck))


def _notification(entry: OutboxEntry, user_id: int, seq: int, audience: Audience, offers: Offers) -> NewNotification:
    fact = entry.payload
    return NewNotification(
        recipient_id=user_id,
        seq=seq,
        type=fact["type"],
        appointment_id=fact["appointment"],
        version=fact["version"],
        assignment_id=offers.get((fact["appointment"], user_id)),
        open_request=user_id in audience.shown_request,
        data=fact["data"],
        outbox_id=entry.pk,
        created_at=entry.created_at,
    )


def _offers(events: Sequence[OutboxEntry], now: datetime) -> Offers:
    """The offers that these events tell of, noted as told: new ones, and those told again after an outage."""
    new = [entry.payload["assignment"] for entry in events if "assignment" in entry.payload]
    graced = [entry.payload["appointment"] for entry in events if entry.payload["data"].get("reason") == OUTAGE]
    if not new and not graced:
        return {}
    offers = offers_told(new, graced)
    record_notified(offers.values(), now)
    return offers


def _locked_counters(user_ids: Sequence[int]) -> dict[int, int]:
    """The recipients' counters, locked in the order of ids so that two relays never wait for each other."""
    if not user_ids:
        return {}
    known = set(Inbox.objects.filter(pk__in=user_ids).values_list("pk", flat=True))
    missing = [Inbox(recipient_id=pk) for pk in user_ids if pk not in known]
    if missing:
        Inbox.objects.bulk_create(missing, ignore_conflicts=True)
    locked = Inbox.objects.select_for_update().filter(pk__in=user_ids).order_by("pk")
    return {inbox.pk: inbox.last_seq for inbox in locked}


def _advance(counts: Mapping[int, int]) -> None:
    """Move the counters on by the number of rows that each inbox got, in one statement."""
    if not counts:
        return
    ((usual, _),) = Counter(counts.values()).most_common(1)
    users: dict[int, list[int]] = defaultdict(list)
    for user_id, count in counts.items():
        if count != usual:
            users[count].append(user_id)
    steps = [When(pk__in=user_ids, then=Value(count)) for count, user_ids in users.items()]
    step = Case(*steps, default=Value(usual), output_field=PositiveBigIntegerField())
    Inbox.objects.filter(pk__in=list(counts)).update(last_seq=F("last_seq") + step)


def _whose_access_ended(entries: Iterable[OutboxEntry]) -> set[int]:
    """Users whose sockets have to show again that they may stay open."""
    ended: set[int] = set()
    for entry in entries:
        if entry.kind == TOKEN_REVOKED:
            ended.add(entry.payload["user"])
        elif entry.payload["type"] == EventType.THERAPIST_DISABLED:
            ended.add(entry.payload["data"]["therapist"])
    return ended
