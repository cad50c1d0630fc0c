from datetime import UTC, datetime
from typing import Any

import pytest

from core.accounts.models import Institution, User
from core.accounts.preferences import mistakes_in, out_of_quiet_hours, reminder_offsets, wants

LATE = datetime(2031, 3, 9, tzinfo=UTC)


def person(zone: str = "Asia/Karachi", **preferences: Any) -> User:
    return User(institution=Institution(timezone="Europe/Berlin"), timezone=zone, preferences=preferences)


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2031, 3, day, hour, minute, tzinfo=UTC)


def test_every_channel_is_wanted_until_it_is_refused() -> None:
    refusing = person(channels={"sms": False})
    assert (wants(person(), "sms"), wants(refusing, "sms"), wants(refusing, "email")) == (True, False, True)


@pytest.mark.parametrize("stored", [[], "text", None, {"channels": "sms", "reminders": 5, "quiet_hours": ["22:00"]}])
def test_preferences_of_another_shape_count_as_none(stored: Any) -> None:
    odd = person()
    odd.preferences = stored
    assert wants(odd, "sms")
    assert reminder_offsets(odd) is None
    assert out_of_quiet_hours(odd, utc(3, 23), LATE) == utc(3, 23)


def test_no_reminder_at_all_is_a_choice_too() -> None:
    assert (reminder_offsets(person()), reminder_offsets(person(reminders=""))) == (None, ())


@pytest.mark.parametrize(
    ("moment", "moved"),
    [
        (utc(3, 16, 59), utc(3, 16, 59)),  # 21:59 in Karachi
        (utc(3, 17, 0), utc(4, 2, 0)),  # 22:00: to 07:00 of the next day
        (utc(3, 19, 30), utc(4, 2, 0)),  # 00:30: to 07:00 of the same day
        (utc(3, 2, 0), utc(3, 2, 0)),  # 07:00
    ],
)
def test_the_quiet_night_ends_on_the_persons_own_clock(moment: datetime, moved: datetime) -> None:
    assert out_of_quiet_hours(person(quiet_hours="22:00-07:00"), moment, LATE) == moved


def test_a_quiet_noon_lies_within_one_day() -> None:
    sleeper = person(quiet_hours="13:00-15:00")
    assert out_of_quiet_hours(sleeper, utc(3, 9, 0), LATE) == utc(3, 10, 0)
    assert out_of_quiet_hours(sleeper, utc(3, 7, 59), LATE) == utc(3, 7, 59)


@pytest.mark.parametrize("moment", [utc(3, 18, 0), utc(3, 23, 30)])
def test_where_the_end_is_too_late_the_evening_before_is_taken(moment: datetime) -> None:
    assert out_of_quiet_hours(person(quiet_hours="22:00-07:00"), moment, utc(4, 1, 0)) == utc(3, 17, 0)


def test_without_a_zone_of_their_own_it_is_the_institutions() -> None:
    assert out_of_quiet_hours(person("", quiet_hours="22:00-07:00"), utc(3, 22, 0), LATE) == utc(4, 6, 0)


def test_a_night_in_which_the_clocks_change_ends_at_its_local_hour() -> None:
    berliner = person("Europe/Berlin", quiet_hours="22:00-07:00")
    assert out_of_quiet_hours(berliner, datetime(2031, 3, 29, 22, tzinfo=UTC), datetime(2031, 4, 9, tzinfo=UTC)) == (
        datetime(2031, 3, 30, 5, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"channels": {"sms": "no"}}, "channels"),
        ({"channels": []}, "channels"),
        ({"reminders": "email:soon"}, "reminders"),
        ({"reminders": False}, "reminders"),
        ({"quiet_hours": "10pm-7am"}, "quiet_hours"),
        ({"quiet_hours": "24:00-07:00"}, "quiet_hours"),
        ({"quiet_hours": "07:00-07:00"}, "quiet_hours"),
        ({"quiet_hours": None}, "quiet_hours"),
    ],
)
def test_a_mistake_is_named(wrong: dict[str, Any], names: str) -> None:
    (said,) = mistakes_in(wrong)
    assert said.startswith(names)


def test_what_is_well_formed_and_what_is_none_of_ours_is_taken() -> None:
    assert mistakes_in({"channels": {"sms": False}, "reminders": "", "quiet_hours": "", "theme": "dark"}) == []
    assert mistakes_in({"reminders": "push:1h", "quiet_hours": "22:00-07:00"}) == []
