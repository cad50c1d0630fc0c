"""Publishing time: one slot, a weekly repetition, or many at once; changing and withdrawing it."""

import uuid
from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from dateutil.rrule import WEEKLY, rrule
from django.db.models import QuerySet

from appointments.errors import Conflict, DoubleBooked, InvalidInput, SlotBooked
from appointments.machine.holding import SLOTS_OVERLAP, refusing_conflicts
from appointments.models import TimeSlot
from appointments.policy import current_policy
from appointments.selectors.slots import overlapping_slots
from appointments.services.offers import lock_own_therapist
from appointments.wall_clock import period
from core.accounts.models import User
from core.transactions import in_transaction

MOST: Final = 5_000
MOST_PLACES: Final = 1_000
EVERY_DAY: Final = tuple(range(7))
BOOKED: Final = "This slot is booked."
NEVER_SHOWN: Final = "This local time does not exist: the clocks are put forward then."


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """From when to when on the institution's clock; an end that is not after the start lies on the next day."""

    start_time: time
    end_time: time
    places: int = 1
    is_available: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifts:
    """The same hours on some weekdays (0 is Monday) of a range of days, both ends included."""

    first: date
    last: date
    weekdays: Sequence[int] = EVERY_DAY

    def days(self) -> list[date]:
        return [
            at.date()
            for at in rrule(WEEKLY, dtstart=_midnight(self.first), until=_midnight(self.last), byweekday=self.weekdays)
        ]


@dataclass(frozen=True, slots=True)
class Published:
    """The slots made (or, in a preview, to be made), and how many clashed, had passed or never occur."""

    slots: list[TimeSlot]
    skipped: int


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


@in_transaction
def publish(therapist_id: int, day: date, hours: Hours, actor: User, now: datetime) -> TimeSlot:
    """Publish one slot. Raises InvalidInput, DoubleBooked where it overlaps another of the therapist's."""
    therapist, zone = _publisher(therapist_id, actor)
    slot = _slot(therapist, day, hours, zone)
    if slot is None:
        raise InvalidInput(NEVER_SHOWN, attr="start_time")
    _require_future(slot.start, now, "date")
    if overlapping_slots(therapist.pk, slot.start, slot.end).exists():
        raise DoubleBooked(SLOTS_OVERLAP)
    with refusing_conflicts():
        slot.save()
    return slot


@in_transaction
def publish_weekly(
    therapist_id: int, shifts: Shifts, hours: Hours, actor: User, now: datetime, *, dry_run: bool = False
) -> Published:
    """Publish the same hours on some weekdays until a date, as one series. Raises InvalidInput naming the field."""
    therapist, zone = _publisher(therapist_id, actor)
    shifts = _still_to_come(shifts, now, zone, first="date", last="recurring_end_date")
    common = {
        "series": uuid.uuid4(),
        "recurring_days": ",".join(str(day) for day in sorted(set(shifts.weekdays))),
        "recurring_end_date": shifts.last,
    }
    wanted = [_slot(therapist, day, hours, zone, **common) for day in shifts.days()]
    done = _publish_all(therapist, wanted, now, dry_run=dry_run)
    if not done.slots:
        raise DoubleBooked("Nothing is left to publish: every occurrence clashes or has passed.")
    return done


@in_transaction
def publish_many(
    therapist_id: int,
    shifts: Shifts,
    hours: Hours,
    actor: User,
    now: datetime,
    *,
    minutes: int,
    pause: int = 0,
    dry_run: bool = False,
) -> Published:
    """Cut shifts into slots of `minutes` with a `pause` between them. Raises InvalidInput beyond 5,000 slots."""
    therapist, zone = _publisher(therapist_id, actor)
    shifts = _still_to_come(shifts, now, zone, first="start_date", last="end_date")
    length, step = timedelta(minutes=minutes), timedelta(minutes=minutes + pause)
    wanted: list[TimeSlot | None] = []
    for day in shifts.days():
        shift = period(day, hours.start_time, hours.end_time, zone)
        wanted += [None] if shift is None else _cut(therapist, *shift, length, step, hours.places, zone)
        if len(wanted) > MOST:
            raise InvalidInput(
                f"These would be more than {MOST:,} slots; choose fewer days.", code="too_many", attr="end_date"
            )
    if not wanted:
        raise InvalidInput("No slot fits into these hours and days.", code="empty", attr="slot_duration_minutes")
    return _publish_all(therapist, wanted, now, dry_run=dry_run)


def _publisher(therapist_id: int, actor: User) -> tuple[User, ZoneInfo]:
    """The therapist, locked, and the zone of their clock. Raises PermissionDenied, InvalidInput."""
    therapist = lock_own_therapist(therapist_id, actor)
    assert therapist.institution is not None
    return therapist, ZoneInfo(therapist.institution.timezone)


def _require_future(start: datetime, now: datetime, attr: str) -> None:
    if start <= now:
        raise InvalidInput("This time has already passed.", code="past", attr=attr)
    horizon = current_policy().publishing_horizon
    if start > now + horizon:
        raise InvalidInput(f"Time is published at most {horizon.days} days ahead.", code="too_far", attr=attr)


def _still_to_come(shifts: Shifts, now: datetime, zone: ZoneInfo, *, first: str, last: str) -> Shifts:
    """The part of the range that has not passed, whose fields are called `first` and `last`. Raises InvalidInput."""
    today = now.astimezone(zone).date()
    if shifts.last < shifts.first:
        raise InvalidInput("The last day lies before the first.", attr=last)
    if shifts.last < today:
        raise InvalidInput("These days have already passed.", code="past", attr=last)
    horizon = current_policy().publishing_horizon
    for day, attr in ((shifts.first, first), (shifts.last, last)):
        if day > today + horizon:
            raise InvalidInput(f"Time is published at most {horizon.days} days ahead.", code="too_far", attr=attr)
    return replace(shifts, first=max(shifts.first, today - timedelta(days=1)))


def _slot(therapist: User, day: date, hours: Hours, zone: ZoneInfo, **columns: Any) -> TimeSlot | None:
    """The slot of a day, or None where one of its local times does not occur."""
    meant = period(day, hours.start_time, hours.end_time, zone)
    if meant is None:
        return None
    return TimeSlot(
        therapist=therapist,
        date=day,
        start_time=hours.start_time,
        end_time=hours.end_time,
        start=meant[0],
        end=meant[1],
        max_appointments=hours.places,
        is_available=hours.is_available,
        **columns,
    )


def _cut(
    therapist: User, start: datetime, end: datetime, length: timedelta, step: timedelta, places: int, zone: ZoneInfo
) -> Iterator[TimeSlot]:
    """Whole slots inside a shift, in real time: an hour that the clocks repeat is worked twice."""
    while start + length <= end:
        local, until = start.astimezone(zone), (start + length).astimezone(zone)
        yield TimeSlot(
            therapist=therapist,
            date=local.date(),
            start_time=local.time(),
            end_time=until.time(),
            start=start,
            end=start + length,
            max_appointments=places,
        )
        start += step


def _publish_all(therapist: User, wanted: Iterable[TimeSlot | None], now: datetime, *, dry_run: bool) -> Published:
    """Save what clashes with nothing; in a preview tell only what would be saved."""
    taken = sorted(TimeSlot.objects.filter(therapist=therapist, end__gt=now).values_list("start", "end"))
    slots: list[TimeSlot] = []
    skipped = 0
    for slot in wanted:
        if slot is None or slot.start <= now or _clashes(slot, taken):
            skipped += 1
            continue
        insort(taken, (slot.start, slot.end))
        slots.append(slot)
    if not dry_run:
        with refusing_conflicts():
            TimeSlot.objects.bulk_create(slots, batch_size=500)
    return Published(slots, skipped)


def _clashes(slot: TimeSlot, taken: list[tuple[datetime, datetime]]) -> bool:
    """Whether a slot overlaps one of `taken`, which overlap nothing among themselves and are sorted."""
    at = bisect_right(taken, (slot.start, slot.end))
    return any(start < slot.end and slot.start < end for start, end in taken[max(0, at - 1) : at + 1])


@in_transaction
def change(
    slot_id: int, changes: dict[str, Any], actor: User, now: datetime, *, only_this: bool = False
) -> list[TimeSlot]:
    """Change a slot, or the future free slots of its series; returns them in order.

    `changes` may hold date (of a single slot), start_time, end_time, is_available and max_appointments.
    Raises SlotBooked where there is nothing free to change, DoubleBooked, InvalidInput, PermissionDenied.
    """
    slot, zone = _own(slot_id, actor)
    if slot.series is not None and not only_this and "date" in changes:
        raise InvalidInput("The days of a series cannot be changed; remove it and publish another.", attr="date")
    rows = _free_ones(slot, now, only_this=only_this)
    for row in rows:
        _change(row, changes, zone, now)
    return rows


def _change(slot: TimeSlot, changes: dict[str, Any], zone: ZoneInfo, now: datetime) -> None:
    for name, value in changes.items():
        setattr(slot, name, value)
    meant = period(slot.date, slot.start_time, slot.end_time, zone)
    if meant is None:
        raise InvalidInput(NEVER_SHOWN, attr="start_time")
    slot.start, slot.end = meant
    if changes.keys() & {"date", "start_time", "end_time"}:
        _require_future(slot.start, now, "date" if "date" in changes else "start_time")
    if overlapping_slots(slot.therapist_id, slot.start, slot.end).exclude(pk=slot.pk).exists():
        raise DoubleBooked(SLOTS_OVERLAP)
    with refusing_conflicts():
        slot.save(update_fields=[*changes, "start", "end"])
    slot.refresh_from_db(fields=["is_booked"])


@in_transaction
def withdraw(slot_id: int, actor: User, now: datetime, *, only_this: bool = False) -> int:
    """Delete a slot, or the future free slots of its series; returns how many. Raises SlotBooked, PermissionDenied."""
    slot, _ = _own(slot_id, actor)
    rows = _free_ones(slot, now, only_this=only_this)
    TimeSlot.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _own(slot_id: int, actor: User) -> tuple[TimeSlot, ZoneInfo]:
    """The slot, its therapist locked, and their zone. Raises PermissionDenied, Conflict when it is gone."""
    slot = TimeSlot.objects.filter(pk=slot_id).first()
    if slot is None:
        raise Conflict("This slot is gone.", code="slot_gone")
    _, zone = _publisher(slot.therapist_id, actor)
    return TimeSlot.objects.select_for_update().get(pk=slot_id), zone


def _free_ones(slot: TimeSlot, now: datetime, *, only_this: bool) -> list[TimeSlot]:
    """The slots that a change of `slot` touches, locked. Raises SlotBooked."""
    if slot.series is None or only_this:
        if slot.current_appointments or slot.held_places:
            raise SlotBooked(BOOKED)
        return [slot]
    rows: QuerySet[TimeSlot] = TimeSlot.objects.filter(series=slot.series, start__gt=now)
    free = list(rows.filter(current_appointments=0, held_places=0).select_for_update().order_by("start"))
    if not free:
        raise SlotBooked("Every future slot of this series is booked.")
    return free
