"""Reading times from requests: wall-clock in the institution's zone, or an instant with its offset."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from appointments.errors import InvalidInput
from appointments.wall_clock import instant
from core.web.fields import YEARS

NEVER_SHOWN = "This local time does not exist: the clocks are put forward then."


def require_sane_year(value: date, attr: str) -> None:
    """Refuse dates that no calendar of ours can reach. Raises InvalidInput."""
    if value.year not in YEARS:
        raise InvalidInput("This year is out of range.", attr=attr)


def from_wall_clock(day: date, at: time, zone: ZoneInfo, *, attr: str) -> datetime:
    """The instant of a local time; one that occurs twice is the first. Raises InvalidInput for one that never does."""
    require_sane_year(day, attr)
    meant = instant(day, at, zone)
    if meant is None:
        raise InvalidInput(NEVER_SHOWN, attr=attr)
    return meant


def day_after(day: date) -> date:
    """The next calendar day."""
    return day + timedelta(days=1)
