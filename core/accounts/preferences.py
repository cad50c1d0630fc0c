"""What a person has chosen. An admin or an import may have stored any shape: what cannot be read counts as not chosen.

`channels` {"sms": false}: not by SMS. `reminders` "email:24h": these in place of the institution's, "" for none.
`quiet_hours` "22:00-07:00": no reminder then, on the person's own clock. `emails` {"appointment_accepted": false}: no
e-mail of this event; operators, who have their dashboard, get only those for which it says true.
"""

import re
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.accounts.models import Role, User
from core.messaging import EMAIL
from core.offsets import EXPECTS, Offset, parse_offsets

QUIET_SHAPE: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
DAY: Final = timedelta(days=1)


def mistakes_in(preferences: dict[str, Any]) -> list[str]:
    """What is wrong with preferences that a person sends."""
    found = []
    if not _says_yes_or_no(preferences.get("channels", {})):
        found.append("channels says true or false for each channel.")
    if not _says_yes_or_no(preferences.get("emails", {})):
        found.append("emails says true or false for each event.")
    if _offsets(preferences.get("reminders", "")) is None:
        found.append(f"reminders expects {EXPECTS}.")
    if preferences.get("quiet_hours", "") != "" and _quiet(preferences["quiet_hours"]) is None:
        found.append("quiet_hours expects two times such as 22:00-07:00.")
    return found


def wants(user: User, channel: str) -> bool:
    """Tell whether the person may be told by this channel; all are wanted until one is refused."""
    channels = _chosen(user, "channels")
    return not isinstance(channels, dict) or channels.get(channel) is not False


def wants_mail_of(user: User, event: str) -> bool:
    """Tell whether the person may be told of this event by e-mail."""
    emails = _chosen(user, "emails")
    said = emails.get(event) if isinstance(emails, dict) else None
    wanted = said if isinstance(said, bool) else user.role not in {Role.OPERATOR, Role.ADMIN}
    return wanted and wants(user, EMAIL)


def reminder_offsets(user: User) -> tuple[Offset, ...] | None:
    """When the person wants to be reminded; None where they leave it to the institution."""
    chosen = _chosen(user, "reminders")
    return None if chosen is None else _offsets(chosen)


def zone_of(user: User) -> ZoneInfo:
    """The person's own zone, else their institution's."""
    home = user.institution.timezone if user.institution else "UTC"
    return ZoneInfo(user.timezone or home)


def out_of_quiet_hours(user: User, moment: datetime, before: datetime) -> datetime:
    """`moment`, or the end of the quiet hours it falls into; their beginning where the end is not before `before`."""
    hours = _quiet(_chosen(user, "quiet_hours"))
    if hours is None:
        return moment
    begin, end = hours
    zone = zone_of(user)
    local = moment.astimezone(zone)
    overnight = end < begin
    inside = (local.time() >= begin or local.time() < end) if overnight else begin <= local.time() < end
    if not inside:
        return moment
    evening = overnight and local.time() >= begin
    morning = overnight and not evening
    until = datetime.combine(local.date() + (DAY if evening else timedelta()), end, zone)
    since = datetime.combine(local.date() - (DAY if morning else timedelta()), begin, zone)
    chosen = until if until < before else since
    return chosen.astimezone(moment.tzinfo)


def _chosen(user: User, name: str) -> Any:
    return user.preferences.get(name) if isinstance(user.preferences, dict) else None


def _says_yes_or_no(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(wanted, bool) for wanted in value.values())


def _offsets(value: Any) -> tuple[Offset, ...] | None:
    try:
        return parse_offsets(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _quiet(value: Any) -> tuple[time, time] | None:
    matched = QUIET_SHAPE.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        return None
    from_hour, from_minute, to_hour, to_minute = (int(number) for number in matched.groups())
    begin, end = time(from_hour, from_minute), time(to_hour, to_minute)
    return None if begin == end else (begin, end)
