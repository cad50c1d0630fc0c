"""Review, reassignment and the search for somebody else."""

import uuid
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from appointments.errors import InvalidTransition
from appointments.models import Appointment, AppointmentRejection, Assignment, Origin, ReviewDecision, Service
from appointments.selectors.visibility import visible_to
from appointments.services import assignment, attendance, reassign, reassignment, review
from appointments.transitions import State, state_of
from core.accounts.models import Role, User
from core.outbox.models import OutboxEntry
from tests.appointments.moves import (
    AT_DEADLINE,
    NOW,
    SOON,
    START,
    auto_cancelled,
    confirmed,
    denied,
    fresh,
    ids,
    minutes,
    new,
    new_for,
    offered,
    open_request,
    rejected,
    slot_around,
    watched,
)
from tests.support.cast import Cast


def searching(cast: Cast) -> Appointment:
    """Theo is out, the search runs."""
    return fresh(review.review_rejection(rejected(cast).pk, ReviewDecision.ACCEPT, cast.olive, SOON).pk)


def run_search(appointment: Appointment) -> Appointment | None:
    assert appointment.search_id is not None
    return reassignment.search(appointment.pk, appointment.search_id, SOON)


# Review --------------------------------------------------------------------------------------------------------------


def test_an_accepted_rejection_starts_the_search(cast: Cast) -> None:
    pk = rejected(cast).pk
    with watched() as left:
        review.review_rejection(pk, ReviewDecision.ACCEPT, cast.olive, SOON, notes="get well")
    assert fresh(pk).search_id is not None
    assert left().tasks == ["reassign"]
    kept = AppointmentRejection.objects.get()
    assert (kept.review_decision, kept.review_notes, kept.reviewed_by, kept.reviewed_at) == (
        ReviewDecision.ACCEPT,
        "get well",
        cast.olive,
        SOON,
    )


def test_after_an_accepted_rejection_the_therapist_sees_it_as_cancelled(cast: Cast) -> None:
    pk = searching(cast).pk
    assert visible_to(cast.theo, SOON).get(pk=pk).viewer_status == "cancelled"


def test_a_denied_rejection_keeps_the_therapist(cast: Cast) -> None:
    duty = denied(cast)
    assert (state_of(duty), duty.therapist_id, duty.search_id) == (State.ASSIGNED, cast.theo.pk, None)
    assert AppointmentRejection.objects.get().review_decision == ReviewDecision.DENY


def test_a_rejection_is_not_reviewed_twice(cast: Cast) -> None:
    pk = denied(cast).pk
    with pytest.raises(InvalidTransition):
        review.review_rejection(pk, ReviewDecision.ACCEPT, cast.otto, SOON)


def test_a_rejection_is_not_reviewed_at_the_start(cast: Cast) -> None:
    pk = rejected(cast).pk
    with pytest.raises(InvalidTransition):
        review.review_rejection(pk, ReviewDecision.DENY, cast.olive, START)


# Reassign ------------------------------------------------------------------------------------------------------------


def test_reassigning_a_rejected_one_is_an_accepted_review(cast: Cast) -> None:
    pk = rejected(cast).pk
    with watched() as left:
        reassign.reassign(pk, cast.olive, SOON)
    assert AppointmentRejection.objects.get().review_decision == ReviewDecision.ACCEPT
    assert [log.action for log in left().logs] == ["rejection_accepted"]
    assert left().events == {"rejection_reviewed": ids(cast.olive, cast.otto, cast.theo)}
    assert left().tasks == ["reassign"]


@pytest.mark.parametrize("make", [offered, confirmed, denied, auto_cancelled, new, rejected])
def test_reassigning_to_somebody_named_offers_it_at_once(cast: Cast, make: object) -> None:
    pk = make(cast).pk  # type: ignore[operator]
    now = AT_DEADLINE + minutes(1)
    now = SOON if make is not auto_cancelled else now
    moved = reassign.reassign(pk, cast.olive, now, therapist_id=cast.tara.pk)
    assert (state_of(moved), moved.therapist_id, moved.search_id) == (State.OFFERED, cast.tara.pk, None)
    assert moved.response_deadline == now + minutes(30)


def test_while_a_search_runs_another_is_refused(cast: Cast) -> None:
    pk = searching(cast).pk
    with pytest.raises(InvalidTransition):
        reassign.reassign(pk, cast.olive, SOON)
    with pytest.raises(InvalidTransition):
        reassign.reassign(pk, cast.olive, SOON, therapist_id=cast.tara.pk)


def test_an_operators_assign_ends_a_running_search(cast: Cast) -> None:
    wanted = searching(cast)
    assignment.assign(wanted.pk, cast.tara.pk, cast.olive, SOON)
    assert run_search(wanted) is None
    assert fresh(wanted.pk).therapist_id == cast.tara.pk


def test_a_cancellation_ends_a_running_search(cast: Cast) -> None:
    wanted = searching(cast)
    attendance.cancel(wanted.pk, "ill", cast.pia, SOON)
    assert run_search(wanted) is None
    assert state_of(fresh(wanted.pk)) is State.CANCELLED


# The search ----------------------------------------------------------------------------------------------------------


def test_the_search_offers_to_somebody_else_as_the_system(cast: Cast) -> None:
    wanted = searching(cast)
    with watched() as left:
        found = run_search(wanted)
    assert found is not None
    assert (found.therapist_id, found.origin, found.response_deadline) == (
        cast.tara.pk,
        Origin.SYSTEM,
        SOON + minutes(30),
    )
    assert left().events == {"appointment_assigned": ids(cast.olive, cast.otto, cast.tara, cast.pia)}
    assert [(log.action, log.performed_by_id) for log in left().logs] == [("assigned", None)]


def test_a_search_that_is_not_its_own_does_nothing(cast: Cast) -> None:
    wanted = searching(cast)
    assert reassignment.search(wanted.pk, uuid.uuid4(), SOON) is None
    assert fresh(wanted.pk).search_id == wanted.search_id


def test_a_search_delivered_twice_offers_once(cast: Cast) -> None:
    wanted = searching(cast)
    run_search(wanted)
    assert run_search(wanted) is None
    assert Assignment.objects.filter(origin=Origin.SYSTEM).count() == 1


def test_with_nobody_left_the_patient_is_told_that_it_is_cancelled(cast: Cast) -> None:
    User.objects.filter(pk=cast.tara.pk).update(taking_appointments=False)
    wanted = searching(cast)
    with watched() as left:
        run_search(wanted)
    after = fresh(wanted.pk)
    assert (after.status, after.cancellation_reason) == ("cancelled", "no therapist available")
    assert left().events == {"appointment_cancelled": ids(cast.olive, cast.otto, cast.pia)}


def test_after_the_most_reassignments_the_search_gives_up(cast: Cast, settings: Settings) -> None:
    settings.MAX_REASSIGNMENTS = 1
    User.objects.create(username="tom", role=Role.THERAPIST, institution=cast.clinic)
    first = run_search(searching(cast))
    assert first is not None
    reassign.reassign(first.pk, cast.olive, SOON)
    run_search(fresh(first.pk))
    assert fresh(first.pk).cancellation_reason == "no therapist available"


def test_a_search_that_comes_after_the_start_cancels(cast: Cast) -> None:
    wanted = searching(cast)
    assert wanted.search_id is not None
    reassignment.search(wanted.pk, wanted.search_id, START)
    assert fresh(wanted.pk).status == "cancelled"


def excluded(cast: Cast) -> bool:
    """Tell whether the search finds nobody although Tara would be the one."""
    wanted = searching(cast)
    run_search(wanted)
    return fresh(wanted.pk).status == "cancelled"


@pytest.mark.parametrize(
    "columns",
    [{"is_active": False}, {"taking_appointments": False}, {"away_until": START}],
    ids=["suspended", "not taking", "away"],
)
def test_the_search_passes_over_who_cannot_be_asked(cast: Cast, columns: dict[str, object]) -> None:
    User.objects.filter(pk=cast.tara.pk).update(**columns)
    assert excluded(cast)


def test_the_search_passes_over_who_is_busy_then(cast: Cast) -> None:
    new_for(cast.pavel, cast.olive, cast.tara, start=START + minutes(15))
    assert excluded(cast)


def test_the_search_passes_over_who_publishes_other_times(cast: Cast) -> None:
    slot_around(cast.tara, START + minutes(120))
    assert excluded(cast)


def test_the_search_attaches_to_the_slot_it_found(cast: Cast) -> None:
    slot = slot_around(cast.tara, START)
    run_search(searching(cast))
    slot.refresh_from_db()
    assert slot.is_booked


def test_the_search_passes_over_who_is_not_qualified(cast: Cast) -> None:
    wanted = searching(cast)
    physio = Service.objects.create(institution=cast.clinic, name="Physio")
    other = Service.objects.create(institution=cast.clinic, name="Speech")
    other.therapists.add(cast.tara)
    Appointment.objects.filter(pk=wanted.pk).update(service=physio)
    run_search(wanted)
    assert fresh(wanted.pk).status == "cancelled"


def nobody_is_left_but_theo(cast: Cast) -> None:
    """Whoever ranks first is then no accident."""
    User.objects.filter(pk=cast.tara.pk).update(taking_appointments=False)


def test_who_let_the_offer_expire_is_not_asked_again(cast: Cast, settings: Settings) -> None:
    settings.AUTO_DISABLE_THERAPISTS = False
    nobody_is_left_but_theo(cast)
    pk = auto_cancelled(cast).pk
    reassign.reassign(pk, cast.olive, AT_DEADLINE + minutes(1))
    run_search(fresh(pk))
    assert fresh(pk).cancellation_reason == "no therapist available"


def test_who_was_denied_the_rejection_and_taken_off_is_not_asked_again(cast: Cast) -> None:
    nobody_is_left_but_theo(cast)
    pk = denied(cast).pk
    reassign.reassign(pk, cast.olive, SOON)
    run_search(fresh(pk))
    assert fresh(pk).cancellation_reason == "no therapist available"


def test_who_declined_the_open_request_is_not_asked_again(cast: Cast) -> None:
    pk = open_request(cast).pk
    assignment.reject(pk, "", cast.theo, SOON)
    nobody_is_left_but_theo(cast)
    reassign.reassign(pk, cast.olive, SOON)
    run_search(fresh(pk))
    assert fresh(pk).cancellation_reason == "no therapist available"


def test_who_was_merely_taken_off_may_be_asked_again(cast: Cast) -> None:
    User.objects.filter(pk=cast.tara.pk).update(taking_appointments=False)
    pk = confirmed(cast).pk
    reassign.reassign(pk, cast.olive, SOON)
    found = run_search(fresh(pk))
    assert found is not None
    assert found.therapist_id == cast.theo.pk


def test_a_search_that_was_lost_is_promised_again_after_a_minute(cast: Cast) -> None:
    wanted = searching(cast)
    OutboxEntry.objects.all().delete()
    assert reassignment.restart_stuck_searches(SOON + timedelta(seconds=59)) == 0
    assert reassignment.restart_stuck_searches(SOON + minutes(1)) == 1
    assert OutboxEntry.objects.get().payload == {"appointment": wanted.pk, "search_id": str(wanted.search_id)}


def test_a_lost_search_is_promised_once_a_minute(cast: Cast) -> None:
    searching(cast)
    reassignment.restart_stuck_searches(SOON + minutes(1))
    assert reassignment.restart_stuck_searches(SOON + minutes(1.5)) == 0


def test_a_search_for_what_does_not_exist_does_nothing(cast: Cast) -> None:
    assert reassignment.search(0, uuid.uuid4(), NOW) is None
