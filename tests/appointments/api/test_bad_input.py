"""Bad input: each 400 names its field and writes nothing; nothing that can be sent makes a 500."""

import json
from typing import Any

import pytest
from rest_framework.response import Response

from core.accounts.models import User
from tests.conftest import Api
from tests.contracts.world import snapshot
from tests.support.cast import Cast, at, offer

APPOINTMENTS = "/api/scheduling/appointments/"
THERAPISTS = "/api/scheduling/therapists/"
NUL = "a\x00b"
# (what is sent, the field that the answer names)
BAD_BOOKINGS: list[tuple[dict[str, Any], str]] = [
    ({"patient": None}, "patient"),
    ({"patient": "Pia"}, "patient"),
    ({"patient": [1]}, "patient"),
    ({"patient": {"id": 1}}, "patient"),
    ({"patient": True}, "patient"),
    ({"patient": -1}, "patient"),
    ({"patient": 10**40}, "patient"),
    ({"therapist": "Theo"}, "therapist"),
    ({"service": 0}, "service"),
    ({"time_slot": 1.5}, "time_slot"),
    ({"duration_minutes": -30}, "duration_minutes"),
    ({"duration_minutes": 0}, "duration_minutes"),
    ({"duration_minutes": 721}, "duration_minutes"),
    ({"duration_minutes": "half an hour"}, "duration_minutes"),
    ({"duration_minutes": 10**40}, "duration_minutes"),
    ({"start": None}, "appointment_date"),
    ({"start": "tomorrow"}, "start"),
    ({"start": 1_800_000_000}, "start"),
    ({"start": "2020-01-01T10:00:00Z"}, "start"),
    ({"start": "2030-01-01T10:00:00"}, "start"),
    ({"start": "9999-12-31T23:59:59Z"}, "start"),
    ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
    ({"start": "2030-01-01T10:00:00+99:00"}, "start"),
    ({"start": NUL}, "start"),
    ({"appointment_date": "2030-01-01", "appointment_time": "10:00"}, "start"),
    ({"start": None, "appointment_date": "9999-12-31", "appointment_time": "23:59"}, "appointment_date"),
    ({"start": None, "appointment_date": "0001-01-01", "appointment_time": "00:00"}, "appointment_date"),
    ({"start": None, "appointment_date": "2030-02-30", "appointment_time": "10:00"}, "appointment_date"),
    ({"start": None, "appointment_date": "2030-01-01"}, "appointment_time"),
    ({"start": None, "appointment_date": "2030-01-01", "appointment_time": "25:00"}, "appointment_time"),
    ({"appointment_type": "surgery"}, "appointment_type"),
    ({"appointment_type": []}, "appointment_type"),
    ({"booking_method": "pigeon"}, "booking_method"),
    ({"reason_for_visit": NUL}, "reason_for_visit"),
    ({"reason_for_visit": "\ud800"}, "reason_for_visit"),
    ({"symptoms": "x" * 5_001}, "symptoms"),
    ({"notes": ["x"]}, "notes"),
]
BAD_ACTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("assign", {}, "therapist"),
    ("assign", {"therapist": None}, "therapist"),
    ("assign", {"therapist": "Theo"}, "therapist"),
    ("assign", {"therapist": 1, "version": "new"}, "version"),
    ("unassign", {"reason": "x" * 2_001}, "reason"),
    ("unassign", {"version": -1}, "version"),
    ("extend", {"minutes": 0}, "minutes"),
    ("extend", {"minutes": -10}, "minutes"),
    ("extend", {"minutes": 121}, "minutes"),
    ("extend", {"minutes": "nan"}, "minutes"),
    ("extend", {"minutes": "inf"}, "minutes"),
    ("accept", {"version": 1.5}, "version"),
    ("confirm", {"version": True}, "version"),
    ("review_rejection", {}, "review_decision"),
    ("review_rejection", {"review_decision": "maybe"}, "review_decision"),
    ("review_rejection", {"review_decision": "accept", "review_notes": NUL}, "review_notes"),
    ("reassign", {"therapist": "Theo"}, "therapist"),
    ("start", {"version": []}, "version"),
    ("complete", {"notes": {}}, "notes"),
    ("cancel", {}, "cancellation_reason"),
    ("cancel", {"cancellation_reason": "  "}, "cancellation_reason"),
    ("cancel", {"cancellation_reason": "x" * 2_001}, "cancellation_reason"),
    ("cancel", {"cancellation_reason": NUL}, "cancellation_reason"),
    ("reschedule", {}, "new_date"),
    ("reschedule", {"new_date": "2030-01-01"}, "new_time"),
    ("reschedule", {"new_date": "9999-12-31", "new_time": "10:00"}, "new_date"),
    ("reschedule", {"new_date": "2020-01-01", "new_time": "10:00"}, "new_date"),
    ("reschedule", {"start": "2020-01-01T10:00:00Z"}, "start"),
    ("reschedule", {"start": "2030-01-01T10:00:00"}, "start"),
    ("mark_paid", {"amount": -1}, "amount"),
    ("mark_paid", {"amount": "nan"}, "amount"),
    ("mark_paid", {"amount": "1e400"}, "amount"),
    ("mark_paid", {"payment_method": "x" * 51}, "payment_method"),
    ("handover_notes", {}, "text"),
    ("handover_notes", {"text": " "}, "text"),
    ("remind", {"version": "x"}, "version"),
    ("claim", {"version": 0}, "version"),
]
BAD_REJECTIONS = [{}, {"rejection_reason": " "}, {"rejection_reason": None}, {"rejection_reason": "x" * 2_001}]
BAD_EDITS: list[tuple[dict[str, Any], str]] = [
    ({"status": "confirmed"}, "status"),
    ({"therapist": 1}, "therapist"),
    ({"start": "2030-01-01T10:00:00Z"}, "start"),
    ({"appointment_date": "2030-01-01"}, "appointment_date"),
    ({"appointment_time": "10:00"}, "appointment_time"),
    ({"consultation_fee": -1}, "consultation_fee"),
    ({"consultation_fee": "much"}, "consultation_fee"),
    ({"duration_minutes": -30}, "duration_minutes"),
    ({"video_url": "javascript:alert(1)"}, "video_url"),
    ({"service": 999_999}, "service"),
    ({"appointment_type": "surgery"}, "appointment_type"),
    ({"notes": NUL}, "notes"),
]
BAD_FILTERS = [
    *("status=unknown", "filter=mine", "tab=all", "date_from=soon", "date_from=9999-12-31", "date_to=0001-01-01"),
    *("therapist=Theo", "therapist=99999999999999999999", "patient=-1", "appointment_type=surgery", "is_paid=maybe"),
    *("unassigned=2", "open=x", "overdue=x", "due_within=-1", "due_within=nan", "due_within=1e400", "search=%00"),
    *("ordering=password", "ordering=patient__password", "status=%00"),
]
BAD_ACCOUNTS: list[tuple[dict[str, Any], str]] = [
    ({"timezone": "Mars/Olympus"}, "timezone"),
    ({"timezone": "../../etc/passwd"}, "timezone"),
    ({"timezone": NUL}, "timezone"),
    ({"language": "xx"}, "language"),
    ({"phone": "call me"}, "phone"),
    ({"phone": "1" * 31}, "phone"),
    ({"taking_appointments": "maybe"}, "taking_appointments"),
    ({"away_until": "later"}, "away_until"),
    ({"away_until": "9999-12-31T23:59:59-14:00"}, "away_until"),
    ({"preferences": []}, "preferences"),
    ({"preferences": {"sound": NUL}}, "preferences"),
]


def bad(response: Response) -> list[str | None]:
    """The fields that a 400 names, its shape checked."""
    body = response.json()
    assert response.status_code == 400, body
    assert body["type"] == "validation_error"
    assert all(set(error) == {"code", "detail", "attr"} for error in body["errors"])
    return [error["attr"] for error in body["errors"]]


def send(api: Api, user: User, path: str, body: dict[str, Any], method: str = "post") -> Response:
    """Send JSON as it stands, lone surrogates included."""
    return getattr(api(user), method)(path, json.dumps(body), content_type="application/json")


def refused_unwritten(api: Api, user: User, path: str, body: dict[str, Any], method: str = "post") -> list[str | None]:
    """The fields that the refusal names; asserts that the database is as it was."""
    client = api(user)
    before = snapshot()
    response = getattr(client, method)(path, json.dumps(body), content_type="application/json")
    assert snapshot() == before
    return bad(response)


@pytest.mark.parametrize(("wrong", "field"), BAD_BOOKINGS)
def test_a_bad_booking_names_its_field_and_writes_nothing(
    cast: Cast, api: Api, wrong: dict[str, Any], field: str
) -> None:
    body = {"patient": cast.pia.pk, "start": at(24).isoformat()} | wrong
    assert refused_unwritten(api, cast.olive, APPOINTMENTS, body) == [field]


@pytest.mark.parametrize(("action", "body", "field"), BAD_ACTIONS)
def test_a_bad_action_names_its_field_and_writes_nothing(
    cast: Cast, api: Api, action: str, body: dict[str, Any], field: str
) -> None:
    path = f"{APPOINTMENTS}{offer(cast).pk}/{action}/"
    assert refused_unwritten(api, cast.olive, path, body) == [field]


@pytest.mark.parametrize("body", BAD_REJECTIONS)
def test_a_rejection_without_a_reason_names_the_reason(cast: Cast, api: Api, body: dict[str, Any]) -> None:
    path = f"{APPOINTMENTS}{offer(cast).pk}/reject/"
    assert refused_unwritten(api, cast.theo, path, body) == ["rejection_reason"]


@pytest.mark.parametrize(("body", "field"), BAD_EDITS)
def test_a_bad_edit_names_its_field_and_writes_nothing(cast: Cast, api: Api, body: dict[str, Any], field: str) -> None:
    path = f"{APPOINTMENTS}{offer(cast).pk}/"
    assert refused_unwritten(api, cast.olive, path, body, "patch") == [field]


@pytest.mark.parametrize("query", BAD_FILTERS)
def test_an_unknown_value_of_a_filter_is_refused_by_its_name(cast: Cast, api: Api, query: str) -> None:
    assert bad(api(cast.olive).get(f"{APPOINTMENTS}?{query}")) == [query.partition("=")[0]]


@pytest.mark.parametrize(("body", "field"), BAD_ACCOUNTS)
def test_a_bad_account_setting_names_its_field_and_writes_nothing(
    cast: Cast, api: Api, body: dict[str, Any], field: str
) -> None:
    assert refused_unwritten(api, cast.pia, "/api/auth/me/", body, "patch") == [field]


@pytest.mark.parametrize("field", ["therapist", "service", "time_slot", "patient"])
def test_an_id_that_does_not_exist_is_refused_by_its_field(cast: Cast, api: Api, field: str) -> None:
    body = {"patient": cast.pia.pk, "start": at(24).isoformat()} | {field: 999_999}
    answer = send(api, cast.olive, APPOINTMENTS, body).json()
    assert [(error["code"], error["attr"]) for error in answer["errors"]] == [("does_not_exist", field)]


@pytest.mark.parametrize(("field", "name"), [("therapist", "heiko"), ("patient", "heidi"), ("patient", "theo")])
def test_an_id_of_another_institution_or_role_reads_like_an_unknown_one(
    cast: Cast, api: Api, field: str, name: str
) -> None:
    body = {"patient": cast.pia.pk, "start": at(24).isoformat()}
    elsewhere = send(api, cast.olive, APPOINTMENTS, body | {field: getattr(cast, name).pk})
    unknown = send(api, cast.olive, APPOINTMENTS, body | {field: 999_999})
    assert elsewhere.json() == unknown.json()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("{therapist}/disable/", {}, "reason"),
        ("{therapist}/disable/", {"reason": "x" * 301}, "reason"),
        ("{therapist}/enable/", {"restore_appointments": "all"}, "restore_appointments"),
        ("{therapist}/enable/", {"restore_appointments": ["x"]}, "restore_appointments.0"),
        ("{therapist}/enable/", {"restore_appointments": [999_999]}, "restore_appointments"),
    ],
)
def test_bad_input_about_a_therapist_names_its_field_and_writes_nothing(
    cast: Cast, api: Api, path: str, body: dict[str, Any], field: str
) -> None:
    path = THERAPISTS + path.format(therapist=cast.theo.pk)
    assert refused_unwritten(api, cast.olive, path, body) == [field]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("free_at=2030-01-01T10:00:00", "free_at"),
        ("free_at=9999-12-31T23:59:59Z", "free_at"),
        ("free_at=2030-01-01T10:00:00Z&duration_minutes=-30", "duration_minutes"),
        ("service=999999", "service"),
    ],
)
def test_a_bad_question_for_free_therapists_names_its_field(cast: Cast, api: Api, query: str, field: str) -> None:
    assert bad(api(cast.olive).get(f"{THERAPISTS}?{query}")) == [field]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x00b"])
def test_an_idempotency_key_that_cannot_be_kept_is_named(cast: Cast, api: Api, key: str) -> None:
    path = f"{APPOINTMENTS}{offer(cast).pk}/claim/"
    response = api(cast.olive).post(path, {}, format="json", headers={"Idempotency-Key": key})
    assert bad(response) == ["Idempotency-Key"]


@pytest.mark.parametrize("key", ["doctor", "doctor_id", "provider", "provider_id", "therapist_id"])
def test_a_therapist_may_be_named_in_other_words(cast: Cast, api: Api, key: str) -> None:
    body = {"client": cast.pia.pk, "start": at(24).isoformat(), key: cast.theo.pk}
    assert send(api, cast.olive, APPOINTMENTS, body).json()["therapist"] == cast.theo.pk
    assert api(cast.olive).get(APPOINTMENTS, {key: cast.theo.pk}).json()["count"] == 1
    assert api(cast.olive).get(APPOINTMENTS, {key: cast.tara.pk}).json()["count"] == 0


@pytest.mark.parametrize("key", ["patient_id", "client", "client_id"])
def test_a_patient_may_be_named_in_other_words(cast: Cast, api: Api, key: str) -> None:
    body = {key: cast.pia.pk, "start": at(24).isoformat()}
    assert send(api, cast.olive, APPOINTMENTS, body).json()["patient"] == cast.pia.pk
    assert api(cast.olive).get(APPOINTMENTS, {key: cast.pavel.pk}).json()["count"] == 0


def test_two_words_for_a_therapist_that_disagree_are_refused(cast: Cast, api: Api) -> None:
    body = {"patient": cast.pia.pk, "start": at(24).isoformat(), "doctor": cast.theo.pk, "therapist": cast.tara.pk}
    assert refused_unwritten(api, cast.olive, APPOINTMENTS, body) == ["doctor"]
