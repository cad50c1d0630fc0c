"""Two hundred reminders, two beats, and workers that are killed while they send."""

import json
import signal
import time
from collections import Counter

import pytest

from tests.support.mail import Mailbox, mail_server
from tests.support.stack import Stack, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.once]
MANY = 200
PLAN = f"""
from datetime import timedelta
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks
from appointments.models import Appointment, AppointmentReminder
from core.accounts.models import Institution, User
now = timezone.now()
clinic = Institution.objects.get(name="Harbour Clinic")
therapist = User.objects.get(username="therapist")
people = User.objects.bulk_create(
    User(username=f"p{{n}}", email=f"p{{n}}@example.org", role="patient", institution=clinic) for n in range({MANY})
)
appointments = Appointment.objects.bulk_create(
    Appointment(
        institution=clinic, patient=one, therapist=therapist, origin="operator", status="confirmed",
        start=now + timedelta(days=60 + n), end=now + timedelta(days=60 + n, minutes=30),
        appointment_date=now.date(), appointment_time=now.time(),
    )
    for n, one in enumerate(people)
)
AppointmentReminder.objects.all().delete()
AppointmentReminder.objects.bulk_create(
    AppointmentReminder(appointment=one, reminder_type="email", scheduled_for=now, due_at=now, created_at=now)
    for one in appointments
)
each_second = IntervalSchedule.objects.get_or_create(every=1, period="seconds")[0]
PeriodicTask.objects.filter(task="tasks.sweeps.dispatch_reminders").update(interval=each_second)
PeriodicTasks.update_changed()
"""
STATUSES = """
import json
from appointments.models import AppointmentReminder
rows = AppointmentReminder.objects.values_list("appointment__patient__email", "status")
print(json.dumps(dict(rows)))
"""
AGE = """
from datetime import timedelta
from django.utils import timezone
from appointments.models import AppointmentReminder
now = timezone.now()
AppointmentReminder.objects.filter(status="sending").update(claimed_at=now - timedelta(hours=1))
AppointmentReminder.objects.filter(status="pending").update(due_at=now)
"""
# What two killed workers had begun to send, and what they had only fetched: two children each, one message ahead each.
BEGUN, FETCHED = 4, 8


def statuses(stack: Stack) -> dict[str, str]:
    return json.loads(stack.python(STATUSES))


def reminded(mailbox: Mailbox) -> list[str]:
    """Whom a reminder has reached; the demo's own people get mails of other kinds at any hour."""
    return [address for address in mailbox.recipients if address.endswith("@example.org")]


def kill_in_the_middle(stack: Stack, mailbox: Mailbox, after: int) -> None:
    """kill -9 the worker with its children as soon as so many mails have come, and start it again."""
    wait_until(lambda: len(reminded(mailbox)) >= after, 30, stack.logs)
    stack.kill("worker")
    stack.start_again("worker")


def test_killed_while_sending_nobody_is_reminded_twice_and_nobody_is_lost_but_the_uncertain() -> None:
    with mail_server(slow=0.05) as mailbox:
        settings = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1"}
        with Stack(("worker", "beat"), **settings, EMAIL_PORT=mailbox.port, VISIBILITY_SECONDS=5) as stack:
            stack.start_another("beat-2", of="beat")
            stack.python(PLAN)
            kill_in_the_middle(stack, mailbox, 30)
            kill_in_the_middle(stack, mailbox, 100)
            wait_until(lambda: Counter(statuses(stack).values())["pending"] <= FETCHED, 40, stack.logs)
            wait_until(lambda: Counter(statuses(stack).values())["sending"] <= BEGUN, 10, stack.logs)
            time.sleep(1)
            stack.python(AGE)
            wait_until(lambda: set(statuses(stack).values()) <= {"sent", "uncertain"}, 20, stack.logs)
            stack.signal("worker", signal.SIGTERM)
            found = statuses(stack)
    received = Counter(reminded(mailbox))
    uncertain = {address for address, status in found.items() if status == "uncertain"}
    assert max(received.values()) == 1
    assert {address for address, status in found.items() if status == "sent"} <= set(received)
    assert set(found) - set(received) <= uncertain
    assert set(found.values()) <= {"sent", "uncertain"}
    assert (len(found), len(uncertain) <= BEGUN) == (MANY, True)
