"""Claim, then send: what goes out, what waits, what is given up, and that nothing goes out twice."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from appointments import letters
from appointments.models import Appointment, AppointmentLog, AppointmentReminder
from appointments.policy import current_policy
from appointments.selectors.reminders import due_reminders
from appointments.services import reminders
from core.accounts.models import User
from core.outbox.models import OutboxEntry
from tests.support.cast import Cast, book, make_cast
from tests.support.mail import Mailbox
from tests.support.provider import Provider

pytestmark = pytest.mark.django_db
START = datetime(2031, 3, 3, 10, 0, tzinfo=UTC)
DUE = START - timedelta(hours=24)
MINUTE = timedelta(minutes=1)


def confirmed(cast: Cast, patient: User | None = None, **hours: float) -> Appointment:
    """An accepted appointment at START, without reminders of its own."""
    appointment = book(patient or cast.pia, cast.olive, therapist=cast.theo, **hours)
    Appointment.objects.filter(pk=appointment.pk).update(
        status="confirmed", response_deadline=None, warn_at=None, start=START, end=START + 30 * MINUTE
    )
    return Appointment.objects.get(pk=appointment.pk)


def planned(cast: Cast, channel: str = "email", **columns: Any) -> AppointmentReminder:
    row = {"scheduled_for": DUE, "due_at": DUE, "created_at": DUE} | columns
    appointment = row.pop("appointment", None) or confirmed(cast)
    return AppointmentReminder.objects.create(appointment=appointment, reminder_type=channel, **row)


def send(reminder: AppointmentReminder, now: datetime = DUE) -> AppointmentReminder:
    reminders.send(reminder.pk, lambda: now)
    reminder.refresh_from_db()
    return reminder


def prefer(person: User, **preferences: Any) -> None:
    User.objects.filter(pk=person.pk).update(preferences=preferences)


def test_a_mail_tells_the_patient_when_and_with_whom_in_their_own_zone(cast: Cast, mailbox: Mailbox) -> None:
    User.objects.filter(pk=cast.pia.pk).update(timezone="America/New_York")
    reminder = send(planned(cast))
    ((address, letter),) = mailbox.letters
    assert address == "pia@clinic.example"
    assert "Dr. Theo" in letter.get_content()
    assert "Monday 3 March 2031 at 05:00 (America/New_York)" in letter.get_content()
    assert (reminder.status, reminder.is_sent, reminder.sent_at, reminder.error) == ("sent", True, DUE, "")


def test_a_text_goes_to_the_number_and_is_short(cast: Cast, provider: Provider, settings: Settings) -> None:
    settings.REMINDER_SMS_URL = provider.url("sms")
    assert send(planned(cast, "sms")).status == "sent"
    ((path, body),) = provider.taken
    assert "491700000000" in path
    assert body["message"] == "Your appointment with Dr. Theo is on Monday 3 March 2031 at 15:00 (Asia/Karachi)."


def test_nothing_confidential_is_written(cast: Cast, mailbox: Mailbox) -> None:
    appointment = confirmed(cast)
    Appointment.objects.update(reason_for_visit="canary", symptoms="canary", notes="canary")
    send(planned(cast, appointment=appointment))
    assert "canary" not in str(mailbox.letters[0][1])


def test_a_video_appointment_names_its_room(cast: Cast) -> None:
    appointment = confirmed(cast)
    appointment.video_url = "https://meet.example/7"
    assert "https://meet.example/7" in letters.reminder(appointment, "email").body
    assert "https://meet.example/7" not in letters.reminder(appointment, "sms").body


def test_sent_twice_it_goes_out_once(cast: Cast, mailbox: Mailbox) -> None:
    reminder = planned(cast)
    assert [reminders.send(reminder.pk, lambda: DUE) for _ in range(3)] == ["sent", None, None]
    assert mailbox.recipients == ["pia@clinic.example"]


@pytest.mark.parametrize("status", ["sending", "failed", "cancelled", "uncertain"])
def test_what_does_not_wait_is_not_sent(cast: Cast, mailbox: Mailbox, status: str) -> None:
    assert send(planned(cast, status=status, claimed_at=DUE)).status == status
    assert mailbox.letters == []


def test_what_is_accepted_no_more_is_cancelled(cast: Cast, mailbox: Mailbox) -> None:
    reminder = planned(cast)
    Appointment.objects.update(status="in_progress")
    assert send(reminder).status == "cancelled"
    assert mailbox.letters == []


def test_a_channel_refused_since_is_cancelled_unless_somebody_asked_by_hand(cast: Cast, mailbox: Mailbox) -> None:
    prefer(cast.pia, channels={"email": False})
    appointment = confirmed(cast)
    assert send(planned(cast, appointment=appointment)).status == "cancelled"
    assert send(planned(cast, appointment=appointment, requested_by=cast.olive)).status == "sent"


def test_after_the_start_it_is_given_up(cast: Cast, mailbox: Mailbox) -> None:
    reminder = send(planned(cast), START)
    assert (reminder.status, reminder.error) == ("failed", reminders.TOO_LATE)
    assert mailbox.letters == []


def test_quiet_hours_are_waited_out_unless_somebody_asked_by_hand(cast: Cast, mailbox: Mailbox) -> None:
    User.objects.filter(pk=cast.pia.pk).update(timezone="UTC", preferences={"quiet_hours": "09:00-11:30"})
    appointment = confirmed(cast)
    reminder = send(planned(cast, appointment=appointment))
    assert (reminder.status, reminder.due_at, reminder.attempts) == ("pending", DUE + 90 * MINUTE, 0)
    assert mailbox.letters == []
    by_hand = planned(cast, appointment=appointment, requested_by=cast.olive, scheduled_for=DUE + MINUTE)
    assert send(by_hand).status == "sent"


def test_a_refusal_is_tried_again_later_each_time_and_then_given_up(cast: Cast, mailbox: Mailbox) -> None:
    mailbox.data_answers["pia@clinic.example"] = "451 busy"
    reminder, now, waits = planned(cast), DUE, []
    while (reminder := send(reminder, now)).status == "pending":
        waits.append(reminder.due_at - now)
        now = reminder.due_at
    assert waits == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE]
    assert (reminder.status, reminder.error, reminder.attempts) == ("failed", "SMTPDataError 451", 5)


def test_a_retry_that_succeeds_forgets_the_error(cast: Cast, mailbox: Mailbox) -> None:
    mailbox.data_answers["pia@clinic.example"] = "451 busy"
    reminder = send(planned(cast))
    mailbox.data_answers.clear()
    assert (send(reminder, reminder.due_at).status, reminder.error) == ("sent", "")


def test_no_retry_is_planned_past_the_start(cast: Cast, mailbox: Mailbox) -> None:
    mailbox.data_answers["pia@clinic.example"] = "451 busy"
    assert send(planned(cast), START - MINUTE / 2).status == "failed"


@pytest.mark.parametrize(("channel", "missing"), [("email", "email"), ("sms", "phone")])
def test_nothing_to_send_to_is_final(cast: Cast, channel: str, missing: str) -> None:
    User.objects.filter(pk=cast.pia.pk).update(**{missing: ""})
    reminder = send(planned(cast, channel))
    assert (reminder.status, reminder.attempts) == ("failed", 1)


def test_an_unknown_outcome_is_uncertain_and_never_tried_again(cast: Cast, mailbox: Mailbox) -> None:
    mailbox.hang_up = True
    reminder = send(planned(cast))
    assert (reminder.status, bool(reminder.error)) == ("uncertain", True)
    assert not due_reminders(START).exists()


def test_what_breaks_in_the_middle_is_uncertain_too(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reminders, "deliver", explode)
    reminder = send(planned(cast))
    assert (reminder.status, reminder.error) == ("uncertain", "ZeroDivisionError")


def test_what_a_dead_sender_left_becomes_uncertain_when_it_cannot_be_sending_any_more(cast: Cast) -> None:
    appointment, after = confirmed(cast), current_policy().reminder_lost_after
    old = planned(cast, appointment=appointment, status="sending", claimed_at=DUE)
    young = planned(cast, "sms", appointment=appointment, status="sending", claimed_at=DUE + MINUTE)
    assert reminders.settle_lost(DUE + after) == 1
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.status, young.status) == ("uncertain", "sending")


def test_a_slow_sender_still_says_what_became_of_it(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(*_: object) -> None:
        reminders.settle_lost(DUE + timedelta(hours=1))

    monkeypatch.setattr(reminders, "deliver", slowly)
    assert send(planned(cast)).status == "sent"


def test_nobody_overwrites_the_claim_of_another(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    later = DUE + timedelta(hours=1)

    def overtaken(*_: object) -> None:
        AppointmentReminder.objects.update(status="sending", claimed_at=later)

    monkeypatch.setattr(reminders, "deliver", overtaken)
    reminder = send(planned(cast))
    assert (reminder.status, reminder.claimed_at) == ("sending", later)


def test_two_dispatchers_get_different_reminders_and_a_lost_one_comes_again(cast: Cast) -> None:
    appointment = confirmed(cast)
    ids = [
        planned(cast, appointment=appointment, scheduled_for=DUE - n * MINUTE, due_at=DUE - n * MINUTE).pk
        for n in range(5)
    ]
    first, second = reminders.take_due(DUE, 3), reminders.take_due(DUE, 3)
    assert (sorted(first + second), reminders.take_due(DUE)) == (sorted(ids), [])
    assert sorted(reminders.take_due(DUE + reminders.LEASE)) == sorted(ids)
    reminders.give_back(first, DUE)
    assert sorted(reminders.take_due(DUE)) == sorted(first)


def test_what_is_not_due_yet_is_left(cast: Cast) -> None:
    planned(cast)
    assert reminders.take_due(DUE - MINUTE) == []


def all_at_once(reminder: AppointmentReminder) -> list[str | None]:
    """What eight senders of the same reminder say."""
    barrier, outcomes = threading.Barrier(8), []

    def race() -> None:
        barrier.wait()
        outcomes.append(reminders.send(reminder.pk, timezone.now))
        connection.close()

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_of_many_senders_at_once_one_sends(mailbox: Mailbox) -> None:
    mailbox.slow = 0.2
    outcomes = all_at_once(planned(make_cast()))
    assert (outcomes.count("sent"), outcomes.count(None), len(mailbox.letters)) == (1, 7, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_without_the_claim_many_would_send(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def unguarded(reminder_id: int, now: datetime) -> bool:
        return bool(AppointmentReminder.objects.filter(pk=reminder_id).update(status="sending", claimed_at=now))

    monkeypatch.setattr(reminders, "_claim", unguarded)
    mailbox.slow = 0.2
    all_at_once(planned(make_cast()))
    assert len(mailbox.letters) > 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's plans say less")
def test_what_is_due_is_found_by_its_index(cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "reminder_due" in due_reminders(DUE)[:100].explain()


# By hand ---------------------------------------------------------------------------------------------------------


def test_sent_by_hand_it_is_due_at_once_audited_and_queued_in_one_transaction(cast: Cast) -> None:
    reminder = planned(cast, status="failed", attempts=5, error="SMTPDataError 451")
    OutboxEntry.objects.all().delete()
    version = reminder.appointment.version
    asked = reminders.send_now(reminder.pk, cast.olive, DUE - timedelta(hours=5))
    assert (asked.status, asked.attempts, asked.error, asked.requested_by) == ("pending", 0, "", cast.olive)
    (entry,) = OutboxEntry.objects.all()
    assert (entry.lane, entry.kind, entry.payload) == ("tasks", "send_reminder", {"reminder": reminder.pk})
    assert AppointmentLog.objects.filter(action="reminder_sent", performed_by=cast.olive, notes="email").count() == 1
    assert Appointment.objects.get().version == version
