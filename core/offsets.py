"""`email:24h,sms:2h`: by which channels somebody is reminded, and how long before."""

import re
from datetime import timedelta
from typing import Final, NamedTuple

CHANNELS: Final = ("email", "sms", "whatsapp", "push")
UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST: Final = timedelta(days=60)
SHAPE: Final = re.compile(rf"({'|'.join(CHANNELS)}):([0-9]{{1,5}})([mhd])")
EXPECTS: Final = "channel:time pairs such as email:24h,sms:2h"


class Offset(NamedTuple):
    channel: str
    before: timedelta


def parse_offsets(raw: str) -> tuple[Offset, ...]:
    """The pairs in the order given, each once; none of an empty text. Raises ValueError."""
    found: list[Offset] = []
    for item in filter(None, (part.strip() for part in raw.split(","))):
        matched = SHAPE.fullmatch(item)
        if matched is None:
            raise ValueError(item)
        channel, count, unit = matched.groups()
        before = int(count) * UNITS[unit]
        if not timedelta() < before <= LONGEST:
            raise ValueError(item)
        found.append(Offset(channel, before))
    return tuple(dict.fromkeys(found))
