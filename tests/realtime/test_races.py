"""Numbers stay whole under several relays at a time; without the lock on the counters they would not."""

import random
import threading
from collections import Counter
from collections.abc import Sequence

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from appointments.events import EventFact, EventType
from core.accounts.models import User
from core.outbox.models import Lane, OutboxEntry
from realtime import fan_out
from realtime.models import Inbox, Notification
from tests.realtime.conftest import now
from tests.support.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

RELAYS = 8
BATCHES = 12


def entries_for(people: Sequence[User], chance: random.Random, count: int) -> list[OutboxEntry]:
    made = []
    for _ in range(count):
        told = [person.pk for person in people if chance.random() < 0.7]
        fact = EventFact(type=EventType.UPDATED, appointment=None, version=None, operators=None, people=told, data={})
        made.append(
            OutboxEntry(
                lane=Lane.REALTIME,
                stream=f"test:{chance.random()}",
                kind=fact["type"],
                payload=fact,
                created_at=now(),
                available_at=now(),
            )
        )
    return made


def race(people: Sequence[User]) -> list[str]:
    """Let eight relays deliver batches of their own at the same time; returns the errors they met."""
    chance = random.Random(11)
    work = [[entries_for(people, chance, 4) for _ in range(BATCHES)] for _ in range(RELAYS)]
    OutboxEntry.objects.bulk_create([entry for batches in work for batch in batches for entry in batch])
    errors: list[str] = []
    together = threading.Barrier(RELAYS)

    def relay(batches: list[list[OutboxEntry]]) -> None:
        together.wait()
        for batch in batches:
            try:
                with transaction.atomic():
                    fan_out.deliver(batch)
            except (IntegrityError, OperationalError) as error:
                errors.append(type(error).__name__)
        connection.close()

    threads = [threading.Thread(target=relay, args=(batches,)) for batches in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def everybody(cast: Cast) -> list[User]:
    return [cast.olive, cast.otto, cast.theo, cast.tara, cast.pia, cast.pavel]


def whole(person: User) -> bool:
    """Tell whether the person's numbers are 1..n, with the counter at n."""
    seqs = list(Notification.objects.filter(recipient=person).order_by("seq").values_list("seq", flat=True))
    return seqs == list(range(1, Inbox.objects.get(pk=person.pk).last_seq + 1))


def test_eight_relays_at_a_time_leave_no_gap_and_no_double(cast: Cast) -> None:
    people = everybody(cast)
    assert race(people) == []
    assert all(whole(person) for person in people)
    told = Counter(user for entry in OutboxEntry.objects.all() for user in entry.payload["people"])
    counted = Counter(Notification.objects.values_list("recipient_id", flat=True))
    assert counted == told


def test_without_the_lock_on_the_counters_the_race_shows(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: there is no race to show")

    def unlocked(user_ids: Sequence[int]) -> dict[int, int]:
        Inbox.objects.bulk_create((Inbox(recipient_id=pk) for pk in user_ids), ignore_conflicts=True)
        return dict(Inbox.objects.filter(pk__in=user_ids).values_list("pk", "last_seq"))

    monkeypatch.setattr(fan_out, "_locked_counters", unlocked)
    assert "IntegrityError" in race(everybody(cast))


def test_the_same_row_carried_out_twice_tells_once(cast: Cast) -> None:
    (entry,) = entries_for(everybody(cast), random.Random(1), 1)
    entry.save()
    with transaction.atomic():
        fan_out.deliver([entry])
    with pytest.raises(IntegrityError), transaction.atomic():
        fan_out.deliver([entry])
    assert all(whole(person) for person in everybody(cast) if Inbox.objects.filter(pk=person.pk).exists())
