"""Which reminders exist, and that they follow the appointment in the same transaction."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from appointments.models import Appointment, AppointmentReminder, ReviewDecision
from appointments.services import assignment, attendance, rescheduling, review
from appointments.services.reassign import reassign
from core.accounts.models import Institution, User
from core.offsets import parse_offsets
from tests.support.cast import Cast, at, book, offer

pytestmark = pytest.mark.django_db


def accepted(cast: Cast, *, hours: float = 72) -> Appointment:
    return assignment.accept(offer(cast, hours=hours).pk, cast.theo, timezone.now())


def reminders(appointment: Appointment, status: str = "pending") -> list[tuple[str, timedelta]]:
    """Channel and time before the start."""
    rows = AppointmentReminder.objects.filter(appointment=appointment, status=status)
    return [(row.reminder_type, appointment.start - row.scheduled_for) for row in rows]


def prefer(person: User, **preferences: Any) -> None:
    User.objects.filter(pk=person.pk).update(preferences=preferences)


DAY, TWO_HOURS = ("email", timedelta(hours=24)), ("sms", timedelta(hours=2))


def test_an_offer_has_no_reminder_and_its_acceptance_plans_them(cast: Cast) -> None:
    appointment = offer(cast, hours=72)
    assert reminders(appointment) == []
    assignment.accept(appointment.pk, cast.theo, timezone.now())
    assert reminders(appointment) == [DAY, TWO_HOURS]


def test_a_taken_open_request_and_a_denied_rejection_have_reminders(cast: Cast) -> None:
    taken = assignment.accept(book(cast.pia, cast.pia, hours=72).pk, cast.theo, timezone.now())
    rejected = assignment.reject(offer(cast, hours=80).pk, "ill", cast.theo, timezone.now())
    assert reminders(rejected) == []
    review.review_rejection(rejected.pk, ReviewDecision.DENY, cast.olive, timezone.now())
    assert reminders(taken) == reminders(rejected) == [DAY, TWO_HOURS]


def test_a_time_that_has_passed_is_left_out(cast: Cast) -> None:
    assert reminders(accepted(cast, hours=23)) == [TWO_HOURS]
    assert reminders(accepted(cast, hours=1)) == []


def test_the_settings_say_when(cast: Cast, settings: Settings) -> None:
    settings.REMINDER_OFFSETS = parse_offsets("push:3h")
    assert reminders(accepted(cast)) == [("push", timedelta(hours=3))]


def test_the_institution_goes_before_the_settings_and_the_person_before_the_institution(cast: Cast) -> None:
    Institution.objects.filter(pk=cast.clinic.pk).update(reminder_offsets="whatsapp:1h")
    assert reminders(accepted(cast)) == [("whatsapp", timedelta(hours=1))]
    prefer(cast.pia, reminders="sms:5h")
    assert reminders(accepted(cast, hours=80)) == [("sms", timedelta(hours=5))]


def test_a_refused_channel_is_not_planned_and_no_reminders_are_a_choice(cast: Cast) -> None:
    prefer(cast.pia, channels={"sms": False})
    assert reminders(accepted(cast)) == [DAY]
    prefer(cast.pia, reminders="")
    assert reminders(accepted(cast, hours=80)) == []


def test_no_reminder_is_planned_into_quiet_hours(cast: Cast) -> None:
    User.objects.filter(pk=cast.pia.pk).update(timezone="Asia/Karachi", preferences={"quiet_hours": "00:00-12:00"})
    appointment = accepted(cast, hours=96)
    local = [row.scheduled_for.astimezone(ZoneInfo("Asia/Karachi")) for row in rows(appointment)]
    assert local
    assert [moment for moment in local if moment.hour < 12 and moment.strftime("%H:%M") != "00:00"] == []


def rows(appointment: Appointment) -> list[AppointmentReminder]:
    return list(AppointmentReminder.objects.filter(appointment=appointment))


def test_rescheduling_cancels_the_old_ones_and_plans_new_ones(cast: Cast) -> None:
    old = accepted(cast)
    moved = rescheduling.reschedule(old.pk, at(120), cast.olive, timezone.now())
    assert (reminders(old), reminders(old, "cancelled")) == ([], [DAY, TWO_HOURS])
    assert reminders(moved.new_appointment) == [DAY, TWO_HOURS]


@pytest.mark.parametrize("leave", ["cancel", "unassign", "reassign", "start"])
def test_leaving_confirmed_cancels_what_was_not_sent(cast: Cast, leave: str) -> None:
    appointment, now = accepted(cast), timezone.now()
    AppointmentReminder.objects.filter(reminder_type="email").update(status="sent", sent_at=now)
    match leave:
        case "cancel":
            attendance.cancel(appointment.pk, "moved away", cast.pia, now)
        case "unassign":
            assignment.unassign(appointment.pk, cast.olive, now)
        case "reassign":
            reassign(appointment.pk, cast.olive, now)
        case "start":
            attendance.start(appointment.pk, cast.theo, appointment.start)
    assert (reminders(appointment), reminders(appointment, "cancelled")) == ([], [TWO_HOURS])
    assert reminders(appointment, "sent") == [DAY]


def test_what_changes_no_status_leaves_them_alone(cast: Cast) -> None:
    appointment = accepted(cast)
    attendance.update(appointment.pk, {"notes": "door code"}, cast.olive, timezone.now())
    assert reminders(appointment) == [DAY, TWO_HOURS]


def test_accepted_again_what_was_sent_is_not_planned_again(cast: Cast) -> None:
    appointment, now = accepted(cast), timezone.now()
    AppointmentReminder.objects.filter(reminder_type="email").update(status="sent", sent_at=now)
    assignment.unassign(appointment.pk, cast.olive, now)
    assignment.assign(appointment.pk, cast.tara.pk, cast.olive, now)
    assignment.accept(appointment.pk, cast.tara, now)
    assert (reminders(appointment), reminders(appointment, "sent")) == ([TWO_HOURS], [DAY])


def test_a_refused_change_leaves_no_reminder(cast: Cast) -> None:
    appointment = offer(cast, hours=72)
    with pytest.raises(RuntimeError), transaction.atomic():
        assignment.accept(appointment.pk, cast.theo, timezone.now())
        raise RuntimeError
    assert reminders(appointment) == []


def test_planning_costs_the_same_for_one_offset_as_for_many(cast: Cast, settings: Settings) -> None:
    def queries(offsets: str, hours: float) -> int:
        settings.REMINDER_OFFSETS = parse_offsets(offsets)
        appointment = offer(cast, hours=hours)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assignment.accept(appointment.pk, cast.theo, timezone.now())
        return len(asked)

    assert queries("sms:1h", 72) == queries("sms:1h,sms:2h,sms:3h,email:1d,push:1h", 80)


def test_the_database_refuses_a_second_reminder_of_one_kind_and_time(cast: Cast) -> None:
    row = rows(accepted(cast))[0]
    copy: dict[str, Any] = {
        name: getattr(row, name) for name in ("appointment", "reminder_type", "scheduled_for", "due_at", "created_at")
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        AppointmentReminder.objects.create(**copy)
    AppointmentReminder.objects.create(**copy, status="cancelled")


@pytest.mark.parametrize("wrong", [{"status": "sent"}, {"status": "sending"}, {"status": "lost"}, {"sent_at": at(0)}])
def test_the_database_refuses_what_cannot_be(cast: Cast, wrong: dict[str, Any]) -> None:
    row = rows(accepted(cast))[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        AppointmentReminder.objects.filter(pk=row.pk).update(**wrong)


def test_is_sent_can_be_filtered_on(cast: Cast) -> None:
    accepted(cast)
    AppointmentReminder.objects.filter(reminder_type="email").update(status="sent", sent_at=timezone.now())
    assert [row.reminder_type for row in AppointmentReminder.objects.filter(is_sent=True)] == ["email"]
