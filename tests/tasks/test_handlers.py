"""From a promised row to a task in its queue."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from appointments.models import Appointment, Assignment
from appointments.services import assignment, suspension
from appointments.services.reassign import reassign
from core.outbox.models import Lane, OutboxEntry
from core.outbox.writing import write
from tests.support.cast import Cast, drain_outbox, offer
from tests.tasks.conftest import Broker

EXPIRE, WARN = "tasks.deadlines.expire_assignment", "tasks.deadlines.warn_assignment"


def live(appointment: Appointment) -> Assignment:
    return Assignment.objects.get(appointment=appointment, ended_at=None)


def test_an_offer_puts_its_expiry_and_its_warning_into_the_deadlines_queue(cast: Cast, broker: Broker) -> None:
    appointment = offer(cast)
    drain_outbox(Lane.TASKS)
    pk = live(appointment).pk
    assert broker.queued("deadlines") == [
        (EXPIRE, [pk], appointment.response_deadline),
        (WARN, [pk], appointment.warn_at),
    ]


def test_a_published_deadline_is_remembered(cast: Cast, broker: Broker) -> None:
    appointment = offer(cast)
    drain_outbox(Lane.TASKS)
    assert live(appointment).armed_for == appointment.response_deadline


def test_a_promise_that_is_carried_out_twice_is_published_once(cast: Cast, broker: Broker) -> None:
    appointment = offer(cast)
    drain_outbox(Lane.TASKS)
    write(Lane.TASKS, "arm_deadline", {"appointment": appointment.pk}, stream="again", now=timezone.now())
    drain_outbox(Lane.TASKS)
    assert len(broker.queued("deadlines")) == 2


def test_a_deadline_beyond_the_horizon_is_left_to_the_sweep(cast: Cast, broker: Broker, settings: Settings) -> None:
    settings.ETA_HORIZON_SECONDS = 60
    appointment = offer(cast)
    drain_outbox(Lane.TASKS)
    assert broker.queued("deadlines") == []
    assert live(appointment).armed_for is None


def test_an_extended_deadline_is_published_anew(cast: Cast, broker: Broker) -> None:
    appointment = offer(cast)
    drain_outbox(Lane.TASKS)
    extended = assignment.extend(appointment.pk, 10, cast.theo, timezone.now())
    drain_outbox(Lane.TASKS)
    etas = [message.eta for message in broker.queued("deadlines") if message.task == EXPIRE]
    assert etas == [appointment.response_deadline, extended.response_deadline]


def test_an_offer_that_was_answered_before_its_promise_came_up_is_not_armed(cast: Cast, broker: Broker) -> None:
    appointment = offer(cast)
    assignment.accept(appointment.pk, cast.theo, timezone.now())
    drain_outbox(Lane.TASKS)
    assert broker.queued("deadlines") == []


def test_a_search_goes_to_the_default_queue_with_its_id(cast: Cast, broker: Broker) -> None:
    appointment = reassign(offer(cast).pk, cast.olive, timezone.now())
    drain_outbox(Lane.TASKS)
    expected = ("tasks.reassignment.reassign_appointment", [appointment.pk, str(appointment.search_id)], None)
    assert broker.queued("default") == [expected]


def test_a_reminder_goes_to_the_queue_of_notifications(cast: Cast, broker: Broker) -> None:
    appointment = offer(cast)
    assignment.remind(appointment.pk, cast.olive, timezone.now() + timedelta(minutes=2))
    drain_outbox(Lane.TASKS)
    expected = ("tasks.notifications.send_offer", [live(appointment).pk, "remind"], None)
    assert broker.queued("notifications") == [expected]


def test_a_suspension_goes_to_the_queue_of_notifications_by_the_persons_id(cast: Cast, broker: Broker) -> None:
    suspension.disable(cast.theo.pk, "left the clinic", cast.olive, timezone.now())
    drain_outbox(Lane.TASKS)
    expected = ("tasks.notifications.tell_account", [cast.theo.pk, "therapist_disabled"], None)
    assert broker.queued("notifications") == [expected]


def test_no_message_holds_what_belongs_to_a_person(cast: Cast, broker: Broker) -> None:
    Appointment.objects.update(notes="canary")
    appointment = offer(cast)
    assignment.remind(appointment.pk, cast.olive, timezone.now() + timedelta(minutes=2))
    reassign(appointment.pk, cast.olive, timezone.now())
    suspension.disable(cast.theo.pk, "canary-reason", cast.olive, timezone.now())
    drain_outbox(Lane.TASKS)
    messages = [message for queue in ("default", "deadlines", "notifications") for message in broker.queued(queue)]
    known = {"remind", "therapist_disabled"}
    assert messages
    for argument in (argument for message in messages for argument in message.args):
        assert isinstance(argument, int) or argument in known or uuid.UUID(str(argument))


@pytest.mark.django_db
def test_a_row_of_an_unknown_kind_backs_off_and_stops_no_other(cast: Cast, broker: Broker) -> None:
    write(Lane.TASKS, "unheard_of", {}, stream="odd", now=timezone.now())
    offer(cast)
    drain_outbox(Lane.TASKS)
    assert len(broker.queued("deadlines")) == 2
    left = OutboxEntry.objects.get(lane=Lane.TASKS)
    assert (left.kind, left.last_error, left.attempts > 0) == ("unheard_of", "KeyError", True)
