"""A thin face for scripts and shells over the services and selectors; the rules are theirs, the clock is read here."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any, TypedDict

from django.utils import timezone

from appointments.errors import DoubleBooked, InvalidInput
from appointments.models import TimeSlot
from appointments.selectors.slots import bookable_slots
from appointments.services.reminders import send_due
from appointments.services.slots import EVERY_DAY, Hours, Shifts, publish_weekly
from core.accounts.models import User


class AvailableSlot(TypedDict):
    """A slot, and how many of its places are free."""

    slot: TimeSlot
    available_count: int


class AppointmentScheduler:
    """Publishing a therapist's time, and finding what of it is free."""

    @staticmethod
    def create_recurring_slots(
        doctor: User,
        start_date: date | str,
        end_date: date | str,
        time_slots_config: Iterable[Mapping[str, Any]],
        weekdays: Sequence[int] | None = None,
    ) -> list[TimeSlot]:
        """Publish hours on some weekdays (0 is Monday; none named: every day), both dates included.

        Each of `time_slots_config` is `{"start_time", "end_time", "max_appointments": 1}`, times as `time` or "09:00"
        on the institution's clock. Returns the slots made; what clashes, has passed or exists already is left out,
        so running it again makes nothing. Raises InvalidInput naming what cannot be read.
        """
        first, last = _day(start_date, "start_date"), _day(end_date, "end_date")
        shifts = Shifts(first=first, last=last, weekdays=EVERY_DAY if weekdays is None else _weekdays(weekdays))
        hours = [_hours(config) for config in time_slots_config]
        made: list[TimeSlot] = []
        for one in hours:
            try:
                made += publish_weekly(doctor.pk, shifts, one, doctor, timezone.now()).slots
            except DoubleBooked:  # nothing of these hours is left to publish
                continue
        return made

    @staticmethod
    def get_available_slots(doctor: User, date: date | str, duration_minutes: int = 30) -> list[AvailableSlot]:
        """The doctor's slots of a day of the institution's calendar that have a place for a visit of this length."""
        rows = bookable_slots(doctor.pk, _day(date, "date"), duration_minutes, timezone.now())
        return [
            AvailableSlot(
                slot=slot, available_count=slot.max_appointments - slot.current_appointments - slot.held_places
            )
            for slot in rows
        ]


class AppointmentRemindersProcessor:
    """Sending what is due without any worker."""

    @staticmethod
    def process_pending_reminders() -> tuple[int, int]:
        """Send every due reminder here and now; counts those dealt with, and apart from them those that failed.

        A reminder that is no longer wanted counts as dealt with; one that failed is tried again later.
        """
        processed = failed = 0
        for reminder in send_due(timezone.now):
            if reminder.error:
                failed += 1
            else:
                processed += 1
        return processed, failed


def _day(value: date | str, name: str) -> date:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise InvalidInput("Not a date such as 2026-12-01.", attr=name) from None


def _weekdays(days: Sequence[int]) -> list[int]:
    if not days or not set(days) <= set(EVERY_DAY):
        raise InvalidInput("Weekdays are numbers from 0, Monday, to 6, Sunday.", attr="weekdays")
    return sorted(set(days))


def _hours(config: Mapping[str, Any]) -> Hours:
    unknown = sorted(set(config) - {"start_time", "end_time", "max_appointments"})
    if unknown:
        raise InvalidInput(f"Unknown: {', '.join(unknown)}.", attr="time_slots_config")
    places = config.get("max_appointments", 1)
    if not isinstance(places, int) or places < 1:
        raise InvalidInput("At least one place.", attr="max_appointments")
    return Hours(start_time=_time(config, "start_time"), end_time=_time(config, "end_time"), places=places)


def _time(config: Mapping[str, Any], name: str) -> time:
    value = config.get(name)
    try:
        return value if isinstance(value, time) else time.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InvalidInput("Not a time such as 09:00.", attr=name) from None
