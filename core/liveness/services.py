from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from core.liveness.models import Heartbeat, Lease, Outage, Part

BEAT_EVERY: Final = timedelta(seconds=5)
# A restart takes seconds; a silence beyond this one is time that people did not have.
OUTAGE_AFTER: Final = timedelta(seconds=60)
# Three missed beats: too short to be an outage yet, long enough not to hold a silence against anyone.
SILENT_AFTER: Final = timedelta(seconds=15)
# Beat and workers are not watched: the relay's own sweep covers for them.
WATCHED: Final = (Part.WEB, Part.RELAY)


@transaction.atomic
def beat(part: Part, now: datetime) -> Outage | None:
    """Record that `part` lives; the first beat after a long silence enters that outage in the ledger."""
    known, created = Heartbeat.objects.select_for_update().get_or_create(part=part, defaults={"beaten_at": now})
    if created or now <= known.beaten_at:
        return None
    silent_since = known.beaten_at
    known.beaten_at = now
    known.save(update_fields=["beaten_at"])
    if part not in WATCHED or now - silent_since <= OUTAGE_AFTER:
        return None
    return Outage.objects.create(part=part, started_at=silent_since, ended_at=now)


def last_beat(part: Part) -> datetime | None:
    """When `part` last reported, or None if it never did."""
    return Heartbeat.objects.filter(part=part).values_list("beaten_at", flat=True).first()


def silent(now: datetime) -> QuerySet[Heartbeat]:
    """Of web and relay, who having once lived has stopped reporting; a part that never ran is not silent."""
    return Heartbeat.objects.filter(part__in=WATCHED, beaten_at__lt=now - SILENT_AFTER)


def hold_lease(part: Part, holder: str, now: datetime, length: timedelta) -> bool:
    """Take or renew the lease on being the one `part`; False while somebody else holds it."""
    fresh = {"holder": holder, "held_until": now + length}
    _, created = Lease.objects.get_or_create(part=part, defaults=fresh)
    if created:
        return True
    mine_or_lapsed = Q(holder=holder) | Q(held_until__lte=now)
    return bool(Lease.objects.filter(mine_or_lapsed, part=part).update(**fresh))


def give_lease_back(part: Part, holder: str) -> None:
    """End the lease, if it is still this holder's."""
    Lease.objects.filter(part=part, holder=holder).delete()
