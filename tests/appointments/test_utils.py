"""The face for scripts: the contract's calls, over the same rules as the API."""

from datetime import UTC, date, datetime, time

import pytest
import time_machine

from appointments.errors import InvalidInput
from appointments.models import Appointment, AppointmentReminder, TimeSlot
from appointments.services import assignment, booking
from appointments.utils import AppointmentRemindersProcessor, AppointmentScheduler
from core.accounts.models import User
from tests.support.cast import Cast
from tests.support.mail import Mailbox

NOW = datetime(2031, 3, 3, 8, 0, tzinfo=UTC)  # a Monday
MORNING = {"start_time": "09:00", "end_time": time(10, 0), "max_appointments": 2}
create = AppointmentScheduler.create_recurring_slots
process = AppointmentRemindersProcessor.process_pending_reminders
available = AppointmentScheduler.get_available_slots


def accepted(patient: User, therapist: User, operator: User) -> Appointment:
    start = datetime(2031, 3, 5, 8, 0, tzinfo=UTC)
    offer = booking.book(booking.Booking(patient=patient, start=start, therapist_id=therapist.pk), operator, NOW)
    return assignment.accept(offer.pk, therapist, NOW)


@pytest.fixture(autouse=True)
def _clock() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def test_hours_are_published_on_the_weekdays_asked_for(cast: Cast) -> None:
    made = create(cast.theo, date(2031, 3, 4), "2031-03-17", [MORNING], [0, 2])
    assert [slot.date.isoformat() for slot in made] == ["2031-03-05", "2031-03-10", "2031-03-12", "2031-03-17"]
    assert {(slot.start_time, slot.end_time, slot.max_appointments) for slot in made} == {(time(9), time(10), 2)}
    assert made[0].start == datetime(2031, 3, 5, 4, 0, tzinfo=UTC)  # nine in Karachi
    assert TimeSlot.objects.count() == 4


def test_without_weekdays_every_day_is_meant_and_each_entry_is_a_slot(cast: Cast) -> None:
    evening = {"start_time": time(20), "end_time": time(21)}
    made = create(cast.theo, "2031-03-04", "2031-03-06", [MORNING, evening])
    assert len(made) == 6


def test_running_it_again_makes_nothing(cast: Cast) -> None:
    days = ("2031-03-04", "2031-03-06")
    create(cast.theo, *days, [MORNING])
    assert create(cast.theo, *days, [MORNING]) == []
    assert TimeSlot.objects.count() == 3


@pytest.mark.parametrize(
    ("config", "weekdays", "attr"),
    [
        ({"start_time": "nine", "end_time": "10:00"}, None, "start_time"),
        ({"start_time": "09:00"}, None, "end_time"),
        ({**MORNING, "max_appointments": 0}, None, "max_appointments"),
        ({**MORNING, "capacity": 2}, None, "time_slots_config"),
        (MORNING, [7], "weekdays"),
        (MORNING, [], "weekdays"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_is_made(
    cast: Cast, config: dict[str, object], weekdays: list[int] | None, attr: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        create(cast.theo, "2031-03-04", "2031-03-06", [MORNING, config], weekdays)
    assert refused.value.attr == attr
    assert not TimeSlot.objects.exists()


def test_a_date_that_is_none_is_named(cast: Cast) -> None:
    with pytest.raises(InvalidInput) as refused:
        available(cast.theo, "tomorrow", 30)
    assert refused.value.attr == "date"


def test_free_places_are_counted_and_full_slots_left_out(cast: Cast) -> None:
    early = {"start_time": "08:00", "end_time": "08:30"}
    create(cast.theo, "2031-03-04", "2031-03-04", [MORNING, early])
    for patient, hour in ((cast.pia, 3), (cast.pavel, 4)):
        start = datetime(2031, 3, 4, hour, 0, tzinfo=UTC)
        booking.book(booking.Booking(patient=patient, start=start, therapist_id=cast.theo.pk), cast.olive, NOW)
    found = available(cast.theo, date(2031, 3, 4), 30)
    assert [(one["slot"].start_time, one["available_count"]) for one in found] == [(time(9), 1)]


def test_a_visit_that_does_not_fit_finds_no_slot(cast: Cast) -> None:
    create(cast.theo, "2031-03-04", "2031-03-04", [MORNING])
    assert len(available(cast.theo, date(2031, 3, 4), 60)) == 1
    assert available(cast.theo, date(2031, 3, 4), 61) == []


def test_due_reminders_are_sent_and_those_that_failed_counted_apart(cast: Cast, mailbox: Mailbox) -> None:
    mailbox.data_answers["pavel@clinic.example"] = "451 try again"
    for patient, therapist in ((cast.pia, cast.theo), (cast.pavel, cast.tara)):
        accepted(patient, therapist, cast.olive)
    assert process() == (0, 0)
    AppointmentReminder.objects.filter(reminder_type="email").update(due_at=NOW)
    assert process() == (1, 1)
    assert mailbox.recipients == ["pia@clinic.example"]
    assert process() == (0, 0)
