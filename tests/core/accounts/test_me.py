import json

import pytest
from django.test import override_settings

from core.accounts.models import User
from tests.conftest import Api
from tests.support.cast import Cast

FIELDS = {
    *("id", "username", "first_name", "last_name", "email", "phone", "role", "institution", "timezone", "language"),
    *("is_active", "taking_appointments", "away_until", "unread_notifications", "preferences"),
}


def test_me_has_exactly_the_documented_fields(cast: Cast, api: Api) -> None:
    me = api(cast.theo).get("/api/auth/me/").json()
    assert set(me) == FIELDS
    assert (me["username"], me["role"], me["institution"]) == ("theo", "therapist", cast.clinic.pk)


def test_an_admin_has_no_institution(cast: Cast, api: Api) -> None:
    assert api(cast.ada).get("/api/auth/me/").json()["institution"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phone", "+49 170 1234567"),
        ("timezone", "Asia/Karachi"),
        ("timezone", ""),
        ("language", "ur"),
        ("taking_appointments", False),
        ("away_until", "2030-01-02T03:04:05Z"),
        ("away_until", None),
        ("preferences", {"channels": {"sms": False}, "sound": True}),
    ],
)
def test_a_person_may_change_their_own_settings(cast: Cast, api: Api, name: str, value: object) -> None:
    client = api(cast.theo)
    answer = client.patch("/api/auth/me/", {name: value})
    assert answer.status_code == 200
    assert answer.json()[name] == value
    assert client.get("/api/auth/me/").json()[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phone", "1" * 31),
        ("phone", "call me"),
        ("phone", "\x00"),
        ("timezone", "Mars/Olympus"),
        ("timezone", None),
        ("language", "de"),
        ("language", "\ud800"),
        ("taking_appointments", "perhaps"),
        ("away_until", "tomorrow"),
        ("away_until", "2030-01-02T03:04:05"),
        ("away_until", "9999-12-31T23:59:59Z"),
        ("preferences", []),
        ("preferences", {"a": "x" * 10_001}),
        ("preferences", {"channels": "all"}),
        ("preferences", {"nested": ["\x00"]}),
    ],
)
def test_a_bad_value_is_refused_naming_its_field_and_writes_nothing(
    cast: Cast, api: Api, name: str, value: object
) -> None:
    before = User.objects.filter(pk=cast.theo.pk).values().get()
    body = json.dumps({name: value, "email": "changed@clinic.example"})
    answer = api(cast.theo).patch("/api/auth/me/", body, content_type="application/json")
    assert answer.status_code == 400
    assert name in {error["attr"].partition(".")[0] for error in answer.json()["errors"]}
    assert User.objects.filter(pk=cast.theo.pk).values().get() == before


def test_what_the_contract_does_not_let_one_change_changes_nothing(cast: Cast, api: Api) -> None:
    client = api(cast.theo)
    changeable = {"phone", "timezone", "language", "taking_appointments", "away_until", "preferences"}
    attempts = {field.name: 1 for field in User._meta.concrete_fields if field.name not in changeable}
    before = User.objects.filter(pk=cast.theo.pk).values().get()
    assert client.patch("/api/auth/me/", attempts).status_code == 200
    assert User.objects.filter(pk=cast.theo.pk).values().get() == before


@override_settings(TIME_ZONE="Asia/Karachi")
def test_instants_are_written_in_utc_whatever_the_zone_of_the_server(cast: Cast, api: Api) -> None:
    answer = api(cast.theo).patch("/api/auth/me/", {"away_until": "2030-01-02T08:04:05+05:00"})
    assert answer.json()["away_until"] == "2030-01-02T03:04:05Z"


@pytest.mark.parametrize("method", ["put", "delete", "post"])
def test_other_methods_are_not_allowed(cast: Cast, api: Api, method: str) -> None:
    answer = getattr(api(cast.theo), method)("/api/auth/me/", {})
    assert answer.status_code == 405
    assert answer.json()["errors"][0]["code"] == "method_not_allowed"
