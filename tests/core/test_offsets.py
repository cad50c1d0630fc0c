from datetime import timedelta

import pytest

from core.offsets import Offset, parse_offsets

HOUR = timedelta(hours=1)


def test_every_unit_is_read() -> None:
    assert parse_offsets("email:2d, sms:90m,push:3h") == (
        Offset("email", 48 * HOUR),
        Offset("sms", 1.5 * HOUR),
        Offset("push", 3 * HOUR),
    )


def test_an_empty_text_means_no_reminder() -> None:
    assert parse_offsets("") == ()


def test_the_same_pair_counts_once() -> None:
    assert parse_offsets("sms:2h,sms:2h,sms:120m") == (Offset("sms", 2 * HOUR),)


@pytest.mark.parametrize(
    "wrong", ["email", "email:", "email:h", "email:24", "email:24x", "fax:24h", "email:-1h", "email:0h", "email:99d"]
)
def test_what_no_reminder_can_be_planned_from_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        parse_offsets(wrong)
