"""Offers and their answers, open requests, and asking once more."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from appointments.errors import (
    DeadlinePassed,
    DoubleBooked,
    InvalidInput,
    InvalidTransition,
    NotFound,
    StaleVersion,
    TherapistUnavailable,
    Throttled,
)
from appointments.models import Appointment, AppointmentRejection, Assignment, AssignmentStatus, Origin
from appointments.selectors.visibility import visible_to
from appointments.services import assignment, attendance, rescheduling, sweeps
from appointments.services.reassign import reassign
from appointments.services.sweeps import expire_due
from appointments.transitions import State, state_of
from core.accounts.models import User
from core.outbox.models import OutboxEntry
from tests.appointments.moves import (
    AT_DEADLINE,
    NOW,
    SOON,
    START,
    auto_cancelled,
    chosen,
    confirmed,
    fresh,
    ids,
    minutes,
    new,
    new_for,
    offered,
    open_request,
    slot_around,
    tell_everybody,
    watched,
)
from tests.support.cast import Cast

JUST_BEFORE = AT_DEADLINE - timedelta(microseconds=1)


# Offers --------------------------------------------------------------------------------------------------------------


def test_an_offer_gets_the_policys_clock_and_its_warning(cast: Cast) -> None:
    offer = offered(cast)
    assert (offer.assigned_at, offer.response_deadline, offer.warn_at) == (NOW, AT_DEADLINE, NOW + minutes(20))


def test_an_offers_clock_ends_at_the_start_at_the_latest(cast: Cast) -> None:
    assert offered(cast, start=NOW + minutes(12)).response_deadline == NOW + minutes(12)


def test_an_offer_promises_its_eta_task(cast: Cast) -> None:
    pk = new(cast).pk
    with watched() as left:
        assignment.assign(pk, cast.theo.pk, cast.olive, NOW)
    assert left().tasks == ["arm_deadline"]


def test_an_offer_opens_an_assignment_of_origin_operator(cast: Cast) -> None:
    live = Assignment.objects.get(appointment=offered(cast))
    assert (live.therapist, live.status, live.origin) == (cast.theo, AssignmentStatus.OFFERED, Origin.OPERATOR)


def test_nothing_is_offered_at_or_after_its_start(cast: Cast) -> None:
    pk = new(cast).pk
    with pytest.raises(InvalidTransition):
        assignment.assign(pk, cast.theo.pk, cast.olive, START)


def test_a_taken_therapist_is_not_offered_more_at_that_time(cast: Cast) -> None:
    offered(cast)
    other = new_for(cast.pavel, cast.olive, start=START + minutes(29)).pk
    with pytest.raises(DoubleBooked):
        assignment.assign(other, cast.theo.pk, cast.olive, NOW)


def test_back_to_back_is_no_overlap(cast: Cast) -> None:
    offered(cast)
    other = new_for(cast.pavel, cast.olive, start=START + minutes(30)).pk
    assert assignment.assign(other, cast.theo.pk, cast.olive, NOW).therapist_id == cast.theo.pk


def test_inside_one_slot_two_bookings_may_overlap(cast: Cast) -> None:
    slot = slot_around(cast.theo, START, places=2)
    other = new_for(cast.pavel, cast.olive).pk
    assert offered(cast).time_slot_id == slot.pk
    assert assignment.assign(other, cast.theo.pk, cast.olive, NOW).time_slot_id == slot.pk
    slot.refresh_from_db()
    assert (slot.current_appointments, slot.is_booked) == (2, True)


def test_taking_an_appointment_back_gives_its_place_in_the_slot_back(cast: Cast) -> None:
    slot = slot_around(cast.theo, START)
    assignment.unassign(offered(cast).pk, cast.olive, SOON)
    slot.refresh_from_db()
    assert slot.current_appointments == 0


@pytest.mark.parametrize(
    "columns",
    [{"is_active": False}, {"taking_appointments": False}, {"away_until": SOON}],
    ids=["suspended", "not taking", "away"],
)
def test_who_cannot_be_asked_is_not_asked(cast: Cast, columns: dict[str, object]) -> None:
    User.objects.filter(pk=cast.theo.pk).update(**columns)
    pk = new(cast).pk
    with pytest.raises(TherapistUnavailable):
        assignment.assign(pk, cast.theo.pk, cast.olive, NOW)


def test_an_operator_may_assign_outside_the_published_time(cast: Cast) -> None:
    slot_around(cast.theo, START + minutes(120))
    assert offered(cast).therapist_id == cast.theo.pk


def test_a_therapist_of_another_institution_is_unknown(cast: Cast) -> None:
    pk = new(cast).pk
    with pytest.raises(InvalidInput) as refused:
        assignment.assign(pk, cast.heiko.pk, cast.olive, NOW)
    assert (refused.value.code, refused.value.attr) == ("does_not_exist", "therapist")


def test_an_auto_cancelled_appointment_can_be_offered_again(cast: Cast) -> None:
    again = assignment.assign(auto_cancelled(cast).pk, cast.tara.pk, cast.olive, AT_DEADLINE + minutes(1))
    assert (state_of(again), again.therapist_id, again.auto_cancelled_at) == (State.OFFERED, cast.tara.pk, None)


def test_the_expired_therapist_is_not_told_that_somebody_else_is_asked(cast: Cast) -> None:
    pk = auto_cancelled(cast).pk
    with watched() as left:
        assignment.assign(pk, cast.tara.pk, cast.olive, AT_DEADLINE + minutes(1))
    assert left().events == {"appointment_assigned": ids(cast.olive, cast.otto, cast.tara, cast.pia)}


def test_a_stale_version_is_refused_before_the_state(cast: Cast) -> None:
    pk = confirmed(cast).pk
    with pytest.raises(StaleVersion):
        assignment.accept(pk, cast.theo, SOON, version=1)


# More time -----------------------------------------------------------------------------------------------------------


def test_more_time_moves_deadline_and_warning_and_arms_the_clock_anew(cast: Cast) -> None:
    pk = offered(cast).pk
    with watched() as left:
        extended = assignment.extend(pk, 45, cast.olive, SOON)
    assert extended.response_deadline == AT_DEADLINE + minutes(45)
    assert extended.warn_at == AT_DEADLINE + minutes(35)
    assert left().tasks == ["arm_deadline"]


def test_more_time_never_goes_past_the_start(cast: Cast) -> None:
    start = NOW + minutes(40)
    assert assignment.extend(offered(cast, start=start).pk, 120, cast.olive, SOON).response_deadline == start


def test_no_more_time_where_the_deadline_is_the_start(cast: Cast) -> None:
    pk = offered(cast, start=NOW + minutes(20)).pk
    with pytest.raises(InvalidTransition):
        assignment.extend(pk, 10, cast.olive, SOON)


def test_the_therapist_gets_more_time_once_for_an_offer(cast: Cast) -> None:
    pk = offered(cast).pk
    assignment.extend(pk, 10, cast.theo, SOON)
    with pytest.raises(InvalidTransition):
        assignment.extend(pk, 1, cast.theo, SOON)


def test_a_new_offer_may_be_extended_by_the_therapist_again(cast: Cast) -> None:
    pk = offered(cast).pk
    assignment.extend(pk, 10, cast.theo, SOON)
    assignment.unassign(pk, cast.olive, SOON)
    assignment.assign(pk, cast.theo.pk, cast.olive, SOON)
    assert assignment.extend(pk, 10, cast.theo, SOON).response_deadline == SOON + minutes(40)


def test_the_therapist_gets_ten_minutes_at_most(cast: Cast) -> None:
    pk = offered(cast).pk
    with pytest.raises(InvalidInput) as refused:
        assignment.extend(pk, 10.5, cast.theo, SOON)
    assert refused.value.attr == "minutes"


# Answers -------------------------------------------------------------------------------------------------------------


def test_an_answer_is_taken_until_just_before_the_deadline(cast: Cast) -> None:
    accepted = assignment.accept(offered(cast).pk, cast.theo, JUST_BEFORE)
    assert (accepted.status, accepted.confirmed_at, accepted.response_deadline) == ("confirmed", JUST_BEFORE, None)


@pytest.mark.parametrize("answer", ["accept", "reject", "extend"])
def test_an_answer_at_the_deadline_is_refused_with_deadline_passed(cast: Cast, answer: str) -> None:
    pk = offered(cast).pk
    calls = {
        "accept": lambda: assignment.accept(pk, cast.theo, AT_DEADLINE),
        "reject": lambda: assignment.reject(pk, "ill", cast.theo, AT_DEADLINE),
        "extend": lambda: assignment.extend(pk, 10, cast.theo, AT_DEADLINE),
    }
    with pytest.raises(DeadlinePassed):
        calls[answer]()


def test_an_answer_that_arrived_in_time_but_after_the_expiry_is_refused_with_deadline_passed(cast: Cast) -> None:
    pk = auto_cancelled(cast).pk
    with pytest.raises(DeadlinePassed):
        assignment.accept(pk, cast.theo, JUST_BEFORE)


def test_the_chosen_therapists_late_answer_is_refused_with_deadline_passed_where_nothing_is_open(
    cast: Cast, settings: Settings
) -> None:
    settings.OPEN_REQUESTS = False
    pk = chosen(cast).pk
    expire_due(AT_DEADLINE)
    with pytest.raises(DeadlinePassed):
        assignment.accept(pk, cast.theo, JUST_BEFORE)


def test_a_rejection_keeps_its_reason_for_the_review(cast: Cast) -> None:
    pk = assignment.reject(offered(cast).pk, "I am ill", cast.theo, SOON).pk
    kept = AppointmentRejection.objects.get(appointment_id=pk)
    assert (kept.therapist, kept.rejection_reason, kept.rejected_at, kept.review_decision) == (
        cast.theo,
        "I am ill",
        SOON,
        None,
    )


def test_an_operators_offer_is_not_rejected_without_a_reason(cast: Cast) -> None:
    pk = offered(cast).pk
    with pytest.raises(InvalidInput) as refused:
        assignment.reject(pk, "  ", cast.theo, SOON)
    assert refused.value.attr == "rejection_reason"
    assert state_of(fresh(pk)) is State.OFFERED


def test_a_patients_choice_may_be_rejected_without_a_reason(cast: Cast) -> None:
    assert state_of(assignment.reject(chosen(cast).pk, "", cast.theo, SOON)) is State.REJECTED


def test_the_patient_learns_of_a_rejection_when_they_chose_the_therapist(cast: Cast) -> None:
    pk = chosen(cast).pk
    with watched() as left:
        assignment.reject(pk, "on leave", cast.theo, SOON)
    assert left().events == {"appointment_rejected": ids(cast.olive, cast.otto, cast.theo, cast.pia)}


def test_a_rejected_appointment_still_holds_the_therapists_time(cast: Cast) -> None:
    assignment.reject(offered(cast).pk, "ill", cast.theo, SOON)
    other = new_for(cast.pavel, cast.olive).pk
    with pytest.raises(DoubleBooked):
        assignment.assign(other, cast.theo.pk, cast.olive, SOON)


# Open requests -------------------------------------------------------------------------------------------------------


def test_the_first_who_accepts_an_open_request_has_it(cast: Cast) -> None:
    taken = assignment.accept(open_request(cast).pk, cast.tara, SOON)
    assert (state_of(taken), taken.therapist_id, taken.open, taken.origin) == (
        State.CONFIRMED,
        cast.tara.pk,
        False,
        Origin.PATIENT,
    )
    live = Assignment.objects.get(appointment=taken)
    assert (live.status, live.answered_at) == (AssignmentStatus.ACCEPTED, SOON)


def test_whoever_comes_second_to_an_open_request_is_refused(cast: Cast) -> None:
    pk = open_request(cast).pk
    assignment.accept(pk, cast.tara, SOON)
    with pytest.raises(InvalidTransition):
        assignment.accept(pk, cast.theo, SOON)
    assert fresh(pk).therapist_id == cast.tara.pk


def test_the_others_see_a_taken_request_closed(cast: Cast) -> None:
    pk = open_request(cast).pk
    tell_everybody()
    with watched() as left:
        assignment.accept(pk, cast.tara, SOON)
    assert left().events == {
        "appointment_accepted": ids(cast.olive, cast.otto, cast.tara, cast.pia),
        "appointment_updated": ids(cast.theo),
    }
    assert OutboxEntry.objects.get(kind="appointment_updated").payload["data"] == {"open": False}


@pytest.mark.parametrize(
    "end",
    [
        lambda cast, pk: attendance.cancel(pk, "no longer needed", cast.pia, SOON),
        lambda cast, pk: assignment.assign(pk, cast.tara.pk, cast.olive, SOON),
        lambda cast, pk: reassign(pk, cast.olive, SOON),
        lambda cast, pk: rescheduling.reschedule(pk, START + timedelta(days=1), cast.pia, SOON),
        lambda cast, pk: sweeps.lapse_due(START),
    ],
    ids=["cancelled", "assigned", "searched for", "rescheduled", "lapsed"],
)
def test_whoever_saw_an_open_request_learns_that_it_is_over_however_it_ends(
    cast: Cast, end: Callable[[Cast, int], object]
) -> None:
    pk = open_request(cast).pk
    tell_everybody()
    with watched() as left:
        end(cast, pk)
    shown = ids(cast.theo, cast.tara) - {fresh(pk).therapist_id}
    assert left().events["appointment_updated"] == shown


def test_the_end_of_a_request_that_was_not_open_is_told_to_no_therapist(cast: Cast) -> None:
    pk = new(cast).pk
    tell_everybody()
    with watched() as left:
        attendance.cancel(pk, "no longer needed", cast.olive, SOON)
    assert left().events == {"appointment_cancelled": ids(cast.olive, cast.otto, cast.pia)}


def test_a_taken_request_takes_the_place_in_the_takers_slot(cast: Cast) -> None:
    slot = slot_around(cast.tara, START)
    assert assignment.accept(open_request(cast).pk, cast.tara, SOON).time_slot_id == slot.pk
    slot.refresh_from_db()
    assert slot.is_booked


def test_who_is_busy_then_cannot_take_an_open_request(cast: Cast) -> None:
    pk = open_request(cast).pk
    new_for(cast.pavel, cast.olive, cast.theo)
    with pytest.raises(InvalidTransition):
        assignment.accept(pk, cast.theo, SOON)


def test_an_open_request_cannot_be_taken_at_its_start(cast: Cast) -> None:
    pk = open_request(cast).pk
    with pytest.raises(InvalidTransition):
        assignment.accept(pk, cast.theo, START)


def test_a_foreign_therapist_finds_no_open_request(cast: Cast) -> None:
    pk = open_request(cast).pk
    with pytest.raises(NotFound):
        assignment.accept(pk, cast.heiko, SOON)


def test_a_declined_request_is_hidden_from_who_declined_and_open_for_the_others(cast: Cast) -> None:
    pk = open_request(cast).pk
    before = fresh(pk).version
    assignment.reject(pk, "", cast.theo, SOON)
    assert not visible_to(cast.theo, SOON).filter(pk=pk).exists()
    assert visible_to(cast.tara, SOON).filter(pk=pk, open=True).exists()
    assert fresh(pk).version == before


def test_one_decline_is_told_to_nobody(cast: Cast) -> None:
    pk = open_request(cast).pk
    with watched() as left:
        assignment.reject(pk, "no time", cast.theo, SOON)
    assert left().events == {}
    assert [(log.action, log.performed_by) for log in left().logs] == [("declined", cast.theo)]


def test_the_last_one_declining_is_told_to_the_operators(cast: Cast) -> None:
    pk = open_request(cast).pk
    assignment.reject(pk, "", cast.theo, SOON)
    with watched() as left:
        assignment.reject(pk, "", cast.tara, SOON)
    assert left().events == {"appointment_updated": ids(cast.olive, cast.otto)}


def test_who_declined_cannot_take_it_any_more(cast: Cast) -> None:
    pk = open_request(cast).pk
    assignment.reject(pk, "", cast.theo, SOON)
    with pytest.raises(InvalidTransition):
        assignment.accept(pk, cast.theo, SOON)


def test_the_chosen_therapist_may_take_the_request_that_opened_on_their_silence(cast: Cast) -> None:
    pk = chosen(cast).pk
    expire_due(AT_DEADLINE)
    assert assignment.accept(pk, cast.theo, AT_DEADLINE + minutes(1)).therapist_id == cast.theo.pk


@pytest.mark.parametrize("by_operator", ["assign and unassign", "reassign"])
def test_what_an_operator_took_in_hand_is_open_no_more(cast: Cast, by_operator: str) -> None:
    pk = open_request(cast).pk
    if by_operator == "reassign":
        reassign(pk, cast.olive, SOON)
    else:
        assignment.assign(pk, cast.theo.pk, cast.olive, SOON)
        assignment.unassign(pk, cast.olive, SOON)
    assert not fresh(pk).open


# "I'm on it", and asking once more -----------------------------------------------------------------------------------


def test_claiming_and_releasing_is_told_to_the_operators_only(cast: Cast) -> None:
    pk = offered(cast).pk
    with watched() as left:
        assert assignment.claim(pk, cast.otto, SOON).claimed_by_id == cast.otto.pk
        assert assignment.release(pk, cast.otto, SOON).claimed_by_id is None
    assert [log.action for log in left().logs] == ["claimed", "released"]
    assert left().events == {"appointment_claimed": ids(cast.olive, cast.otto)}


def test_what_nobody_claimed_cannot_be_released(cast: Cast) -> None:
    pk = offered(cast).pk
    with pytest.raises(InvalidTransition):
        assignment.release(pk, cast.olive, SOON)


def test_an_answer_ends_the_claim(cast: Cast) -> None:
    pk = offered(cast).pk
    assignment.claim(pk, cast.otto, SOON)
    assert assignment.accept(pk, cast.theo, SOON).claimed_by_id is None


def test_a_reminder_goes_out_on_the_second_channel(cast: Cast) -> None:
    pk = offered(cast).pk
    with watched() as left:
        assignment.remind(pk, cast.olive, SOON)
    assert (left().tasks, left().events) == (["send_offer"], {})


def test_a_second_reminder_within_a_minute_is_throttled(cast: Cast) -> None:
    pk = offered(cast).pk
    assignment.remind(pk, cast.olive, SOON)
    with pytest.raises(Throttled) as refused:
        assignment.remind(pk, cast.otto, SOON + timedelta(seconds=45))
    assert refused.value.retry_after == 15
    assignment.remind(pk, cast.otto, SOON + minutes(1))


def test_one_appointment_has_one_live_assignment_at_most(cast: Cast) -> None:
    pk = offered(cast).pk
    assignment.unassign(pk, cast.olive, SOON)
    assignment.assign(pk, cast.tara.pk, cast.olive, SOON)
    assert Assignment.objects.filter(appointment_id=pk, ended_at__isnull=True).count() == 1
    assert Appointment.objects.get(pk=pk).therapist_id == cast.tara.pk
