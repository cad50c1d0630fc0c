"""manage.py send_reminders: needs no other process, says what it did, fails where something did not go out."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from appointments.models import AppointmentReminder
from appointments.services import assignment
from tests.support.cast import Cast, offer
from tests.support.mail import Mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(cast: Cast) -> AppointmentReminder:
    """Pia's reminder by mail, due since a minute; the one by SMS is not due."""
    assignment.accept(offer(cast, hours=72).pk, cast.theo, timezone.now())
    reminder = AppointmentReminder.objects.get(reminder_type="email")
    AppointmentReminder.objects.filter(pk=reminder.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    return reminder


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("send_reminders", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_what_is_due_is_sent_and_named(due: AppointmentReminder, mailbox: Mailbox) -> None:
    said = run()
    assert f"sent reminder {due.pk}" in said
    assert "1 processed: 1 sent." in said
    assert len(mailbox.letters) == 1
    assert "0 processed." in run()


def test_a_dry_run_changes_nothing(due: AppointmentReminder, mailbox: Mailbox) -> None:
    before = list(AppointmentReminder.objects.values())
    said = run("--dry-run")
    assert f"would send reminder {due.pk} (email" in said
    assert (list(AppointmentReminder.objects.values()), mailbox.letters) == (before, [])


def test_a_failure_ends_it_with_an_error_and_the_others_go_out(
    cast: Cast, due: AppointmentReminder, mailbox: Mailbox
) -> None:
    other = assignment.accept(offer(cast, hours=80).pk, cast.theo, timezone.now())
    other.reminders.update(reminder_type="push", due_at=timezone.now() - timedelta(minutes=5))
    with pytest.raises(SystemExit) as ended:
        run()
    due.refresh_from_db()
    assert (ended.value.code, due.status) == (1, "sent")


def test_waiting_for_the_end_of_quiet_hours_is_no_failure(due: AppointmentReminder, mailbox: Mailbox) -> None:
    patient = due.appointment.patient
    local = timezone.now()
    begin, end = local - timedelta(hours=1), local + timedelta(hours=1)
    patient.timezone, patient.preferences = "UTC", {"quiet_hours": f"{begin:%H:%M}-{end:%H:%M}"}
    patient.save()
    assert f"pending reminder {due.pk}" in run()
    assert mailbox.letters == []
