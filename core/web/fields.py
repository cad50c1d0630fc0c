from datetime import UTC, datetime
from typing import Any, Final

from django.utils.dateparse import parse_datetime
from rest_framework import serializers

# datetime overflows at the ends of its range as soon as a zone is applied.
YEARS: Final = range(1900, 9000)


class InstantField(serializers.DateTimeField):
    """An instant: ISO 8601 with its offset; written in UTC whatever TIME_ZONE says."""

    default_error_messages = {  # noqa: RUF012 - DRF's own form
        "no_offset": "Give the time with its offset, such as 2026-12-01T10:00:00Z.",
        "out_of_range": "This year is out of range.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)

    def to_internal_value(self, value: Any) -> datetime:
        try:
            parsed = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            parsed = None
        if parsed is not None and parsed.tzinfo is None:
            self.fail("no_offset")
        if parsed is not None and parsed.year not in YEARS:
            self.fail("out_of_range")
        return super().to_internal_value(value)
