"""A deadline that suspends people must not do harm."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.db.models import Q
from knox.models import AuthToken
from pytest_django.fixtures import Settings

from appointments.errors import InvalidInput, InvalidTransition, NotFound
from appointments.models import Appointment, Assignment, SuspensionBreaker
from appointments.services import assignment, suspension, sweeps
from appointments.services.delivery import record_notified
from appointments.transitions import State, state_of
from core.accounts.models import AccountLog, Role, User
from core.liveness.models import Heartbeat, Outage, Part
from core.liveness.services import beat
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
    watched,
)
from tests.support.cast import Cast


def told_of_their_offers() -> None:
    """As the relay does once the notifications of the offers are written."""
    record_notified(Assignment.objects.values_list("pk", flat=True), NOW)


def offer_to_each(cast: Cast, count: int) -> list[User]:
    """As many therapists, each with a waiting offer they were told of."""
    therapists = []
    for number in range(count):
        therapist = User.objects.create(username=f"t{number}", role=Role.THERAPIST, institution=cast.clinic)
        patient = User.objects.create(username=f"p{number}", role=Role.PATIENT, institution=cast.clinic)
        new_for(patient, cast.olive, therapist)
        therapists.append(therapist)
    told_of_their_offers()
    return therapists


def expire_for(therapists: Sequence[User], now: datetime) -> list[int]:
    """Let the offers of these run out `now`; returns who was suspended."""
    Appointment.objects.filter(therapist__in=therapists, status="pending").update(response_deadline=now)
    return sweeps.expire_due(now).disabled_therapists


def is_active(user: User) -> bool:
    return User.objects.get(pk=user.pk).is_active


# By the deadline -----------------------------------------------------------------------------------------------------


def test_no_answer_suspends_the_therapist(cast: Cast) -> None:
    offered(cast)
    told_of_their_offers()
    assert sweeps.expire_due(AT_DEADLINE).disabled_therapists == [cast.theo.pk]
    theo = User.objects.get(pk=cast.theo.pk)
    assert (theo.is_active, theo.suspended_at) == (False, AT_DEADLINE)


def test_what_is_overdue_as_well_expires_and_is_not_withdrawn_with_the_suspension(cast: Cast) -> None:
    first, second = offered(cast), new_for(cast.pavel, cast.olive, cast.theo, start=START + timedelta(hours=1))
    told_of_their_offers()
    Appointment.objects.filter(pk__in=[first.pk, second.pk]).update(response_deadline=AT_DEADLINE)
    sweeps.expire_due(AT_DEADLINE, where=Q(pk=first.pk))
    assert state_of(fresh(second.pk)) is State.OFFERED
    assert sweeps.expire_due(AT_DEADLINE).appointments == [second.pk]
    assert state_of(fresh(second.pk)) is State.AUTO_CANCELLED


def test_a_suspension_by_the_deadline_is_told_to_operators_and_therapist_and_mailed(cast: Cast) -> None:
    offered(cast)
    told_of_their_offers()
    with watched() as left:
        sweeps.expire_due(AT_DEADLINE)
    assert left().events["therapist_disabled"] == ids(cast.olive, cast.otto, cast.theo)
    assert "tell_account" in left().tasks


def test_without_auto_disable_an_expiry_suspends_nobody(cast: Cast, settings: Settings) -> None:
    settings.AUTO_DISABLE_THERAPISTS = False
    offered(cast)
    told_of_their_offers()
    assert sweeps.expire_due(AT_DEADLINE).disabled_therapists == []


def test_an_offer_that_was_never_notified_suspends_nobody(cast: Cast) -> None:
    pk = offered(cast).pk
    assert sweeps.expire_due(AT_DEADLINE) == ([pk], [])
    assert is_active(cast.theo)


def test_the_button_acts_even_where_nothing_was_notified(cast: Cast) -> None:
    offered(cast)
    assert sweeps.expire_due(AT_DEADLINE, manual=True).disabled_therapists == [cast.theo.pk]


def test_a_clock_cut_short_by_the_start_suspends_nobody(cast: Cast) -> None:
    start = NOW + minutes(20)
    pk = offered(cast, start=start).pk
    told_of_their_offers()
    assert fresh(pk).response_deadline == start
    assert sweeps.expire_due(start) == ([pk], [])


def test_a_clock_that_ends_exactly_at_the_start_is_a_full_one(cast: Cast) -> None:
    offered(cast, start=AT_DEADLINE)
    told_of_their_offers()
    assert sweeps.expire_due(AT_DEADLINE).disabled_therapists == [cast.theo.pk]


def test_an_expired_choice_of_the_patient_suspends_nobody(cast: Cast) -> None:
    pk = chosen(cast).pk
    told_of_their_offers()
    assert sweeps.expire_due(AT_DEADLINE) == ([pk], [])


@pytest.mark.parametrize("part", [Part.WEB, Part.RELAY])
def test_while_a_watched_part_is_silent_an_expiry_suspends_nobody(cast: Cast, part: Part) -> None:
    beat(part, AT_DEADLINE - timedelta(seconds=20))
    pk = offered(cast).pk
    told_of_their_offers()
    assert sweeps.expire_due(AT_DEADLINE) == ([pk], [])


def test_a_silent_beat_excuses_nobody(cast: Cast) -> None:
    beat(Part.BEAT, AT_DEADLINE - timedelta(hours=1))
    offered(cast)
    told_of_their_offers()
    assert sweeps.expire_due(AT_DEADLINE).disabled_therapists == [cast.theo.pk]


def test_the_button_acts_even_while_the_relay_is_silent(cast: Cast) -> None:
    beat(Part.RELAY, AT_DEADLINE - timedelta(hours=1))
    offered(cast)
    assert sweeps.expire_due(AT_DEADLINE, manual=True).disabled_therapists == [cast.theo.pk]


def test_other_waiting_offers_of_the_suspended_go_back_and_accepted_ones_stay(cast: Cast) -> None:
    kept = confirmed(cast, start=START + minutes(60)).pk
    waiting = assignment.assign(new(cast, start=START + minutes(120)).pk, cast.theo.pk, cast.olive, SOON).pk
    offered(cast)
    told_of_their_offers()
    sweeps.expire_due(AT_DEADLINE)
    assert state_of(fresh(waiting)) is State.UNASSIGNED
    assert (state_of(fresh(kept)), fresh(kept).therapist_id) == (State.CONFIRMED, cast.theo.pk)


def test_an_offer_that_crossed_a_suspension_is_taken_back(cast: Cast) -> None:
    pk = offered(cast).pk
    User.objects.filter(pk=cast.theo.pk).update(is_active=False)
    suspension.withdraw_stranded_offers(SOON)
    assert state_of(fresh(pk)) is State.UNASSIGNED


# The breaker ---------------------------------------------------------------------------------------------------------


def test_the_breaker_lets_three_suspensions_pass_and_no_fourth(cast: Cast) -> None:
    therapists = offer_to_each(cast, 4)
    assert len(expire_for(therapists, SOON)) == 3
    assert Appointment.objects.filter(status="auto_cancelled").count() == 4
    assert SuspensionBreaker.objects.get().closed_at is None


def test_three_suspensions_alone_do_not_open_the_breaker(cast: Cast) -> None:
    assert len(expire_for(offer_to_each(cast, 3), SOON)) == 3
    assert not SuspensionBreaker.objects.exists()


def test_who_is_suspended_already_opens_no_breaker(cast: Cast) -> None:
    therapists = offer_to_each(cast, 4)
    expire_for(therapists[:3], SOON)
    User.objects.filter(pk=therapists[3].pk).update(is_active=False)
    assert expire_for(therapists[3:], SOON + minutes(1)) == []
    assert not SuspensionBreaker.objects.exists()


def test_the_breaker_counts_over_ten_minutes(cast: Cast) -> None:
    therapists = offer_to_each(cast, 4)
    expire_for(therapists[:3], SOON)
    assert expire_for(therapists[3:], SOON + minutes(9)) == []


def test_suspensions_older_than_ten_minutes_do_not_count(cast: Cast) -> None:
    therapists = offer_to_each(cast, 4)
    expire_for(therapists[:3], SOON)
    assert len(expire_for(therapists[3:], SOON + minutes(11))) == 1


def test_the_breakers_share_grows_with_those_who_have_offers(cast: Cast, settings: Settings) -> None:
    settings.SUSPENSION_BREAKER_PERCENT = 50
    therapists = offer_to_each(cast, 10)
    assert len(expire_for(therapists[:6], SOON)) == 5


def test_the_breakers_of_two_institutions_are_apart(cast: Cast) -> None:
    expire_for(offer_to_each(cast, 4), SOON)
    new_for(cast.heidi, cast.xander, cast.heiko)
    told_of_their_offers()
    assert expire_for([cast.heiko], SOON) == [cast.heiko.pk]


def test_an_open_breaker_halts_until_an_operator_closes_it_with_a_reason(cast: Cast) -> None:
    therapists = offer_to_each(cast, 6)
    expire_for(therapists[:4], SOON)
    assert expire_for(therapists[4:5], SOON + minutes(15)) == []
    closed = suspension.close_breaker(cast.clinic.pk, "the network was down", cast.olive, SOON + minutes(16))
    assert (closed.reason, closed.closed_by) == ("the network was down", cast.olive)
    assert len(expire_for(therapists[5:], SOON + minutes(17))) == 1


def test_a_closed_breaker_cannot_be_closed(cast: Cast) -> None:
    with pytest.raises(InvalidTransition):
        suspension.close_breaker(cast.clinic.pk, "why not", cast.olive, NOW)


# Outages -------------------------------------------------------------------------------------------------------------


def outage(started: float, ended: float, part: Part = Part.WEB) -> None:
    """One that lasted from and to so many minutes after NOW."""
    Outage.objects.create(part=part, started_at=NOW + minutes(started), ended_at=NOW + minutes(ended))


def test_an_outage_is_added_to_the_clock(cast: Cast) -> None:
    pk = offered(cast).pk
    outage(5, 12)
    assert suspension.settle_outages(NOW + minutes(12)) == 1
    assert fresh(pk).response_deadline == AT_DEADLINE + minutes(7)


def test_only_the_part_of_an_outage_after_the_offer_counts(cast: Cast) -> None:
    pk = offered(cast).pk
    outage(-30, 4)
    suspension.settle_outages(NOW + minutes(4))
    assert fresh(pk).response_deadline == AT_DEADLINE + minutes(4)


def test_at_least_ten_minutes_remain_after_an_outage(cast: Cast) -> None:
    pk = offered(cast).pk
    outage(29, 31)
    suspension.settle_outages(NOW + minutes(31))
    assert fresh(pk).response_deadline == NOW + minutes(41)


def test_two_outages_at_the_same_time_are_added_once(cast: Cast) -> None:
    pk = offered(cast).pk
    outage(5, 12, Part.WEB)
    outage(5, 12, Part.RELAY)
    suspension.settle_outages(NOW + minutes(12))
    assert fresh(pk).response_deadline == AT_DEADLINE + minutes(7)


def test_an_outage_is_settled_once(cast: Cast) -> None:
    pk = offered(cast).pk
    outage(5, 12)
    suspension.settle_outages(NOW + minutes(12))
    suspension.settle_outages(NOW + minutes(13))
    assert fresh(pk).response_deadline == AT_DEADLINE + minutes(7)


def test_an_offer_made_after_the_outage_is_left_alone(cast: Cast) -> None:
    pk = offered(cast).pk
    outage(-30, -1)
    assert suspension.settle_outages(SOON) == 0
    assert fresh(pk).response_deadline == AT_DEADLINE


def test_a_grace_is_told_again_on_both_channels(cast: Cast) -> None:
    offered(cast)
    outage(5, 12)
    with watched() as left:
        suspension.settle_outages(NOW + minutes(12))
    assert left().events == {"deadline_extended": ids(cast.olive, cast.otto, cast.theo)}
    assert sorted(left().tasks) == ["arm_deadline", "send_offer"]


def test_a_grace_never_goes_past_the_start_and_its_expiry_suspends_nobody(cast: Cast) -> None:
    start = NOW + minutes(40)
    pk = offered(cast, start=start).pk
    told_of_their_offers()
    outage(5, 25)
    suspension.settle_outages(NOW + minutes(25))
    assert fresh(pk).response_deadline == start
    assert sweeps.expire_due(start) == ([pk], [])


def test_whoever_sweeps_first_after_an_outage_gives_the_grace_before_it_expires_anything(cast: Cast) -> None:
    pk = offered(cast).pk
    told_of_their_offers()
    outage(5, 31)
    assert sweeps.expire_due(NOW + minutes(31)) == ([], [])
    assert state_of(fresh(pk)) is State.OFFERED


def test_a_heartbeat_after_a_long_silence_leads_to_the_grace(cast: Cast) -> None:
    pk = offered(cast).pk
    Heartbeat.objects.create(part=Part.WEB, beaten_at=NOW + minutes(5))
    beat(Part.WEB, NOW + minutes(15))
    suspension.settle_outages(NOW + minutes(15))
    assert fresh(pk).response_deadline == AT_DEADLINE + minutes(10)


# By hand, and undone -------------------------------------------------------------------------------------------------


def test_an_operator_suspends_and_the_account_is_shut_at_once(cast: Cast) -> None:
    AuthToken.objects.create(cast.theo)
    waiting = offered(cast).pk
    suspension.disable(cast.theo.pk, "left the clinic", cast.olive, SOON)
    theo = User.objects.get(pk=cast.theo.pk)
    assert (theo.is_active, theo.suspension_reason) == (False, "left the clinic")
    assert not AuthToken.objects.filter(user=theo).exists()
    assert state_of(fresh(waiting)) is State.UNASSIGNED
    assert AccountLog.objects.get(user=theo).performed_by == cast.olive


def test_a_suspended_therapist_cannot_be_suspended_again(cast: Cast) -> None:
    suspension.disable(cast.theo.pk, "left", cast.olive, SOON)
    with pytest.raises(InvalidTransition):
        suspension.disable(cast.theo.pk, "left", cast.olive, SOON)


def test_another_institutions_operator_finds_no_such_therapist(cast: Cast) -> None:
    with pytest.raises(NotFound):
        suspension.disable(cast.theo.pk, "mine now", cast.xander, SOON)


def test_reinstating_restores_the_account_and_tells_both(cast: Cast) -> None:
    auto_cancelled(cast)
    with watched() as left:
        suspension.enable(cast.theo.pk, cast.olive, AT_DEADLINE + minutes(1))
    assert is_active(cast.theo)
    assert left().events == {"therapist_enabled": ids(cast.olive, cast.otto, cast.theo)}
    assert [log.action for log in AccountLog.objects.filter(user=cast.theo)] == ["enabled", "disabled"]


def test_reinstating_brings_an_appointment_back_with_a_fresh_clock(cast: Cast) -> None:
    pk = auto_cancelled(cast).pk
    now = AT_DEADLINE + minutes(60)
    done = suspension.enable(cast.theo.pk, cast.olive, now, [pk])
    assert [appointment.pk for appointment in done.restored] == [pk]
    back = fresh(pk)
    assert (state_of(back), back.therapist_id, back.response_deadline, back.auto_cancelled_at) == (
        State.OFFERED,
        cast.theo.pk,
        now + minutes(30),
        None,
    )


@pytest.mark.parametrize(("late", "allowed"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_appointments_come_back_within_72_hours_only(cast: Cast, late: timedelta, allowed: bool) -> None:
    pk = offered(cast, start=NOW + timedelta(days=10)).pk
    sweeps.expire_due(AT_DEADLINE, manual=True)
    now = AT_DEADLINE + timedelta(hours=72) + late
    if allowed:
        assert suspension.enable(cast.theo.pk, cast.olive, now, [pk]).restored
    else:
        with pytest.raises(InvalidInput) as refused:
            suspension.enable(cast.theo.pk, cast.olive, now, [pk])
        assert refused.value.attr == "restore_appointments"
        assert not is_active(cast.theo)


def test_what_is_taken_by_now_is_refused_and_the_rest_restored(cast: Cast) -> None:
    taken = offered(cast).pk
    free = assignment.assign(new(cast, start=START + minutes(60)).pk, cast.theo.pk, cast.olive, NOW).pk
    sweeps.expire_due(AT_DEADLINE, manual=True)
    assignment.assign(taken, cast.tara.pk, cast.olive, AT_DEADLINE + minutes(1))
    done = suspension.enable(cast.theo.pk, cast.olive, AT_DEADLINE + minutes(2), [taken, free])
    assert [appointment.pk for appointment in done.restored] == [free]
    assert done.refused == {taken: "invalid_transition"}


def test_an_appointment_whose_time_was_given_away_is_refused_as_double_booked(cast: Cast) -> None:
    pk = auto_cancelled(cast).pk
    new(cast, cast.tara, now=AT_DEADLINE)
    done = suspension.enable(cast.theo.pk, cast.olive, AT_DEADLINE + minutes(2), [pk])
    assert done.refused == {pk: "double_booked"}
    assert is_active(cast.theo)


def test_an_appointment_that_never_expired_on_them_is_bad_input(cast: Cast) -> None:
    auto_cancelled(cast)
    other = new_for(cast.pavel, cast.olive, cast.tara).pk
    with pytest.raises(InvalidInput):
        suspension.enable(cast.theo.pk, cast.olive, AT_DEADLINE + minutes(1), [other])
