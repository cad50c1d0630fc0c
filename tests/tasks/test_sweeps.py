"""Beat's jobs find what is due."""

from datetime import timedelta

from django.utils import timezone
from knox.models import AuthToken
from pytest_django.fixtures import Settings

from appointments.models import Appointment
from appointments.services.reassign import reassign
from core.accounts.models import User
from core.outbox.models import Lane, OutboxEntry
from core.outbox.writing import write
from realtime.models import Notification
from tasks import sweeps
from tests.support.cast import Cast, drain_outbox, offer
from tests.tasks.conftest import Broker
from tests.tasks.moves import live, overdue, status

LONG_AGO = timedelta(hours=1)


def test_beat_expires_what_nobody_else_has(cast: Cast) -> None:
    appointment = overdue(cast)
    assert sweeps.auto_cancel_overdue() == 1
    assert status(appointment) == "auto_cancelled"


def test_a_deadline_that_has_come_within_the_horizon_is_armed_once(
    cast: Cast, broker: Broker, settings: Settings
) -> None:
    settings.ETA_HORIZON_SECONDS = 60
    appointment = offer(cast)
    drain_outbox(Lane.TASKS)
    assert sweeps.arm_deadlines() == 0
    settings.ETA_HORIZON_SECONDS = 3600
    assert [sweeps.arm_deadlines(), sweeps.arm_deadlines()] == [1, 0]
    assert [message.eta for message in broker.queued("deadlines")] == [
        appointment.response_deadline,
        appointment.warn_at,
    ]


def test_a_meeting_that_nobody_began_is_missed_and_one_without_therapist_lapses(cast: Cast) -> None:
    meeting, unstaffed = offer(cast), offer(cast, hours=30)
    Appointment.objects.filter(pk=meeting.pk).update(status="confirmed", response_deadline=None)
    Appointment.objects.filter(pk=unstaffed.pk).update(therapist=None, response_deadline=None)
    for hours, row in enumerate(Appointment.objects.all(), start=1):
        start = timezone.now() - hours * LONG_AGO
        Appointment.objects.filter(pk=row.pk).update(start=start, end=start + LONG_AGO / 2)
    assert sweeps.check_missed_meetings() == 2
    assert (status(meeting), status(unstaffed)) == ("missed", "cancelled")


def test_what_no_relay_has_taken_is_carried_out_in_both_lanes(cast: Cast, broker: Broker, settings: Settings) -> None:
    settings.EMAIL_EVENTS = []  # mails are promised on the way
    offer(cast)
    OutboxEntry.objects.update(created_at=timezone.now() - LONG_AGO)
    assert sweeps.rescue_outbox() > 0
    assert OutboxEntry.objects.count() == 0
    assert Notification.objects.filter(recipient=cast.theo).exists()
    assert len(broker.queued("deadlines")) == 2


def test_what_a_relay_is_about_to_take_is_left_to_it(cast: Cast) -> None:
    offer(cast)
    before = OutboxEntry.objects.count()
    assert sweeps.rescue_outbox() == 0
    assert OutboxEntry.objects.count() == before > 0


def test_a_rescue_carries_out_more_than_one_batch(cast: Cast) -> None:
    now = timezone.now()
    for number in range(450):
        write(Lane.REALTIME, "x", {}, stream=f"s{number}", now=now - LONG_AGO)
    OutboxEntry.objects.update(kind="appointment_updated", payload=fact(cast.theo))
    assert sweeps.rescue_outbox() == 450


def fact(person: User) -> dict[str, object]:
    return {
        "type": "appointment_updated",
        "appointment": None,
        "version": None,
        "operators": None,
        "people": [person.pk],
        "data": {},
    }


def test_a_rescue_ends_when_the_broker_is_away(cast: Cast, broker: Broker, settings: Settings) -> None:
    settings.EMAIL_EVENTS = []  # mails are promised on the way
    offer(cast)
    OutboxEntry.objects.update(created_at=timezone.now() - LONG_AGO)
    broker.valkey.kill()
    sweeps.rescue_outbox()
    assert list(OutboxEntry.objects.values_list("lane", flat=True)) == ["tasks"]


def test_a_search_whose_task_was_lost_is_asked_for_again(cast: Cast) -> None:
    appointment = reassign(offer(cast).pk, cast.olive, timezone.now())
    OutboxEntry.objects.all().delete()
    Appointment.objects.update(search_requested_at=timezone.now() - LONG_AGO)
    sweeps.rescue_outbox()
    assert OutboxEntry.objects.get().payload == {
        "appointment": appointment.pk,
        "search_id": str(appointment.search_id),
    }


def test_an_offer_of_a_suspended_therapist_is_taken_back(cast: Cast) -> None:
    appointment = offer(cast)
    User.objects.filter(pk=cast.theo.pk).update(is_active=False)
    sweeps.rescue_outbox()
    assert Appointment.objects.get(pk=appointment.pk).therapist is None


def test_expired_tokens_are_deleted_and_living_ones_kept(cast: Cast) -> None:
    AuthToken.objects.create(cast.theo, expiry=-LONG_AGO)
    kept, _ = AuthToken.objects.create(cast.tara)
    assert sweeps.clean_up() == 1
    assert list(AuthToken.objects.all()) == [kept]


def test_armed_offers_are_those_that_wait(cast: Cast, broker: Broker) -> None:
    appointment = offer(cast)
    sweeps.arm_deadlines()
    assert live(appointment).armed_for == appointment.response_deadline
