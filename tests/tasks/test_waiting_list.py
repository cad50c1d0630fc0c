"""The three hands on a held place, and its message on the second channel."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone
from pytest_django.fixtures import Settings

from appointments.models import WaitingList, WaitingOffer
from appointments.services import attendance, waiting_list
from appointments.services.booking import Booking, book
from appointments.services.waiting_list import Wish
from core.accounts.models import User
from core.outbox.models import Lane
from core.outbox.writing import write
from tasks import relay, schedule, sweeps
from tasks.deadlines import expire_waiting_offer
from tasks.notifications import send_waiting_offer
from tests.appointments.moves import slot_around
from tests.support.cast import Cast, at, client_of, drain_outbox
from tests.tasks.conftest import Broker

EXPIRE = "tasks.deadlines.expire_waiting_offer"


def held(cast: Cast) -> WaitingOffer:
    """The place that Pia gave up, held for Pavel."""
    start = at(72)
    day = start.astimezone(ZoneInfo("Asia/Karachi")).date()
    waiting_list.join(Wish(patient=cast.pavel, preferred_date=day), cast.pavel, timezone.now())
    slot = slot_around(cast.theo, start)
    pk = book(Booking(patient=cast.pia, start=start, time_slot_id=slot.pk), cast.pia, timezone.now()).pk
    attendance.cancel(pk, "ill", cast.pia, timezone.now())
    return WaitingOffer.objects.get()


def over(offer: WaitingOffer) -> WaitingOffer:
    WaitingOffer.objects.filter(pk=offer.pk).update(expires_at=timezone.now())
    return offer


def status(offer: WaitingOffer) -> str:
    return WaitingOffer.objects.get(pk=offer.pk).status


def deadlines(broker: Broker) -> list[tuple[str, list[int], datetime]]:
    return [message for message in broker.queued("deadlines") if message[0] == EXPIRE]


def test_a_held_place_puts_its_end_into_the_deadlines_queue(cast: Cast, broker: Broker) -> None:
    offer = held(cast)
    drain_outbox(Lane.TASKS)
    assert deadlines(broker) == [(EXPIRE, [offer.pk], offer.expires_at)]
    write(Lane.TASKS, "arm_waiting_offer", {"offer": offer.pk}, stream="again", now=timezone.now())
    drain_outbox(Lane.TASKS)
    assert len(deadlines(broker)) == 1


def test_an_end_beyond_the_horizon_is_armed_by_beat_when_it_comes_near(
    cast: Cast, broker: Broker, settings: Settings
) -> None:
    settings.ETA_HORIZON_SECONDS = 60
    offer = held(cast)
    drain_outbox(Lane.TASKS)
    assert (deadlines(broker), sweeps.arm_deadlines()) == ([], 0)
    soon = timezone.now() + timedelta(seconds=50)
    WaitingOffer.objects.update(expires_at=soon)
    assert (sweeps.arm_deadlines(), sweeps.arm_deadlines()) == (1, 0)
    assert deadlines(broker) == [(EXPIRE, [offer.pk], soon)]


def test_the_task_and_beat_give_on_what_is_over_and_nothing_else(cast: Cast) -> None:
    offer = held(cast)
    assert (expire_waiting_offer(offer.pk), sweeps.give_places_on(), status(offer)) == (0, 0, "offered")
    over(offer)
    assert (expire_waiting_offer(offer.pk), sweeps.give_places_on(), status(offer)) == (1, 0, "expired")


def test_beat_alone_gives_it_on(cast: Cast) -> None:
    offer = over(held(cast))
    assert (sweeps.give_places_on(), status(offer)) == (1, "expired")
    assert "tasks.sweeps.give_places_on" in {entry.task for entry in schedule.ENTRIES}


def test_the_relay_alone_gives_it_on(cast: Cast) -> None:
    offer = over(held(cast))
    for sweep in relay.SWEEPS:
        sweep(timezone.now())
    assert status(offer) == "expired"


def test_the_patient_is_told_on_the_second_channel_with_the_zone_named(
    cast: Cast, mailoutbox: list[EmailMessage]
) -> None:
    offer = held(cast)
    User.objects.filter(pk=cast.pavel.pk).update(timezone="Europe/Berlin")
    send_waiting_offer(offer.pk)
    (letter,) = mailoutbox
    start = offer.start.astimezone(ZoneInfo("Europe/Berlin"))
    assert letter.to == [cast.pavel.email]
    assert f"{start:%A} {start.day} {start:%B %Y} at {start:%H:%M} (Europe/Berlin)" in letter.body


@pytest.mark.parametrize("end", ["declined", "gone"])
def test_nobody_is_told_of_a_place_that_is_no_longer_held(cast: Cast, mailoutbox: list[EmailMessage], end: str) -> None:
    offer = held(cast)
    if end == "declined":
        waiting_list.decline_offer(offer.entry_id, timezone.now())
    send_waiting_offer(offer.pk if end == "declined" else 10**9)
    assert mailoutbox == []


def test_no_message_holds_what_belongs_to_a_person(cast: Cast, broker: Broker) -> None:
    User.objects.filter(pk=cast.pavel.pk).update(first_name="Canary", email="canary@example.org")
    held(cast)
    drain_outbox(Lane.TASKS)
    sent = [message for queue in ("deadlines", "notifications") for message in broker.queued(queue)]
    assert sent and "canary" not in str(sent).lower()


def test_beat_takes_off_the_list_whose_day_has_passed_and_says_why(cast: Cast) -> None:
    day = timezone.now().date()
    entry = waiting_list.join(
        Wish(patient=cast.pavel, preferred_date=day + timedelta(days=2)), cast.pavel, timezone.now()
    )
    WaitingList.objects.filter(pk=entry.pk).update(preferred_date=day - timedelta(days=2))
    sweeps.give_places_on()
    drain_outbox(Lane.REALTIME)
    entry.refresh_from_db()
    assert not entry.is_active
    told = client_of(cast.pavel).get("/api/scheduling/notifications/").json()["results"][0]["message"]
    assert told.startswith("No place became free")
