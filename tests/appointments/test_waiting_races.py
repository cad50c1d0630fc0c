"""One winner for a held place, whoever comes at the same instant; with a guard taken out, the race shows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q

from appointments.errors import Conflict
from appointments.machine import holding
from appointments.models import HELD, Appointment, TimeSlot, WaitingList, WaitingOffer
from appointments.selectors.waiting_list import LIVE
from appointments.services import attendance, vacancies, waiting_list
from appointments.services.booking import Booking, book
from appointments.services.waiting_list import Wish
from core.accounts.models import Role, User
from core.outbox.models import OutboxEntry
from tests.appointments.moves import NOW, SOON, START, minutes, slot_around
from tests.appointments.test_races import SCALE, Outcome, Racers
from tests.support.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
only_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
ROUNDS = 15 * SCALE
DAY = date(2031, 3, 4)
EXPIRY = SOON + minutes(15)
# Overlaps the slot and does not lie inside it: no place is counted, only the time is in the way.
PARTLY = START + minutes(10)


@pytest.fixture(autouse=True)
def _quiet_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    """No relay listens here, so none is woken."""
    monkeypatch.setattr("core.outbox.writing.wake_relay", lambda: None)


def crowd(cast: Cast, count: int) -> list[User]:
    return User.objects.bulk_create(
        User(username=f"waiting-{number}", role=Role.PATIENT, institution=cast.clinic) for number in range(count)
    )


def held_offer(cast: Cast, *, slot: TimeSlot | None = None) -> WaitingOffer:
    """A place of Theo's that Pia gave up, held for Pavel."""
    slot = slot or slot_around(cast.theo, START)
    waiting_list.join(Wish(patient=cast.pavel, preferred_date=DAY), cast.pavel, NOW)
    pk = book(Booking(patient=cast.pia, start=START, time_slot_id=slot.pk), cast.pia, NOW).pk
    attendance.cancel(pk, "ill", cast.pia, SOON)
    return WaitingOffer.objects.get(LIVE)


def clear() -> None:
    """Empty the slot and the list for the next round."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE appointments_appointmentlog DISABLE TRIGGER append_only")
        for table in ("waitingoffer", "waitinglist", "appointmentlog", "assignment", "appointment"):
            cursor.execute(f"DELETE FROM appointments_{table}")
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE appointments_appointmentlog ENABLE TRIGGER append_only")
    OutboxEntry.objects.all().delete()
    TimeSlot.objects.update(current_appointments=0, held_places=0)


def consistent(slot: TimeSlot) -> bool:
    """The slot's counts are what its appointments and offers say."""
    slot.refresh_from_db()
    booked = Appointment.objects.filter(time_slot=slot, status__in=HELD).count()
    held = WaitingOffer.objects.filter(LIVE, time_slot=slot).count()
    return (slot.current_appointments, slot.held_places) == (booked, held) and booked + held <= slot.max_appointments


def refused_properly(outcome: Outcome) -> bool:
    return all(error is None or isinstance(error, Conflict) for error in outcome.results)


def test_of_two_who_accept_one_offer_one_has_the_place(cast: Cast) -> None:
    slot = slot_around(cast.theo, START)
    with Racers(3) as racers:
        for _ in range(ROUNDS):
            entry = held_offer(cast, slot=slot).entry_id
            accept = [
                lambda actor=actor, entry=entry: waiting_list.accept_offer(entry, actor, SOON)
                for actor in (cast.pavel, cast.olive, cast.ada)
            ]
            outcome = racers.race(*accept)
            assert outcome.winners == 1 and refused_properly(outcome), outcome.results
            assert Appointment.objects.filter(patient=cast.pavel).count() == 1
            assert consistent(slot)
            clear()


class LateError(Exception):
    """An expiry that found nothing to do."""


def expire(offer_id: int) -> None:
    if not vacancies.expire(offer_id, EXPIRY):
        raise LateError


def test_an_answer_and_the_expiry_exclude_each_other(cast: Cast) -> None:
    slot = slot_around(cast.theo, START)
    won: set[str] = set()
    with Racers(4) as racers:
        for number in range(ROUNDS):
            offer = held_offer(cast, slot=slot)
            moves: list[Callable[[], Any]] = [
                lambda entry=offer.entry_id: waiting_list.accept_offer(entry, cast.pavel, SOON),
                lambda entry=offer.entry_id: waiting_list.decline_offer(entry, SOON),
                lambda pk=offer.pk: expire(pk),
                lambda pk=offer.pk: expire(pk),
            ]
            outcome = racers.race(*moves[number % 4 :], *moves[: number % 4])
            assert outcome.winners == 1, outcome.results
            offer.refresh_from_db()
            assert Appointment.objects.filter(patient=cast.pavel).count() == (offer.status == "accepted")
            assert consistent(slot)
            won.add(offer.status)
            clear()
    assert won <= {"accepted", "declined", "expired"}


def test_nobody_books_a_place_while_it_becomes_held(cast: Cast) -> None:
    """Pia cancels while others book the slot by its id, by its time and past it: it is held, or somebody has it."""
    slot = slot_around(cast.theo, START)
    others = crowd(cast, 3)
    with Racers(4) as racers:
        for _ in range(ROUNDS):
            waiting_list.join(Wish(patient=cast.pavel, preferred_date=DAY), cast.pavel, NOW)
            pk = book(Booking(patient=cast.pia, start=START, time_slot_id=slot.pk), cast.pia, NOW).pk
            outcome = racers.race(
                lambda pk=pk: attendance.cancel(pk, "ill", cast.pia, SOON),
                lambda: book(Booking(patient=others[0], start=START, time_slot_id=slot.pk), others[0], SOON),
                lambda: book(Booking(patient=others[1], start=START, therapist_id=cast.theo.pk), others[1], SOON),
                lambda: book(Booking(patient=others[2], start=PARTLY, therapist_id=cast.theo.pk), cast.olive, SOON),
            )
            assert outcome.results[0] is None and refused_properly(outcome), outcome.results
            assert outcome.winners == 1, outcome.results
            assert WaitingOffer.objects.get(LIVE).entry.patient == cast.pavel
            assert consistent(slot)
            clear()


def test_two_places_freed_at_once_are_held_for_two_people(cast: Cast) -> None:
    slot = slot_around(cast.theo, START, places=2)
    holders = crowd(cast, 2)
    waiting = [cast.pia, cast.pavel]
    with Racers(2) as racers:
        for _ in range(ROUNDS):
            for patient in waiting:
                waiting_list.join(Wish(patient=patient, preferred_date=DAY), patient, NOW)
            leaving = [
                (book(Booking(patient=one, start=START, time_slot_id=slot.pk), one, NOW).pk, one) for one in holders
            ]
            outcome = racers.race(
                *(lambda pk=pk, one=one: attendance.cancel(pk, "ill", one, SOON) for pk, one in leaving)
            )
            assert outcome.winners == 2, outcome.results
            assert set(WaitingOffer.objects.filter(LIVE).values_list("entry__patient", flat=True)) == {
                person.pk for person in waiting
            }
            assert consistent(slot)
            clear()


def test_leaving_the_list_while_a_place_comes_keeps_no_place_held_for_who_left(cast: Cast) -> None:
    slot = slot_around(cast.theo, START)
    with Racers(2) as racers:
        for _ in range(ROUNDS):
            entry = waiting_list.join(Wish(patient=cast.pavel, preferred_date=DAY), cast.pavel, NOW).pk
            pk = book(Booking(patient=cast.pia, start=START, time_slot_id=slot.pk), cast.pia, NOW).pk
            outcome = racers.race(
                lambda pk=pk: attendance.cancel(pk, "ill", cast.pia, SOON),
                lambda entry=entry: waiting_list.deactivate(entry, SOON),
            )
            assert outcome.winners == 2, outcome.results
            assert not WaitingList.objects.get(pk=entry).is_active
            assert not WaitingOffer.objects.filter(LIVE).exists()
            assert consistent(slot)
            clear()


# Negative controls ----------------------------------------------------------------------------------------------------


@contextmanager
def without_the_guarded_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An offer's end looks first and writes then, and locks nothing."""

    def end_offer(offer: WaitingOffer, to: Any, now: Any) -> bool:
        WaitingOffer.objects.filter(pk=offer.pk).update(status=to, ended_at=now)
        return True

    with monkeypatch.context() as patch:
        patch.setattr(vacancies, "end_offer", end_offer)
        patch.setattr(waiting_list, "end_offer", end_offer)
        yield


def test_without_the_guard_an_offer_is_both_accepted_and_given_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    offer = held_offer(cast)
    with without_the_guarded_end(monkeypatch):
        waiting_list.accept_offer(offer.entry_id, cast.pavel, SOON)
        with pytest.raises(Exception, match=r"(?i)check|constraint|full"):
            vacancies.expire(offer.pk, EXPIRY)


def test_without_the_look_at_held_places_an_operator_books_past_one(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_offer(cast)
    (other,) = crowd(cast, 1)
    asked = Booking(patient=other, start=PARTLY, therapist_id=cast.theo.pk)
    with pytest.raises(Conflict):
        book(asked, cast.olive, SOON)
    with monkeypatch.context() as patch:
        patch.setattr(holding, "refuse_held", lambda *_: None)
        assert book(asked, cast.olive, SOON).therapist_id == cast.theo.pk


@only_postgresql
def test_without_the_therapists_lock_a_booking_slips_past_the_hold(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look before either has committed; only the lock that both take first keeps them apart."""
    slot = slot_around(cast.theo, START)
    (other,) = crowd(cast, 1)
    slipped = 0

    def unlocked(therapist_id: int, institution_id: int) -> User:
        return User.objects.get(pk=therapist_id)

    look = holding.refuse_held

    def slow_look(*args: Any) -> None:
        look(*args)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.1)")

    with monkeypatch.context() as patch, Racers(2) as racers:
        for module in ("waiting_list", "booking"):
            patch.setattr(f"appointments.services.{module}.lock_therapist", unlocked)
        patch.setattr(holding, "refuse_held", slow_look)
        for _ in range(5):
            entry = waiting_list.join(Wish(patient=cast.pavel, preferred_date=DAY), cast.pavel, NOW)
            racers.race(
                lambda entry=entry: waiting_list.notify(entry.pk, SOON, slot.pk),
                lambda: book(Booking(patient=other, start=PARTLY, therapist_id=cast.theo.pk), cast.olive, SOON),
            )
            clash = Appointment.objects.filter(Q(status__in=HELD), patient=other).exists()
            slipped += clash and WaitingOffer.objects.filter(LIVE).exists()
            clear()
    assert slipped
