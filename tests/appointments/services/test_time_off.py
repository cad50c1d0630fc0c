"""Time off keeps a therapist free of new appointments; a whole day of theirs can be given to others."""

from datetime import timedelta

import pytest

from appointments.errors import InvalidInput, PermissionDenied, TherapistUnavailable
from appointments.models import Appointment, TimeOff
from appointments.selectors.free_therapists import candidates
from appointments.selectors.slots import bookable_slots
from appointments.selectors.visibility import visible_to
from appointments.services import assignment, time_off
from core.outbox.models import OutboxEntry
from tests.appointments.moves import NOW, START, confirmed, fresh, minutes, new, new_for, open_request, slot_around
from tests.support.cast import Cast

DAY = START.date()


def away(cast: Cast, *, dry_run: bool = False) -> time_off.Away:
    return time_off.take(
        cast.theo.pk, START - minutes(60), START + minutes(60), "A course", cast.theo, NOW, dry_run=dry_run
    )


def test_a_therapist_with_time_off_cannot_be_assigned(cast: Cast) -> None:
    away(cast)
    with pytest.raises(TherapistUnavailable):
        assignment.assign(new(cast).pk, cast.theo.pk, cast.olive, NOW)


def test_back_to_back_with_a_time_off_can_be_assigned(cast: Cast) -> None:
    away(cast)
    pk = new(cast, start=START + minutes(60)).pk
    assert assignment.assign(pk, cast.theo.pk, cast.olive, NOW).therapist == cast.theo


def test_the_search_passes_over_who_has_time_off(cast: Cast) -> None:
    away(cast)
    assert [one.id for one in candidates(new(cast), NOW, timedelta(days=90))] == [cast.tara.pk]


def test_an_open_request_is_not_shown_to_who_has_time_off(cast: Cast) -> None:
    away(cast)
    pk = open_request(cast).pk
    assert not visible_to(cast.theo, NOW).filter(pk=pk).exists()
    assert visible_to(cast.tara, NOW).filter(pk=pk).exists()


def test_its_slots_are_hidden_until_it_is_taken_back(cast: Cast) -> None:
    slot = slot_around(cast.theo, START)
    row = away(cast).time_off
    assert not bookable_slots(cast.theo.pk, DAY, 30, NOW).exists()
    time_off.end_time_off(row.pk, cast.theo)
    assert bookable_slots(cast.theo.pk, DAY, 30, NOW).get() == slot


def test_it_names_the_appointments_it_hits_and_leaves_them(cast: Cast) -> None:
    pk = confirmed(cast).pk
    assert away(cast).hit == [pk]
    assert fresh(pk).status == "confirmed"


def test_a_preview_saves_nothing(cast: Cast) -> None:
    pk = confirmed(cast).pk
    assert away(cast, dry_run=True).hit == [pk]
    assert not TimeOff.objects.exists()


def test_nobody_takes_time_off_for_a_colleague(cast: Cast) -> None:
    with pytest.raises(PermissionDenied):
        time_off.take(cast.theo.pk, START, START + minutes(30), "", cast.tara, NOW)


@pytest.mark.parametrize(
    ("start", "end"),
    [(START, START), (START, START - minutes(1)), (NOW - minutes(9), NOW), (START, START + timedelta(days=367))],
)
def test_a_time_that_cannot_be_is_refused(cast: Cast, start: object, end: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        time_off.take(cast.theo.pk, start, end, "", cast.theo, NOW)  # type: ignore[arg-type]
    assert refused.value.attr == "end"


def redistributed(cast: Cast, *, dry_run: bool) -> list[time_off.Move]:
    return time_off.redistribute(cast.theo, DAY, cast.olive, NOW, dry_run=dry_run)


def test_a_preview_of_a_day_names_somebody_for_each_and_changes_nothing(cast: Cast) -> None:
    pk = confirmed(cast).pk
    (move,) = redistributed(cast, dry_run=True)
    assert (move.appointment.pk, move.candidate and move.candidate.id) == (pk, cast.tara.pk)
    assert (fresh(pk).status, TimeOff.objects.exists()) == ("confirmed", False)


def test_a_preview_does_not_ask_one_therapist_for_two_at_once(cast: Cast) -> None:
    slot_around(cast.theo, START, places=2)
    confirmed(cast)
    new_for(cast.pavel, cast.olive, cast.theo)
    assert [move.candidate is None for move in redistributed(cast, dry_run=True)] == [False, True]


def test_a_redistributed_day_is_searched_for_and_the_therapist_is_off(cast: Cast) -> None:
    pk = confirmed(cast).pk
    later = confirmed(cast, start=START + timedelta(days=1)).pk
    redistributed(cast, dry_run=False)
    assert (fresh(pk).status, fresh(pk).therapist_id, fresh(later).status) == ("pending", None, "confirmed")
    assert fresh(pk).search_id is not None
    assert OutboxEntry.objects.filter(kind="reassign", payload__appointment=pk).exists()
    assert cast.theo.pk not in [one.id for one in candidates(fresh(pk), NOW, timedelta(days=90))]


def test_what_has_begun_is_left_alone(cast: Cast) -> None:
    pk = confirmed(cast).pk
    Appointment.objects.filter(pk=pk).update(status="in_progress")
    assert redistributed(cast, dry_run=False) == []


def test_a_day_that_has_passed_is_refused(cast: Cast) -> None:
    with pytest.raises(InvalidInput):
        time_off.redistribute(cast.theo, DAY - timedelta(days=9), cast.olive, NOW, dry_run=True)
