"""What a therapist has lost cannot be found, read or acted upon any more."""

import pytest
from django.utils import timezone

from appointments.models import Appointment, ReviewDecision
from appointments.services import assignment, review
from tests.conftest import Api
from tests.support.cast import Cast, book, offer

APPOINTMENTS = "/api/scheduling/appointments/"


@pytest.fixture
def lost(cast: Cast) -> Appointment:
    """Offered to Theo, who rejected it; Olive accepted that."""
    rejected = assignment.reject(offer(cast).pk, "On leave.", cast.theo, timezone.now())
    return review.review_rejection(rejected.pk, ReviewDecision.ACCEPT, cast.olive, timezone.now())


def test_a_former_therapist_reads_it_as_cancelled_and_without_the_patient(
    cast: Cast, api: Api, lost: Appointment
) -> None:
    shown = api(cast.theo).get(f"{APPOINTMENTS}{lost.pk}/").json()
    hidden = ("patient", "patient_name", "patient_phone", "patient_email", "reason_for_visit", "symptoms", "notes")
    assert shown["status"] == "cancelled"
    assert [shown[name] for name in hidden] == [None] * len(hidden)
    assert shown["allowed_actions"] == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=cancelled", 1),
        ("status=pending", 0),
        ("unassigned=true", 0),
        ("filter=rejected", 1),
        ("search=Pia", 0),
        ("patient={pia}", 0),
    ],
)
def test_filters_speak_of_what_the_former_therapist_sees(
    cast: Cast, api: Api, lost: Appointment, query: str, count: int
) -> None:
    query = query.format(pia=cast.pia.pk)
    assert api(cast.theo).get(f"{APPOINTMENTS}?{query}").json()["count"] == count


@pytest.mark.parametrize("action", ["accept", "reject", "start", "complete", "no_show", "cancel", "extend"])
def test_a_former_therapist_can_do_nothing_more(cast: Cast, api: Api, lost: Appointment, action: str) -> None:
    body = {"rejection_reason": "No.", "cancellation_reason": "No."}
    response = api(cast.theo).post(f"{APPOINTMENTS}{lost.pk}/{action}/", body, format="json")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (409, "invalid_transition")
    assert response.json()["current"]["patient"] is None


def test_an_open_request_that_another_took_is_gone_for_the_loser(cast: Cast, api: Api) -> None:
    request = book(cast.pia, cast.pia)
    assert api(cast.tara).get(f"{APPOINTMENTS}{request.pk}/").status_code == 200
    assignment.accept(request.pk, cast.theo, timezone.now())
    late = api(cast.tara).post(f"{APPOINTMENTS}{request.pk}/accept/", {}, format="json")
    assert (late.status_code, late.json()["errors"][0]["code"], late.json()["current"]) == (
        409,
        "invalid_transition",
        None,
    )
    assert api(cast.tara).get(f"{APPOINTMENTS}{request.pk}/").status_code == 404
