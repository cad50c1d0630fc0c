"""Joining and leaving the list, whose turn it is, and how a held place is taken or given on."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from pytest_django.fixtures import Settings

from appointments.errors import (
    DeadlinePassed,
    DoubleBooked,
    InvalidInput,
    InvalidTransition,
    SlotFull,
    TherapistUnavailable,
)
from appointments.models import Appointment, Origin, TimeOff, TimeSlot, WaitingList, WaitingOffer, WaitingOfferStatus
from appointments.selectors.waiting_list import LIVE
from appointments.services import assignment, attendance, rescheduling, slots, vacancies, waiting_list
from appointments.services.booking import Booking, book
from appointments.services.waiting_list import Wish
from appointments.transitions import State, state_of
from core.accounts.models import Role, User
from core.outbox.models import OutboxEntry
from tests.appointments.moves import NOW, SOON, START, fresh, ids, minutes, new_for, slot_around, watched
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

# START on the clinic's clock (Asia/Karachi, five hours ahead of UTC).
DAY = date(2031, 3, 4)
EXPIRY = SOON + minutes(15)


def wait(patient: User, *, now: datetime = NOW, **wish: Any) -> WaitingList:
    """An entry for the day of START."""
    return waiting_list.join(Wish(patient=patient, **{"preferred_date": DAY, **wish}), patient, now)


def people(cast: Cast, count: int) -> list[User]:
    return [
        User.objects.create(username=f"waiting-{number}", role=Role.PATIENT, institution=cast.clinic)
        for number in range(count)
    ]


def booked(cast: Cast, *, places: int = 1, by: User | None = None) -> Appointment:
    """Pia's place in Theo's slot at START."""
    slot = slot_around(cast.theo, START, places=places)
    return book(Booking(patient=cast.pia, start=START, time_slot_id=slot.pk), by or cast.pia, NOW)


def live() -> WaitingOffer:
    return WaitingOffer.objects.select_related("entry").get(LIVE)


def nothing_held() -> bool:
    return not WaitingOffer.objects.filter(LIVE).exists() and not TimeSlot.objects.filter(held_places__gt=0).exists()


def freed(cast: Cast) -> WaitingOffer:
    """What becomes of Pia's place when she cancels."""
    attendance.cancel(booked(cast).pk, "ill", cast.pia, SOON)
    return live()


# Who is asked ---------------------------------------------------------------------------------------------------------


def test_a_place_freed_by_the_patient_is_held_for_the_first_in_line(cast: Cast) -> None:
    entry = wait(cast.pavel)
    with watched() as left:
        offer = freed(cast)
    assert (offer.entry, offer.therapist_id, offer.start, offer.expires_at) == (entry, cast.theo.pk, START, EXPIRY)
    slot = TimeSlot.objects.get()
    assert (slot.current_appointments, slot.held_places, slot.is_booked) == (0, 1, True)
    assert left().events["waitlist_offer"] == ids(cast.olive, cast.otto, cast.pavel)
    assert left().tasks[-2:] == ["arm_waiting_offer", "send_waiting_offer"]


def test_the_event_holds_ids_and_facts_only(cast: Cast) -> None:
    wait(cast.pavel, reason="Canary")
    freed(cast)
    data = OutboxEntry.objects.get(kind="waitlist_offer").payload["data"]
    assert (data["patient"], data["therapist"], data["status"]) == (cast.pavel.pk, cast.theo.pk, "offered")
    assert "canary" not in str(list(OutboxEntry.objects.values())).lower()


@pytest.mark.parametrize("by", ["olive", "ada"])
def test_an_operators_cancel_frees_it_too(cast: Cast, by: str) -> None:
    wait(cast.pavel)
    attendance.cancel(booked(cast).pk, "double entry", getattr(cast, by), SOON)
    assert live().entry.patient == cast.pavel


@pytest.mark.parametrize("by", ["pia", "olive"])
def test_a_reschedule_frees_the_old_place(cast: Cast, by: str) -> None:
    wait(cast.pavel)
    slot_around(cast.theo, START + timedelta(days=1))
    rescheduling.reschedule(booked(cast).pk, START + timedelta(days=1), getattr(cast, by), SOON)
    assert (live().entry.patient, live().start) == (cast.pavel, START)


def test_a_reschedule_inside_the_slot_frees_no_place(cast: Cast) -> None:
    wait(cast.pavel)
    slot = slot_around(cast.theo, START, 60)
    pk = book(Booking(patient=cast.pia, start=START, time_slot_id=slot.pk), cast.pia, NOW).pk
    rescheduling.reschedule(pk, START + minutes(30), cast.pia, SOON)
    assert nothing_held()


def _confirmed(cast: Cast) -> int:
    return assignment.accept(booked(cast).pk, cast.theo, SOON).pk


@pytest.mark.parametrize(
    "give_up",
    [
        lambda cast: attendance.cancel(_confirmed(cast), "ill", cast.theo, SOON),
        lambda cast: rescheduling.reschedule(_confirmed(cast), START + timedelta(days=1), cast.theo, SOON),
        lambda cast: assignment.reject(booked(cast).pk, "ill", cast.theo, SOON),
        lambda cast: assignment.unassign(booked(cast).pk, cast.olive, SOON),
    ],
    ids=["cancelled by the therapist", "moved by the therapist", "rejected", "unassigned"],
)
def test_what_the_therapist_gave_up_is_offered_to_nobody(cast: Cast, give_up: Callable[[Cast], object]) -> None:
    wait(cast.pavel)
    slot_around(cast.theo, START + timedelta(days=1))
    give_up(cast)
    assert nothing_held()


def _away(cast: Cast) -> None:
    User.objects.filter(pk=cast.theo.pk).update(away_until=START)


def _off(cast: Cast) -> None:
    TimeOff.objects.create(
        therapist=cast.theo, start=START, end=START + minutes(30), created_by=cast.theo, created_at=NOW
    )


def _suspended(cast: Cast) -> None:
    User.objects.filter(pk=cast.theo.pk).update(is_active=False)


def _hidden(cast: Cast) -> None:
    TimeSlot.objects.update(is_available=False)


@pytest.mark.parametrize("keep_away", [_away, _off, _suspended, _hidden])
def test_a_place_whose_therapist_cannot_come_is_offered_to_nobody(
    cast: Cast, keep_away: Callable[[Cast], None]
) -> None:
    wait(cast.pavel)
    pk = booked(cast).pk
    keep_away(cast)
    attendance.cancel(pk, "ill", cast.pia, SOON)
    assert nothing_held()


def test_a_place_in_the_past_is_offered_to_nobody(cast: Cast) -> None:
    wait(cast.pavel)
    pk = assignment.accept(booked(cast).pk, cast.theo, SOON).pk
    attendance.cancel(pk, "did not come", cast.olive, START)
    assert nothing_held()


def test_an_offer_close_to_the_start_ends_at_the_start(cast: Cast) -> None:
    wait(cast.pavel)
    pk = assignment.accept(booked(cast).pk, cast.theo, SOON).pk
    attendance.cancel(pk, "ill", cast.pia, START - minutes(5))
    assert live().expires_at == START


def test_time_without_a_slot_is_offered_to_nobody(cast: Cast) -> None:
    wait(cast.pavel)
    attendance.cancel(new_for(cast.pia, cast.olive, cast.theo).pk, "ill", cast.pia, SOON)
    assert nothing_held()


def test_priority_comes_first_then_age(cast: Cast) -> None:
    late, early, urgent = people(cast, 3)
    wait(late, now=NOW + minutes(1))
    wait(early)
    wait(urgent, now=NOW + minutes(2), priority=1)
    order = []
    freed(cast)
    for step in range(3):
        order.append(live().entry.patient)
        waiting_list.decline_offer(live().entry_id, SOON + minutes(step))
    assert order == [urgent, early, late]
    assert nothing_held()


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        ({}, True),
        ({"preferred_date": DAY + timedelta(days=1)}, False),
        ({"preferred_time_start": time(13)}, True),
        ({"preferred_time_start": time(13, 1)}, False),
        ({"preferred_time_end": time(13, 30)}, True),
        ({"preferred_time_end": time(13, 29)}, False),
        ({"preferred_time_start": time(9), "preferred_time_end": time(18)}, True),
    ],
)
def test_only_who_wants_that_time_is_asked(cast: Cast, wish: dict[str, Any], asked: bool) -> None:
    wait(cast.pavel, **wish)
    attendance.cancel(booked(cast).pk, "ill", cast.pia, SOON)
    assert WaitingOffer.objects.exists() is asked


def test_only_who_wants_that_therapist_is_asked(cast: Cast) -> None:
    tara, theo = people(cast, 2)
    wait(tara, therapist_id=cast.tara.pk, priority=1)
    wait(theo, therapist_id=cast.theo.pk)
    assert freed(cast).entry.patient == theo


def test_who_gave_the_place_up_is_not_asked_for_it(cast: Cast) -> None:
    wait(cast.pia, priority=1)
    attendance.cancel(booked(cast).pk, "ill", cast.pia, SOON)
    assert nothing_held()


def test_who_is_busy_then_is_not_asked(cast: Cast) -> None:
    wait(cast.pavel)
    new_for(cast.pavel, cast.olive, cast.tara)
    attendance.cancel(booked(cast).pk, "ill", cast.pia, SOON)
    assert nothing_held()


def test_who_left_the_list_or_was_suspended_is_not_asked(cast: Cast) -> None:
    gone, suspended = people(cast, 2)
    waiting_list.deactivate(wait(gone).pk, NOW)
    wait(suspended)
    User.objects.filter(pk=suspended.pk).update(is_active=False)
    attendance.cancel(booked(cast).pk, "ill", cast.pia, SOON)
    assert nothing_held()


def test_nobody_of_another_institution_is_asked(cast: Cast) -> None:
    waiting_list.join(Wish(patient=cast.heidi, preferred_date=DAY), cast.heidi, NOW)
    attendance.cancel(booked(cast).pk, "ill", cast.pia, SOON)
    assert nothing_held()


def test_one_place_is_held_for_an_entry_at_a_time(cast: Cast) -> None:
    first, second = people(cast, 2)
    wait(first, priority=1)
    wait(second)
    slot = slot_around(cast.theo, START, places=2)
    for patient in (cast.pia, cast.pavel):
        pk = book(Booking(patient=patient, start=START, time_slot_id=slot.pk), patient, NOW).pk
        attendance.cancel(pk, "ill", patient, SOON)
    assert set(WaitingOffer.objects.filter(LIVE).values_list("entry__patient", flat=True)) == ids(first, second)
    slot.refresh_from_db()
    assert (slot.current_appointments, slot.held_places) == (0, 2)


# A held place ---------------------------------------------------------------------------------------------------------


def test_a_held_place_can_be_booked_by_nobody_else(cast: Cast) -> None:
    (other,) = people(cast, 1)
    wait(cast.pavel)
    slot = freed(cast).time_slot
    assert slot is not None
    with pytest.raises(SlotFull):
        book(Booking(patient=other, start=START, time_slot_id=slot.pk), other, SOON)
    with pytest.raises(SlotFull):
        book(Booking(patient=other, start=START, therapist_id=cast.theo.pk), other, SOON)


@pytest.mark.parametrize("shift", [0, 10])
def test_an_operator_cannot_book_or_assign_past_a_held_place(cast: Cast, shift: int) -> None:
    (other,) = people(cast, 1)
    wait(cast.pavel)
    freed(cast)
    at = START + minutes(shift)
    with pytest.raises(SlotFull):
        book(Booking(patient=other, start=at, therapist_id=cast.theo.pk), cast.olive, SOON)
    pk = new_for(other, cast.olive, start=at).pk
    with pytest.raises(SlotFull):
        assignment.assign(pk, cast.theo.pk, cast.olive, SOON)
    assert fresh(pk).therapist_id is None


def test_the_time_next_to_a_held_place_can_be_booked(cast: Cast) -> None:
    (other,) = people(cast, 1)
    wait(cast.pavel)
    freed(cast)
    assert book(Booking(patient=other, start=START + minutes(30), therapist_id=cast.theo.pk), cast.olive, SOON).pk


def test_who_accepts_has_a_request_to_the_therapist_and_leaves_the_list(cast: Cast) -> None:
    entry = wait(cast.pavel, reason="Back pain")
    offer = freed(cast)
    made = waiting_list.accept_offer(entry.pk, cast.pavel, EXPIRY - timedelta(microseconds=1), offer.pk)
    assert (state_of(made), made.origin, made.patient, made.therapist_id) == (
        State.OFFERED,
        Origin.PATIENT,
        cast.pavel,
        cast.theo.pk,
    )
    assert (made.start, made.time_slot, made.reason_for_visit) == (START, offer.time_slot, "Back pain")
    entry.refresh_from_db()
    assert not entry.is_active
    slot = TimeSlot.objects.get()
    assert (slot.current_appointments, slot.held_places) == (1, 0)
    assert WaitingOffer.objects.get().appointment == made


def test_an_operator_accepts_on_behalf_and_it_is_still_the_patients_choice(cast: Cast) -> None:
    entry = wait(cast.pavel)
    freed(cast)
    made = waiting_list.accept_offer(entry.pk, cast.olive, SOON)
    assert (made.origin, made.booked_by, made.patient) == (Origin.PATIENT, cast.olive, cast.pavel)


def test_at_its_end_a_place_can_no_longer_be_accepted(cast: Cast) -> None:
    entry = wait(cast.pavel)
    freed(cast)
    for answer in (
        lambda: waiting_list.accept_offer(entry.pk, cast.pavel, EXPIRY),
        lambda: waiting_list.decline_offer(entry.pk, EXPIRY),
    ):
        with pytest.raises(DeadlinePassed):
            answer()
    assert live().entry == entry


def test_after_it_was_given_on_the_answer_comes_too_late(cast: Cast) -> None:
    entry = wait(cast.pavel)
    freed(cast)
    vacancies.expire_due(EXPIRY)
    with pytest.raises(DeadlinePassed):
        waiting_list.accept_offer(entry.pk, cast.pavel, SOON)
    assert not Appointment.objects.filter(patient=cast.pavel).exists()


def test_a_second_answer_says_what_the_first_was(cast: Cast) -> None:
    entry = wait(cast.pavel)
    freed(cast)
    waiting_list.accept_offer(entry.pk, cast.pavel, SOON)
    with pytest.raises(InvalidTransition, match="already accepted"):
        waiting_list.accept_offer(entry.pk, cast.pavel, SOON)
    with pytest.raises(InvalidTransition, match="already accepted"):
        waiting_list.decline_offer(entry.pk, SOON)
    assert Appointment.objects.filter(patient=cast.pavel).count() == 1


def test_without_an_offer_there_is_nothing_to_answer(cast: Cast) -> None:
    entry = wait(cast.pavel)
    with pytest.raises(InvalidTransition):
        waiting_list.accept_offer(entry.pk, cast.pavel, SOON)


def test_an_answer_to_an_earlier_offer_does_not_take_the_present_one(cast: Cast) -> None:
    entry = wait(cast.pavel)
    seen = freed(cast).pk
    vacancies.expire_due(EXPIRY)
    slot = slot_around(cast.tara, START)
    pk = book(Booking(patient=cast.pia, start=START, time_slot_id=slot.pk), cast.pia, NOW).pk
    attendance.cancel(pk, "ill", cast.pia, EXPIRY)
    assert live().entry == entry
    with pytest.raises(DeadlinePassed):
        waiting_list.accept_offer(entry.pk, cast.pavel, EXPIRY, seen)
    assert live().therapist_id == cast.tara.pk


def test_what_can_no_longer_be_booked_leaves_the_offer_as_it_was(cast: Cast) -> None:
    entry = wait(cast.pavel)
    freed(cast)
    clash = new_for(cast.pavel, cast.olive, cast.tara).pk
    with pytest.raises(DoubleBooked):
        waiting_list.accept_offer(entry.pk, cast.pavel, SOON)
    assert live().entry == entry
    attendance.cancel(clash, "not this one", cast.olive, SOON)
    _away(cast)
    with pytest.raises(TherapistUnavailable):
        waiting_list.accept_offer(entry.pk, cast.pavel, SOON)
    assert (live().entry, TimeSlot.objects.get().held_places) == (entry, 1)


# Giving on ------------------------------------------------------------------------------------------------------------


def test_without_an_answer_the_place_goes_to_the_next_and_both_are_told(cast: Cast) -> None:
    first, second = people(cast, 2)
    entry = wait(first, priority=1)
    wait(second)
    freed(cast)
    assert vacancies.expire_due(EXPIRY - timedelta(microseconds=1)) == []
    with watched() as left:
        assert len(vacancies.expire_due(EXPIRY)) == 1
    assert (live().entry.patient, live().expires_at) == (second, EXPIRY + minutes(15))
    staff = ids(cast.olive, cast.otto)
    assert left().events == {
        "waitlist_offer_expired": staff | ids(first),
        "waitlist_offer": staff | ids(second),
    }
    entry.refresh_from_db()
    assert entry.is_active
    assert vacancies.expire_due(EXPIRY) == []


def test_when_nobody_is_left_the_place_is_anybodys(cast: Cast) -> None:
    (other,) = people(cast, 1)
    wait(cast.pavel)
    freed(cast)
    vacancies.expire_due(EXPIRY)
    assert nothing_held()
    assert book(Booking(patient=other, start=START, time_slot_id=TimeSlot.objects.get().pk), other, EXPIRY).pk


def test_who_did_not_answer_is_asked_again_for_another_place(cast: Cast) -> None:
    entry = wait(cast.pavel)
    freed(cast)
    vacancies.expire_due(EXPIRY)
    pk = book(Booking(patient=cast.pia, start=START, time_slot_id=TimeSlot.objects.get().pk), cast.pia, EXPIRY).pk
    attendance.cancel(pk, "ill again", cast.pia, EXPIRY)
    assert live().entry == entry


def test_who_declines_goes_on_waiting_and_the_next_is_asked(cast: Cast) -> None:
    first, second = people(cast, 2)
    entry = wait(first, priority=1)
    wait(second)
    freed(cast)
    waiting_list.decline_offer(entry.pk, SOON)
    assert live().entry.patient == second
    entry.refresh_from_db()
    assert entry.is_active


def test_who_leaves_the_list_gives_the_place_to_the_next(cast: Cast) -> None:
    first, second = people(cast, 2)
    entry = wait(first, priority=1)
    wait(second)
    freed(cast)
    waiting_list.deactivate(entry.pk, SOON)
    assert live().entry.patient == second
    assert WaitingOffer.objects.get(entry=entry).status == WaitingOfferStatus.WITHDRAWN
    with pytest.raises(InvalidTransition):
        waiting_list.deactivate(entry.pk, SOON)


def test_one_bad_row_does_not_stop_the_others(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = people(cast, 2)
    wait(first, priority=1)
    freed(cast)
    wait(second, therapist_id=cast.tara.pk)
    slot = slot_around(cast.tara, START)
    pk = book(Booking(patient=cast.pavel, start=START, time_slot_id=slot.pk), cast.pavel, NOW).pk
    attendance.cancel(pk, "ill", cast.pavel, SOON)
    bad = WaitingOffer.objects.get(entry__patient=first).pk
    give_on = vacancies.give_on

    def failing(offer: WaitingOffer, now: datetime) -> object:
        if offer.pk == bad:
            raise RuntimeError
        return give_on(offer, now)

    monkeypatch.setattr(vacancies, "give_on", failing)
    assert len(vacancies.expire_due(EXPIRY)) == 1
    assert live().pk == bad


@pytest.mark.parametrize("away", [OperationalError, InterfaceError])
def test_with_the_database_away_no_offer_is_tried_after_the_first(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, away: type[Exception]
) -> None:
    tried = []

    def failing(offer_id: int, now: datetime) -> bool:
        tried.append(offer_id)
        raise away

    monkeypatch.setattr(vacancies, "due", lambda now: [1, 2])
    monkeypatch.setattr(vacancies, "expire", failing)
    with pytest.raises(away):
        vacancies.expire_due(EXPIRY)
    assert tried == [1]


def test_the_clock_of_an_offer_is_the_settings(cast: Cast, settings: Settings) -> None:
    settings.WAITING_LIST_OFFER_MINUTES = 0.5
    wait(cast.pavel)
    assert freed(cast).expires_at == SOON + timedelta(seconds=30)


# The operator's word --------------------------------------------------------------------------------------------------


def publish(cast: Cast, begins: time, ends: time) -> TimeSlot:
    """A slot of Theo's on the day of START, by the clinic's clock."""
    return slots.publish(cast.theo.pk, DAY, slots.Hours(start_time=begins, end_time=ends), cast.theo, NOW)


def test_notify_holds_the_first_free_place_that_suits(cast: Cast) -> None:
    entry = wait(cast.pavel, preferred_time_start=time(13, 30), preferred_time_end=time(14, 30))
    publish(cast, time(13), time(13, 30))
    publish(cast, time(14, 15), time(14, 45))
    wanted = publish(cast, time(13, 30), time(14, 15))
    offer = waiting_list.notify(entry.pk, SOON)
    assert offer is not None
    assert (offer.time_slot, live().entry) == (wanted, entry)
    with pytest.raises(InvalidTransition):
        waiting_list.notify(entry.pk, SOON)


def test_notify_offers_the_slot_that_the_operator_names(cast: Cast) -> None:
    entry = wait(cast.pavel)
    named = slot_around(cast.tara, START + timedelta(days=2))
    offer = waiting_list.notify(entry.pk, SOON, named.pk)
    assert offer is not None and offer.time_slot == named


def test_notify_refuses_a_slot_that_is_full_unknown_or_foreign(cast: Cast) -> None:
    entry = wait(cast.pavel)
    full = booked(cast).time_slot
    assert full is not None
    with pytest.raises(SlotFull):
        waiting_list.notify(entry.pk, SOON, full.pk)
    for slot in (slot_around(cast.heiko, START).pk, 10**9):
        with pytest.raises(InvalidInput) as refused:
            waiting_list.notify(entry.pk, SOON, slot)
        assert refused.value.attr == "time_slot"
    assert nothing_held()


def test_notify_without_a_free_place_tells_the_patient_all_the_same(cast: Cast) -> None:
    entry = wait(cast.pavel)
    with watched() as left:
        assert waiting_list.notify(entry.pk, SOON) is None
    assert left().events == {"waitlist_offer": ids(cast.olive, cast.otto, cast.pavel)}
    entry.refresh_from_db()
    assert entry.notified_at == SOON


def test_who_has_left_the_list_is_not_notified(cast: Cast) -> None:
    entry = waiting_list.deactivate(wait(cast.pavel).pk, NOW)
    slot_around(cast.theo, START)
    with pytest.raises(InvalidTransition):
        waiting_list.notify(entry.pk, SOON)
    assert nothing_held()


# The wish -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"preferred_date": date(2031, 3, 2)}, "preferred_date"),
        ({"preferred_date": date(2032, 3, 4)}, "preferred_date"),
        ({"preferred_time_start": time(10), "preferred_time_end": time(10)}, "preferred_time_end"),
        ({"therapist_id": 10**9}, "therapist"),
    ],
)
def test_a_wish_that_cannot_be_had_is_refused_by_its_field(cast: Cast, wish: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        wait(cast.pavel, **wish)
    assert refused.value.attr == field
    entry = wait(cast.pavel)
    with pytest.raises(InvalidInput) as refused:
        waiting_list.change(entry.pk, wish, NOW)
    assert refused.value.attr == field


def test_a_therapist_of_another_institution_is_unknown(cast: Cast) -> None:
    with pytest.raises(InvalidInput):
        wait(cast.pavel, therapist_id=cast.heiko.pk)


def test_today_is_the_institutions_day(cast: Cast) -> None:
    late = datetime.combine(DAY, time(18, 30), tzinfo=NOW.tzinfo)  # 23:30 in Karachi
    assert wait(cast.pavel, now=late).pk
    with pytest.raises(InvalidInput):
        wait(cast.pavel, now=late + timedelta(hours=1))


# When the day has passed ----------------------------------------------------------------------------------------------

# Midnight after DAY on the clinic's clock.
OVER = datetime(2031, 3, 4, 19, tzinfo=UTC)


def test_when_the_day_is_over_the_entry_leaves_the_list_and_its_patient_is_told(cast: Cast) -> None:
    entry = wait(cast.pavel)
    assert waiting_list.close_passed(OVER - timedelta(microseconds=1)) == []
    with watched() as left:
        assert waiting_list.close_passed(OVER) == [entry.pk]
    assert left().events == {"waitlist_offer_expired": ids(cast.olive, cast.otto, cast.pavel)}
    entry.refresh_from_db()
    assert (entry.is_active, entry.passed_at) == (False, OVER)
    assert waiting_list.close_passed(OVER) == []


def test_a_window_is_over_before_its_day(cast: Cast) -> None:
    noon = OVER - timedelta(hours=12)
    entry = wait(cast.pavel, preferred_time_end=time(12))
    wait(cast.pia, preferred_time_start=time(9))
    assert waiting_list.close_passed(noon - timedelta(microseconds=1)) == []
    assert waiting_list.close_passed(noon) == [entry.pk]


def test_the_day_is_that_of_the_institution(cast: Cast) -> None:
    berlin = wait(cast.heidi)
    karachi = wait(cast.pavel)
    assert waiting_list.close_passed(OVER) == [karachi.pk]
    assert waiting_list.close_passed(OVER + timedelta(hours=4)) == [berlin.pk]


def test_an_entry_for_which_a_place_is_held_waits_for_its_answer(cast: Cast) -> None:
    entry = wait(cast.pavel)
    freed(cast)
    assert waiting_list.close_passed(OVER) == []
    vacancies.expire_due(OVER)
    assert waiting_list.close_passed(OVER) == [entry.pk]


def test_who_left_by_themselves_did_not_wait_in_vain(cast: Cast) -> None:
    entry = wait(cast.pavel)
    waiting_list.deactivate(entry.pk, SOON)
    assert waiting_list.close_passed(OVER) == []
    entry.refresh_from_db()
    assert entry.passed_at is None
