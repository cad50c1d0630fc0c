"""Who sees what; a former therapist sees that it is over for them, and nothing of the patient."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict

from appointments.api.filters import filtered
from appointments.api.rendering import render_appointments
from appointments.models import Appointment
from appointments.selectors.statistics import statistics
from appointments.selectors.visibility import visible_to, was_shown_open
from appointments.services import assignment, attendance, review
from core.accounts.models import User
from tests.appointments.moves import (
    AT_DEADLINE,
    LATER,
    SOON,
    START,
    auto_cancelled,
    confirmed,
    fresh,
    new_for,
    offered,
    open_request,
    rejected,
    watched,
)
from tests.support.cast import Cast, book

Make = Callable[[Cast], Appointment]


def released(cast: Cast) -> Appointment:
    """Theo's rejection was accepted."""
    return review.review_rejection(rejected(cast).pk, "accept", cast.olive, SOON)  # type: ignore[arg-type]


def withdrawn(cast: Cast) -> Appointment:
    return assignment.unassign(confirmed(cast).pk, cast.olive, SOON)


FORMER = [pytest.param(make, id=make.__name__) for make in (released, auto_cancelled, withdrawn)]


def sees(reader: User) -> set[int]:
    return set(visible_to(reader, SOON).values_list("pk", flat=True))


def listed(reader: User, query: str) -> list[int]:
    rows = filtered(visible_to(reader, LATER), QueryDict(query), reader, LATER)
    return list(rows.values_list("pk", flat=True))


def shown(pk: int, reader: User) -> dict[str, Any]:
    return render_appointments([pk], reader, LATER)[pk]


def test_each_sees_what_is_theirs(cast: Cast) -> None:
    pk = offered(cast).pk
    assert all(sees(reader) == {pk} for reader in (cast.pia, cast.theo, cast.olive, cast.ada))
    assert all(sees(reader) == set() for reader in (cast.pavel, cast.tara))


def test_institutions_are_walls(cast: Cast) -> None:
    open_request(cast)
    offered(cast, start=START.replace(hour=12))
    assert all(sees(reader) == set() for reader in (cast.xander, cast.heiko, cast.heidi))


@pytest.mark.parametrize("make", FORMER)
def test_a_former_therapist_sees_it_as_cancelled(cast: Cast, make: Make) -> None:
    pk = make(cast).pk
    seen = shown(pk, cast.theo)
    assert (seen["status"], seen["allowed_actions"], seen["therapist"]) == ("cancelled", [], cast.theo.pk)


@pytest.mark.parametrize("make", FORMER)
def test_a_former_therapist_sees_nothing_of_the_patient(cast: Cast, make: Make) -> None:
    pk = make(cast).pk
    Appointment.objects.filter(pk=pk).update(reason_for_visit="back pain", symptoms="pain", notes="call her")
    seen = shown(pk, cast.theo)
    hidden = ("patient", "patient_name", "patient_phone", "patient_email", "reason_for_visit", "symptoms", "notes")
    assert {name: seen[name] for name in hidden} == dict.fromkeys(hidden)
    assert "Pia" not in str(seen)
    assert "pain" not in str(seen)


@pytest.mark.parametrize("make", FORMER)
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=cancelled", True),
        ("status=pending", False),
        ("status=auto_cancelled", False),
        ("filter=pending", False),
        ("filter=all", True),
        ("tab=upcoming", False),
        ("search=Pia", False),
        ("unassigned=true", False),
    ],
)
def test_filters_speak_of_the_status_the_former_therapist_sees(cast: Cast, make: Make, query: str, found: bool) -> None:
    pk = make(cast).pk
    assert listed(cast.theo, query) == ([pk] if found else [])


def test_a_patient_cannot_be_found_out_by_a_former_therapists_filter(cast: Cast) -> None:
    withdrawn(cast)
    assert listed(cast.theo, f"patient={cast.pia.pk}") == []


def test_the_rejected_filter_lists_what_the_therapist_rejected(cast: Cast) -> None:
    pk = released(cast).pk
    assert listed(cast.theo, "filter=rejected") == [pk]
    assert listed(cast.tara, "filter=rejected") == []


def test_counts_use_the_status_the_reader_sees(cast: Cast) -> None:
    released(cast)
    mine = statistics(visible_to(cast.theo, SOON), cast.theo)
    assert (mine["by_status"]["cancelled"], mine["by_status"]["pending"]) == (1, 0)
    assert statistics(visible_to(cast.olive, SOON), cast.olive)["by_status"]["pending"] == 1


def test_later_events_do_not_reach_a_former_therapist(cast: Cast) -> None:
    pk = withdrawn(cast).pk
    with watched() as left:
        assignment.assign(pk, cast.tara.pk, cast.olive, SOON)
        assignment.accept(pk, cast.tara, SOON)
        attendance.cancel(pk, "ill", cast.pia, SOON)
    assert all(cast.theo.pk not in people for people in left().events.values())


def test_offered_again_they_see_the_real_state(cast: Cast) -> None:
    pk = withdrawn(cast).pk
    assignment.assign(pk, cast.theo.pk, cast.olive, AT_DEADLINE)
    seen = shown(pk, cast.theo)
    assert (seen["status"], seen["patient_name"]) == ("pending", "Pia")
    assert "accept" in seen["allowed_actions"]


# Open requests -------------------------------------------------------------------------------------------------------


def test_an_open_request_is_seen_by_whoever_could_take_it_without_contact_data(cast: Cast) -> None:
    pk = open_request(cast).pk
    seen = shown(pk, cast.tara)
    assert (seen["open"], seen["patient_phone"], seen["patient_email"]) == (True, None, None)
    assert seen["allowed_actions"] == ["accept", "reject"]


@pytest.mark.parametrize(
    "columns",
    [{"is_active": False}, {"taking_appointments": False}, {"away_until": START}],
    ids=["suspended", "not taking", "away"],
)
def test_who_could_not_take_it_does_not_see_an_open_request(cast: Cast, columns: dict[str, Any]) -> None:
    open_request(cast)
    User.objects.filter(pk=cast.tara.pk).update(**columns)
    assert sees(User.objects.get(pk=cast.tara.pk)) == set()


def test_who_is_busy_then_does_not_see_an_open_request(cast: Cast) -> None:
    pk = open_request(cast).pk
    new_for(cast.pavel, cast.olive, cast.tara)
    assert pk not in sees(cast.tara)


def test_a_lost_open_request_is_gone_but_known_to_have_been_shown(cast: Cast) -> None:
    pk = open_request(cast).pk
    assignment.accept(pk, cast.theo, SOON)
    assert pk not in sees(cast.tara)
    assert was_shown_open(cast.tara, pk) == fresh(pk)
    assert was_shown_open(cast.heiko, pk) is None


def test_the_loser_of_an_open_request_gets_409_with_nothing_to_see(cast: Cast, api: Any) -> None:
    request = book(cast.pia, cast.pia)
    theo, tara = api(cast.theo), api(cast.tara)
    url = f"/api/scheduling/appointments/{request.pk}/"
    assert theo.post(f"{url}accept/").status_code == 200
    lost = tara.post(f"{url}accept/")
    assert (lost.status_code, lost.json()["errors"][0]["code"], lost.json()["current"]) == (
        409,
        "invalid_transition",
        None,
    )
    assert tara.get(url).status_code == 404
