"""Who comes first when somebody has to be found: continuity, offers, load, reliability, time since the last offer."""

from datetime import timedelta

import pytest

from appointments.models import Appointment, Assignment, AssignmentStatus
from appointments.policy import current_policy
from appointments.selectors.free_therapists import Candidate, candidates, free_among, therapists_free_at
from core.accounts.models import Institution, Role, User
from tests.appointments.moves import NOW, START, confirmed, minutes, new, new_for, offered, slot_around
from tests.support.cast import Cast

OVER = current_policy().answer_rate_over


def found(cast: Cast, *, but: tuple[User, ...] = ()) -> list[Candidate]:
    """The ranking for a new appointment of Pavel's a day after START."""
    wanted = new_for(cast.pavel, cast.olive, start=START + timedelta(days=1))
    return candidates(wanted, NOW, OVER)


def first(cast: Cast) -> int:
    return found(cast)[0].id


def history(therapist: User, cast: Cast, *statuses: AssignmentStatus, at: timedelta = timedelta(days=-1)) -> None:
    """Past offers to this therapist, in a time that does not matter."""
    for number, status in enumerate(statuses):
        visit = Appointment.objects.create(
            institution=cast.clinic,
            patient=cast.pia,
            status="cancelled",
            start=NOW - timedelta(days=20),
            end=NOW - timedelta(days=20) + minutes(30),
            appointment_date=NOW.date(),
            appointment_time=NOW.time(),
        )
        Assignment.objects.create(
            appointment=visit,
            therapist=therapist,
            origin="operator",
            status=status,
            assigned_at=NOW + at + minutes(number),
            ended_at=NOW if status in {AssignmentStatus.EXPIRED, AssignmentStatus.RELEASED} else None,
        )


def test_without_any_difference_the_order_is_stable(cast: Cast) -> None:
    assert [one.id for one in found(cast)] == [cast.theo.pk, cast.tara.pk]


def test_who_has_treated_the_patient_comes_first(cast: Cast) -> None:
    treated = new_for(cast.pavel, cast.olive)
    Appointment.objects.filter(pk=treated.pk).update(
        status="completed",
        therapist=cast.tara,
        start=NOW - timedelta(days=9),
        end=NOW - timedelta(days=9) + minutes(30),
    )
    best = found(cast)[0]
    assert (best.id, best.treated_patient) == (cast.tara.pk, True)


def test_having_treated_somebody_else_counts_for_nothing(cast: Cast) -> None:
    treated = new(cast)
    Appointment.objects.filter(pk=treated.pk).update(status="completed", therapist=cast.tara)
    assert first(cast) == cast.theo.pk


def test_then_the_fewest_open_offers_count(cast: Cast) -> None:
    offered(cast)
    ranked = found(cast)
    assert [(one.id, one.open_offers) for one in ranked] == [(cast.tara.pk, 0), (cast.theo.pk, 1)]


def test_then_the_lightest_load_that_day(cast: Cast) -> None:
    confirmed(cast, start=START + timedelta(days=1, hours=3))
    ranked = found(cast)
    assert [(one.id, one.appointments_that_day) for one in ranked] == [(cast.tara.pk, 0), (cast.theo.pk, 1)]


def test_then_the_best_answer_rate(cast: Cast) -> None:
    history(cast.theo, cast, AssignmentStatus.RELEASED, AssignmentStatus.EXPIRED)
    history(cast.tara, cast, AssignmentStatus.RELEASED, at=timedelta(hours=-1))
    ranked = found(cast)
    assert [(one.id, one.answer_rate) for one in ranked] == [(cast.tara.pk, 1.0), (cast.theo.pk, 0.5)]


def test_then_the_longest_time_since_the_last_offer(cast: Cast) -> None:
    history(cast.theo, cast, AssignmentStatus.RELEASED, at=timedelta(days=-1))
    history(cast.tara, cast, AssignmentStatus.RELEASED, at=timedelta(days=-2))
    assert first(cast) == cast.tara.pk


def test_an_open_offer_weighs_more_than_the_load_of_the_day(cast: Cast) -> None:
    offered(cast)
    day = START + timedelta(days=1, hours=3)
    visit = new_for(cast.pia, cast.olive, start=day)
    Appointment.objects.filter(pk=visit.pk).update(status="confirmed", therapist=cast.tara)
    assert first(cast) == cast.tara.pk


def test_outside_the_published_time_comes_last_with_a_warning(cast: Cast) -> None:
    slot_around(cast.theo, START + timedelta(days=2))
    ranked = found(cast)
    assert [(one.id, one.warning) for one in ranked] == [
        (cast.tara.pk, None),
        (cast.theo.pk, "Outside the published time."),
    ]


def test_published_time_binds_only_up_to_the_day_of_the_last_slot(cast: Cast) -> None:
    slot_around(cast.theo, START)
    assert all(one.published for one in found(cast))


def test_reasons_are_sentences_for_people(cast: Cast) -> None:
    offered(cast)
    theo = next(one for one in found(cast) if one.id == cast.theo.pk)
    assert theo.reasons(NOW) == ["1 open offer", "No appointments that day", "Last offer within a day"]


def test_only_the_institutions_own_active_therapists_are_free(cast: Cast) -> None:
    User.objects.filter(pk=cast.tara.pk).update(is_active=False)
    free = therapists_free_at(cast.clinic, START, START + minutes(30), NOW)
    assert [one.pk for one in free] == [cast.theo.pk]


@pytest.mark.parametrize(("shift", "free"), [(-30, True), (-29, False), (29, False), (30, True)])
def test_back_to_back_is_free(cast: Cast, shift: float, free: bool) -> None:
    offered(cast)
    start = START + minutes(shift)
    ids = {one.pk for one in therapists_free_at(cast.clinic, start, start + minutes(30), NOW)}
    assert (cast.theo.pk in ids) == free


def test_free_among_asks_each_institution_by_its_own_calendar(cast: Cast) -> None:
    rows = User.objects.filter(role=Role.THERAPIST)
    free = free_among(rows, Institution.objects.all(), START, START + minutes(30), NOW)
    assert {one.pk for one in free} == {cast.theo.pk, cast.tara.pk, cast.heiko.pk}


def test_candidates_come_in_a_constant_number_of_queries(cast: Cast, django_assert_num_queries: object) -> None:
    wanted = new_for(cast.pavel, cast.olive, start=START + timedelta(days=1))
    for number in range(5):
        User.objects.create(username=f"t{number}", role=Role.THERAPIST, institution=cast.clinic)
    with django_assert_num_queries(3):  # type: ignore[operator]
        assert len(candidates(wanted, NOW, OVER)) == 7
