"""Times as a patient reads them: on the institution's clock, and beside it on their own where that differs."""

import re
from collections.abc import Collection
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from appointments.selectors.slots import available, slots_for
from core.accounts.models import User
from realtime.dashboards.pages import place_of, zone_of
from realtime.dashboards.views.answers import LARGEST_ID

CLOCK: Final = re.compile(r"\d\d:\d\d")


class Elsewhere(NamedTuple):
    """What the person's own clock shows, where that is, and how many days later."""

    time: str
    place: str
    days: int


def elsewhere(me: User, instant: datetime, zone: ZoneInfo) -> Elsewhere | None:
    """The instant on the person's own clock; None where the clocks of `zone` show the same."""
    own = ZoneInfo(me.timezone) if me.timezone else zone
    here, there = (instant.astimezone(one).replace(tzinfo=None) for one in (zone, own))
    if here == there:
        return None
    return Elsewhere(f"{there:%H:%M}", place_of(own), (there.date() - here.date()).days)


def free_times(me: User, day: date, therapist_id: int | None, now: datetime) -> dict[str, Elsewhere | None]:
    """When somebody (or this therapist) has a place on that day, each with what the person's own clock shows then."""
    rows = available(slots_for(me, now), now).filter(date=day)
    if therapist_id is not None:
        rows = rows.filter(therapist_id=min(therapist_id, LARGEST_ID))
    zone, starts = zone_of(me), sorted(rows.values_list("start", flat=True))
    return {f"{start.astimezone(zone):%H:%M}": elsewhere(me, start, zone) for start in starts}


def nearest(times: Collection[str], wanted: str, most: int = 3) -> list[str]:
    """The free times closest to one that is not free."""

    def minutes(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:5])

    if not CLOCK.fullmatch(wanted) or wanted in times:
        return []
    return sorted(sorted(times, key=lambda time: abs(minutes(time) - minutes(wanted)))[:most])
