"""A slot never gives more places than it has and time is given once, whoever comes at the same instant."""

import random
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import F
from rest_framework.test import APIClient

from appointments.errors import Conflict
from appointments.machine import holding
from appointments.models import Appointment, TimeSlot
from appointments.models.appointment import HELD
from appointments.services import attendance
from appointments.services.booking import Booking, book
from core.accounts.models import Role, User
from tests.appointments.moves import NOW, SOON, START, slot_around
from tests.appointments.test_races import SCALE, SEED, Outcome, Racers
from tests.support.cast import Cast, at, client_of
from tests.support.threads import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
# SQLite lets one writer in after the other, so there is less to find, and it takes longer.
RACERS, PLACES, ROUNDS = 40, 5, (20 if connection.vendor == "postgresql" else 5) * SCALE


@pytest.fixture(autouse=True)
def _quiet_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    """No relay listens here, so none is woken."""
    monkeypatch.setattr("core.outbox.writing.wake_relay", lambda: None)


def crowd(cast: Cast) -> list[User]:
    return User.objects.bulk_create(
        User(username=f"patient-{number}", role=Role.PATIENT, institution=cast.clinic) for number in range(RACERS)
    )


def held_in(slot: TimeSlot) -> list[int]:
    return list(Appointment.objects.filter(time_slot=slot, status__in=HELD).values_list("pk", flat=True))


def one_round(racers: Racers, slot: TimeSlot, people: list[User], chance: random.Random) -> Outcome:
    """Everybody without a place asks for one while some of those who have one cancel."""
    holders = list(Appointment.objects.filter(pk__in=held_in(slot)).select_related("patient"))
    leaving = chance.sample(holders, len(holders) // 2 + (len(holders) > 0))
    waiting = [person for person in people if person.pk not in {row.patient_id for row in holders}]
    asking = [
        lambda person=person: book(Booking(patient=person, start=START, time_slot_id=slot.pk), person, NOW)
        for person in waiting
    ]
    going = [lambda row=row: attendance.cancel(row.pk, "ill", row.patient, SOON) for row in leaving]
    moves = asking[: RACERS - len(going)] + going
    chance.shuffle(moves)
    return racers.race(*map(giving_back, moves))


def giving_back(move: Callable[[], object]) -> Callable[[], object]:
    """There are more racers than connections in the pool: each gives its own back."""

    def run() -> object:
        try:
            return move()
        finally:
            connection.close()

    return run


def test_a_slot_of_five_places_is_never_over_full_while_forty_come_and_some_go(cast: Cast) -> None:
    slot = slot_around(cast.theo, START, 30, places=PLACES)
    people, chance = crowd(cast), random.Random(SEED)
    with Racers(RACERS) as racers:
        for _ in range(ROUNDS):
            outcome = one_round(racers, slot, people, chance)
            assert all(error is None or isinstance(error, Conflict) for error in outcome.results), outcome.results
            slot.refresh_from_db()
            assert len(held_in(slot)) == slot.current_appointments <= PLACES
    assert slot.current_appointments > 0


def test_without_the_count_the_slot_is_over_full(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = slot_around(cast.theo, START, 30, places=PLACES)
    monkeypatch.setattr(holding, "take_places", lambda slot_id, delta: None)
    monkeypatch.setattr("appointments.machine.writing.take_places", lambda slot_id, delta: None)
    with Racers(RACERS) as racers:
        one_round(racers, slot, crowd(cast), random.Random(SEED))
    assert len(held_in(slot)) > PLACES


def test_the_database_alone_refuses_more_places_than_there_are(cast: Cast) -> None:
    from django.db import IntegrityError

    slot = slot_around(cast.theo, START, 30, places=1)
    TimeSlot.objects.filter(pk=slot.pk).update(held_places=1)
    with pytest.raises(IntegrityError, match="slot_within_capacity"):
        TimeSlot.objects.filter(pk=slot.pk).update(current_appointments=F("current_appointments") + 1)


def test_of_twenty_bookings_of_one_therapist_at_one_time_exactly_one_is_made_over_http(cast: Cast) -> None:
    people = crowd(cast)[:20]
    clients: list[APIClient] = [client_of(person) for person in people]
    asked = {"therapist": cast.theo.pk, "start": at(50).isoformat()}

    def ask(client: APIClient) -> int:
        return client.post("/api/scheduling/appointments/", asked, format="json").status_code

    answers = at_once([giving_back(lambda client=client: ask(client)) for client in clients])
    assert sorted(answers, key=str) == [201, *[409] * 19]
    assert Appointment.objects.count() == 1
