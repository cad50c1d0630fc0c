"""Between an institution's wall clock and instants; IANA zones decide, also where the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def instant(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    """The instant of a local time; one that occurs twice is the first, for one that never occurs None."""
    local = datetime.combine(day, at.replace(tzinfo=None)).replace(tzinfo=zone, fold=0)
    meant = local.astimezone(UTC)
    return meant if meant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None) else None


def period(day: date, begins: time, ends: time, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """The instants between two local times of a day; an end that is not after the beginning lies on the next day."""
    start = instant(day, begins, zone)
    end = instant(day if ends > begins else day + timedelta(days=1), ends, zone)
    return None if start is None or end is None else (start, end)
