"""The bounds on `start` that let an index be entered leave out nothing."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from appointments.models import Appointment
from appointments.selectors.conflicts import on_days
from tests.support.cast import Cast, book

pytestmark = pytest.mark.django_db
DAY = date(2031, 3, 4)


def on(cast: Cast, start: datetime) -> None:
    """One appointment, moved to that local time."""
    appointment = book(cast.pia, cast.olive)
    Appointment.objects.filter(pk=appointment.pk).update(
        start=start, end=start + timedelta(minutes=30), appointment_date=start.date(), appointment_time=start.time()
    )


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "UTC", "Etc/GMT+12"])
@pytest.mark.parametrize(
    ("clock", "day", "found"), [(time(), 0, 1), (time(23, 59), 0, 1), (time(23, 59), -1, 0), (time(), 1, 0)]
)
def test_a_day_is_the_whole_day_of_any_clock_and_no_more(
    cast: Cast, zone: str, clock: time, day: int, found: int
) -> None:
    on(cast, datetime.combine(DAY + timedelta(days=day), clock, ZoneInfo(zone)))
    assert Appointment.objects.filter(on_days(DAY, DAY)).count() == found
