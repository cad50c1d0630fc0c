"""From beat's tick to the queue: each due reminder once, whatever the broker does."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appointments.models import AppointmentReminder
from appointments.services import assignment, reminders
from core.outbox.draining import UnreachableError
from core.outbox.models import Lane
from tasks.reminders import send_reminder
from tasks.sweeps import dispatch_reminders
from tests.support.cast import Cast, drain_outbox, offer
from tests.support.mail import Mailbox
from tests.tasks.conftest import Broker

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(cast: Cast) -> AppointmentReminder:
    assignment.accept(offer(cast, hours=72).pk, cast.theo, timezone.now())
    AppointmentReminder.objects.filter(reminder_type="email").update(due_at=timezone.now())
    return AppointmentReminder.objects.get(reminder_type="email")


def queued(broker: Broker) -> list[list[int]]:
    """The arguments of the tasks that wait in the queue of notifications."""
    return [message.args for message in broker.queued("notifications") if message.task == send_reminder.name]


def test_two_ticks_queue_what_is_due_once_by_its_id_alone(broker: Broker, due: AppointmentReminder) -> None:
    assert [dispatch_reminders(), dispatch_reminders()] == [1, 0]
    assert queued(broker) == [[due.pk]]


def test_what_a_dead_broker_does_not_take_is_due_again_at_once(broker: Broker, due: AppointmentReminder) -> None:
    with broker.stalled(), pytest.raises(UnreachableError):
        dispatch_reminders()
    assert dispatch_reminders() == 1
    assert queued(broker) == [[due.pk]]


def test_a_tick_calls_uncertain_what_was_lost(due: AppointmentReminder) -> None:
    AppointmentReminder.objects.update(status="sending", claimed_at=timezone.now() - timedelta(hours=1))
    dispatch_reminders()
    due.refresh_from_db()
    assert due.status == "uncertain"


def test_the_task_sends_and_a_second_delivery_does_not(mailbox: Mailbox, due: AppointmentReminder) -> None:
    assert [send_reminder(due.pk), send_reminder(due.pk)] == ["sent", None]
    assert mailbox.recipients == ["pia@clinic.example"]


def test_sending_by_hand_reaches_the_queue_through_the_outbox(
    broker: Broker, cast: Cast, due: AppointmentReminder
) -> None:
    drain_outbox(Lane.TASKS)
    reminders.send_now(due.pk, cast.olive, timezone.now())
    assert queued(broker) == []
    drain_outbox(Lane.TASKS)
    assert queued(broker) == [[due.pk]]
