"""Published time on the institution's clock: single, weekly, many at once; changed and withdrawn."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from appointments.errors import DoubleBooked, InvalidInput, PermissionDenied, SlotBooked
from appointments.models import TimeSlot
from appointments.services import booking, slots
from appointments.services.slots import Hours, Shifts
from core.accounts.models import Institution, User
from tests.appointments.moves import NOW, START, confirmed, minutes, slot_around
from tests.support.cast import Cast

MONDAY = date(2031, 3, 10)
MORNING = Hours(start_time=time(9), end_time=time(10))


def in_berlin(cast: Cast) -> User:
    Institution.objects.filter(pk=cast.clinic.pk).update(timezone="Europe/Berlin")
    return cast.theo


def single(cast: Cast, day: date = MONDAY, hours: Hours = MORNING, actor: User | None = None) -> TimeSlot:
    return slots.publish(cast.theo.pk, day, hours, actor or cast.theo, NOW)


def weekly(cast: Cast, first: date, last: date, hours: Hours = MORNING, *weekdays: int) -> list[TimeSlot]:
    shifts = Shifts(first=first, last=last, weekdays=weekdays or (first.weekday(),))
    return slots.publish_weekly(cast.theo.pk, shifts, hours, cast.theo, NOW).slots


def many(cast: Cast, hours: Hours, first: date = MONDAY, last: date = MONDAY, **wishes: int) -> slots.Published:
    return slots.publish_many(
        cast.theo.pk, Shifts(first=first, last=last), hours, cast.olive, NOW, **{"minutes": 30, **wishes}
    )


def test_a_slot_is_what_the_institutions_clock_shows(cast: Cast) -> None:
    slot = single(cast)
    assert (slot.start, slot.end) == (datetime(2031, 3, 10, 4, tzinfo=UTC), datetime(2031, 3, 10, 5, tzinfo=UTC))


def test_a_shift_past_midnight_ends_on_the_next_day(cast: Cast) -> None:
    slot = single(cast, hours=Hours(start_time=time(22), end_time=time(2)))
    assert slot.end - slot.start == timedelta(hours=4)
    assert slot.date == MONDAY


@pytest.mark.parametrize(
    ("first", "last", "offsets"),
    [
        (date(2031, 3, 23), date(2031, 4, 6), [1, 2, 2]),  # the last Sunday of March is the 30th
        (date(2031, 10, 19), date(2031, 11, 2), [2, 1, 1]),  # the last Sunday of October is the 26th
    ],
)
def test_a_weekly_slot_keeps_its_wall_clock_where_the_clocks_change(
    cast: Cast, first: date, last: date, offsets: list[int]
) -> None:
    in_berlin(cast)
    made = weekly(cast, first, last)
    assert [slot.start.hour for slot in made] == [9 - offset for offset in offsets]
    assert {slot.start_time for slot in made} == {time(9)}
    assert {slot.end - slot.start for slot in made} == {timedelta(hours=1)}


def test_a_weekly_slot_at_a_time_that_the_clocks_leave_out_is_left_out(cast: Cast) -> None:
    in_berlin(cast)
    made = weekly(cast, date(2031, 3, 23), date(2031, 4, 6), Hours(start_time=time(2, 30), end_time=time(3, 30)))
    assert [slot.date for slot in made] == [date(2031, 3, 23), date(2031, 4, 6)]


def test_a_single_slot_at_a_time_that_the_clocks_leave_out_is_refused(cast: Cast) -> None:
    in_berlin(cast)
    with pytest.raises(InvalidInput) as refused:
        single(cast, date(2031, 3, 30), Hours(start_time=time(2, 30), end_time=time(4)))
    assert refused.value.attr == "start_time"


def test_a_night_shift_is_worked_in_real_time_where_the_clocks_change(cast: Cast) -> None:
    in_berlin(cast)
    night = Hours(start_time=time(22), end_time=time(4))
    assert len(many(cast, night, date(2031, 3, 29), date(2031, 3, 29), minutes=60).slots) == 5
    assert len(many(cast, night, date(2031, 10, 25), date(2031, 10, 25), minutes=60).slots) == 7


def test_a_weekly_slot_comes_on_its_weekdays_until_its_last_day(cast: Cast) -> None:
    made = weekly(cast, MONDAY, MONDAY + timedelta(days=9), MORNING, 0, 2)
    assert [slot.date.day for slot in made] == [10, 12, 17, 19]
    assert {slot.recurring_days for slot in made} == {"0,2"}
    assert len({slot.series for slot in made}) == 1


def test_slots_of_one_therapist_do_not_overlap_but_may_touch(cast: Cast) -> None:
    single(cast)
    single(cast, hours=Hours(start_time=time(10), end_time=time(11)))
    with pytest.raises(DoubleBooked):
        single(cast, hours=Hours(start_time=time(9, 30), end_time=time(10, 30)))


def test_many_slots_leave_their_breaks(cast: Cast) -> None:
    made = many(cast, Hours(start_time=time(9), end_time=time(11)), minutes=30, pause=15).slots
    assert [slot.start_time for slot in made] == [time(9), time(9, 45), time(10, 30)]


def test_many_slots_skip_and_count_what_clashes_and_what_has_passed(cast: Cast) -> None:
    slot_around(cast.theo, datetime(2031, 3, 10, 4, 15, tzinfo=UTC), 30)
    done = many(cast, Hours(start_time=time(9), end_time=time(11)))
    assert ([slot.start_time for slot in done.slots], done.skipped) == ([time(10), time(10, 30)], 2)
    today = many(cast, Hours(start_time=time(12), end_time=time(14)), NOW.date(), NOW.date())  # it is 13:00 there
    assert ([slot.start_time for slot in today.slots], today.skipped) == ([time(13, 30)], 3)


def test_a_preview_of_many_slots_saves_nothing(cast: Cast) -> None:
    done = slots.publish_many(
        cast.theo.pk, Shifts(first=MONDAY, last=MONDAY), MORNING, cast.theo, NOW, minutes=30, dry_run=True
    )
    assert len(done.slots) == 2
    assert not TimeSlot.objects.exists()


def test_five_thousand_slots_are_made_at_once_and_no_more(cast: Cast) -> None:
    day_and_night = Hours(start_time=time(0), end_time=time(0))
    made = many(cast, day_and_night, MONDAY, MONDAY + timedelta(days=51), minutes=15)
    assert len(made.slots) == 52 * 96
    with pytest.raises(InvalidInput) as refused:
        many(cast, day_and_night, MONDAY, MONDAY + timedelta(days=52), minutes=15)
    assert refused.value.attr == "end_date"


@pytest.mark.parametrize(
    ("first", "last", "attr"),
    [
        (MONDAY, MONDAY - timedelta(days=1), "end_date"),
        (date(2031, 1, 1), date(2031, 3, 1), "end_date"),
        (MONDAY, date(2041, 1, 1), "end_date"),
        (date(2041, 1, 1), date(2041, 1, 2), "start_date"),
    ],
)
def test_a_range_that_cannot_be_is_refused_by_its_field(cast: Cast, first: date, last: date, attr: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        many(cast, MORNING, first, last)
    assert refused.value.attr == attr


def test_hours_that_hold_no_slot_are_refused(cast: Cast) -> None:
    with pytest.raises(InvalidInput) as refused:
        many(cast, MORNING, minutes=90)
    assert refused.value.attr == "slot_duration_minutes"


def test_the_past_is_not_published(cast: Cast) -> None:
    with pytest.raises(InvalidInput) as refused:
        single(cast, NOW.date() - timedelta(days=1))
    assert refused.value.attr == "date"


def test_who_is_neither_the_therapist_nor_staff_publishes_nothing(cast: Cast) -> None:
    for stranger in (cast.tara, cast.pia):
        with pytest.raises(PermissionDenied):
            single(cast, actor=stranger)
    with pytest.raises(InvalidInput):
        single(cast, actor=cast.xander)


def booked_slot(cast: Cast) -> TimeSlot:
    slot = slot_around(cast.theo, START)
    confirmed(cast)
    return slot


def test_a_booked_slot_is_neither_changed_nor_withdrawn(cast: Cast) -> None:
    slot = booked_slot(cast)
    with pytest.raises(SlotBooked):
        slots.change(slot.pk, {"max_appointments": 3}, cast.theo, NOW)
    with pytest.raises(SlotBooked):
        slots.withdraw(slot.pk, cast.theo, NOW)


def test_a_held_place_is_booked_too(cast: Cast) -> None:
    slot = slot_around(cast.theo, START)
    TimeSlot.objects.filter(pk=slot.pk).update(held_places=1)
    with pytest.raises(SlotBooked):
        slots.withdraw(slot.pk, cast.theo, NOW)
    with pytest.raises(booking.SlotFull):
        booking.book(booking.Booking(patient=cast.pia, start=START, time_slot_id=slot.pk), cast.pia, NOW)


def test_withdrawing_a_slot_that_was_booked_once_keeps_the_appointment(cast: Cast) -> None:
    from appointments.services import attendance

    slot = slot_around(cast.theo, START)
    pk = confirmed(cast).pk
    attendance.cancel(pk, "ill", cast.pia, NOW + minutes(6))
    assert slots.withdraw(slot.pk, cast.theo, NOW) == 1
    assert not TimeSlot.objects.exists()


def test_a_series_is_changed_and_withdrawn_where_it_is_still_free(cast: Cast) -> None:
    first, second, third = weekly(cast, MONDAY, MONDAY + timedelta(days=14))
    TimeSlot.objects.filter(pk=second.pk).update(current_appointments=1)
    changed = slots.change(third.pk, {"max_appointments": 2, "start_time": time(8, 30)}, cast.theo, NOW)
    assert [slot.pk for slot in changed] == [first.pk, third.pk]
    assert {slot.start.minute for slot in changed} == {30}
    assert slots.withdraw(first.pk, cast.theo, NOW) == 2
    assert TimeSlot.objects.get() == second


def test_one_occurrence_can_be_withdrawn_alone(cast: Cast) -> None:
    first, second = weekly(cast, MONDAY, MONDAY + timedelta(days=7))
    assert slots.withdraw(first.pk, cast.theo, NOW, only_this=True) == 1
    assert TimeSlot.objects.get() == second


def test_a_slot_cannot_be_moved_onto_another(cast: Cast) -> None:
    single(cast)
    later = single(cast, hours=Hours(start_time=time(10), end_time=time(11)))
    with pytest.raises(DoubleBooked):
        slots.change(later.pk, {"start_time": time(9, 30)}, cast.theo, NOW)
