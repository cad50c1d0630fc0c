"""401, then 404, 403, 400, 409 stale_version, 409 for the state: the first that applies is the answer."""

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.response import Response

from appointments.models import Appointment
from appointments.services import assignment, attendance
from tests.conftest import Api
from tests.support.cast import Cast, at, offer

APPOINTMENTS = "/api/scheduling/appointments/"


@pytest.fixture
def cancelled(cast: Cast) -> Appointment:
    return attendance.cancel(offer(cast).pk, "Ill.", cast.olive, timezone.now())


def code(response: Response) -> tuple[int, str]:
    """The status and the first code of a refusal."""
    return response.status_code, response.json()["errors"][0]["code"]


@pytest.mark.parametrize("pk", ["1", "999999"])
def test_a_stranger_gets_401_whether_or_not_it_exists_and_whatever_they_send(cast: Cast, api: Api, pk: str) -> None:
    offer(cast)
    response = api(None).post(f"{APPOINTMENTS}{pk}/assign/", b"{", content_type="application/json")
    assert code(response) == (401, "not_authenticated")


@pytest.mark.parametrize("who", ["pavel", "tara", "heidi", "heiko", "xander"])
def test_what_one_does_not_see_is_404_before_role_input_and_state(cast: Cast, api: Api, who: str) -> None:
    path = f"{APPOINTMENTS}{offer(cast).pk}/review_rejection/"
    response = api(getattr(cast, who)).post(path, b"{", content_type="application/json")
    assert code(response) == (404, "not_found")


def test_what_one_does_not_see_reads_like_what_does_not_exist(cast: Cast, api: Api) -> None:
    hidden, unknown = (
        api(cast.xander).post(f"{APPOINTMENTS}{pk}/assign/", {"therapist": cast.theo.pk}, format="json")
        for pk in (offer(cast).pk, 999_999)
    )
    assert hidden.json() == unknown.json()


@pytest.mark.parametrize("who", ["pia", "theo"])
@pytest.mark.parametrize("raw", [b"{", b"{}", b'{"version": 1}'])
def test_the_wrong_role_is_403_before_input_and_version(cast: Cast, api: Api, who: str, raw: bytes) -> None:
    path = f"{APPOINTMENTS}{offer(cast).pk}/assign/"
    response = api(getattr(cast, who)).post(path, raw, content_type="application/json")
    assert code(response) == (403, "permission_denied")


def test_a_field_of_another_role_is_403_before_a_bad_value(cast: Cast, api: Api) -> None:
    body = {"consultation_fee": "much", "notes": None}
    response = api(cast.pia).patch(f"{APPOINTMENTS}{offer(cast).pk}/", body, format="json")
    assert code(response) == (403, "permission_denied")


BAD_IN_A_WRONG_STATE: list[tuple[str, dict[str, Any], str]] = [
    ("assign", {"version": 1}, "required"),
    ("assign", {"therapist": 999_999, "version": 1}, "does_not_exist"),
    ("reassign", {"therapist": 999_999, "version": 1}, "does_not_exist"),
    ("extend", {"minutes": 0, "version": 1}, "min_value"),
    ("cancel", {"cancellation_reason": " ", "version": 1}, "blank"),
    ("review_rejection", {"review_decision": "maybe", "version": 1}, "invalid_choice"),
    ("reschedule", {"start": "2020-01-01T10:00:00Z", "version": 1}, "past"),
    ("mark_paid", {"amount": -1, "version": 1}, "min_value"),
    ("complete", {"notes": [], "version": 1}, "invalid"),
]


@pytest.mark.parametrize(("action", "body", "expected"), BAD_IN_A_WRONG_STATE)
def test_bad_input_is_400_before_a_stale_version_and_the_state(
    cast: Cast, api: Api, cancelled: Appointment, action: str, body: dict[str, Any], expected: str
) -> None:
    response = api(cast.olive).post(f"{APPOINTMENTS}{cancelled.pk}/{action}/", body, format="json")
    assert code(response) == (400, expected)


def test_more_time_than_a_therapist_may_ask_for_is_400_before_the_state(cast: Cast, api: Api) -> None:
    confirmed = assignment.accept(offer(cast).pk, cast.theo, timezone.now())
    response = api(cast.theo).post(f"{APPOINTMENTS}{confirmed.pk}/extend/", {"minutes": 11}, format="json")
    assert code(response) == (400, "max_value")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("assign", {"therapist": "$theo"}),
        ("unassign", {}),
        ("extend", {}),
        ("accept", {}),
        ("review_rejection", {"review_decision": "accept"}),
        ("reassign", {}),
        ("start", {}),
        ("complete", {}),
        ("no_show", {}),
        ("cancel", {"cancellation_reason": "Ill."}),
        ("reschedule", {"start": "$later"}),
        ("mark_paid", {}),
        ("claim", {}),
        ("release", {}),
        ("remind", {}),
    ],
)
def test_a_stale_version_is_told_before_the_state_and_with_what_is_there_now(
    cast: Cast, api: Api, cancelled: Appointment, action: str, body: dict[str, Any]
) -> None:
    values = {"$theo": cast.theo.pk, "$later": at(48).isoformat()}
    body = {name: values.get(value, value) for name, value in body.items()}
    path = f"{APPOINTMENTS}{cancelled.pk}/{action}/"
    stale = api(cast.olive).post(path, body | {"version": cancelled.version - 1}, format="json")
    current = api(cast.olive).post(path, body | {"version": cancelled.version}, format="json")
    assert code(stale) == (409, "stale_version")
    assert stale.json()["current"]["version"] == cancelled.version
    assert code(current) == (409, "invalid_transition")
    assert current.json()["current"]["status"] == "cancelled"


def test_an_edit_of_a_stale_version_changes_nothing(cast: Cast, api: Api) -> None:
    offered = offer(cast)
    body = {"notes": "Bring the papers.", "version": offered.version - 1}
    response = api(cast.olive).patch(f"{APPOINTMENTS}{offered.pk}/", body, format="json")
    assert code(response) == (409, "stale_version")
    assert Appointment.objects.get(pk=offered.pk).notes == ""
