"""Every address and every body gets an answer in the contract's shape: with or without a slash, known or not."""

from datetime import date, timedelta

import pytest
from django.test import override_settings
from django.utils import timezone
from rest_framework.response import Response

from appointments.models import Appointment
from tests.conftest import Api
from tests.contracts.world import snapshot
from tests.support.cast import Cast, at, offer

pytestmark = pytest.mark.once

PREFIXES = ["/api/scheduling/appointments", "/api/appointments/appointments"]
TYPES = {"validation_error", "client_error", "server_error"}
TEN_MEGABYTES = b'{"reason_for_visit": "' + b"x" * 10_000_000 + b'"}'
UNREADABLE = [
    *(b"{", b"[]", b"null", b'"x"', b"1", b"\xff\xfe", b'{"patient": NaN}', b"[" * 100_000),
    *(b'{"patient": ' + b"9" * 5_000 + b"}", b"{'patient': 1}"),
]
UNKNOWN = [
    *("/api/", "/api", "/api/nothing", "/api/scheduling/", "/api/scheduling/nothing/", "/api/appointments/"),
    *("/api/x.json", "/api/scheduling/appointments/x/", "/api/scheduling/appointments/-1/"),
    *("/api/scheduling/appointments/99999999999999999999/", "/api/scheduling/appointments/1.json"),
    *("/api/scheduling/appointments/%00/", "/api/scheduling/appointments/%ff/", "/api/scheduling/appointments/1/hm/"),
    *("/api/scheduling/appointments/999999/", "/api/scheduling/therapists/999999/", "/api/scheduling/services/999999/"),
    "/api/scheduling/therapists/999999999999999999/",
]


def shaped(response: Response) -> Response:
    """The response; asserts the error shape of the contract."""
    assert response["Content-Type"].startswith("application/json")
    body = response.json()
    assert body["type"] in TYPES
    assert body["errors"]
    assert all(set(error) == {"code", "detail", "attr"} for error in body["errors"])
    return response


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", UNKNOWN)
def test_what_is_not_there_is_a_404_in_json_also_with_debug(cast: Cast, api: Api, path: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        response = shaped(api(cast.olive).get(path))
    assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_every_method_gets_a_404_in_json_where_nothing_is(cast: Cast, api: Api, method: str) -> None:
    response = shaped(getattr(api(cast.olive), method)("/api/nothing/"))
    assert response.status_code == 404


@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_ours_is_a_500_in_json_also_with_debug(
    cast: Cast, api: Api, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the code")

    monkeypatch.setattr("appointments.api.appointments.filtered", broken)
    client = api(cast.olive)
    client.raise_request_exception = False
    with override_settings(DEBUG=debug):
        response = shaped(client.get(f"{PREFIXES[0]}/"))
    assert response.status_code == 500
    assert "secret" not in response.content.decode()


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_address_works_with_and_without_its_slash_under_both_prefixes(
    cast: Cast, api: Api, prefix: str, slash: str
) -> None:
    client, body = api(cast.olive), {"patient": cast.pia.pk, "start": at(24).isoformat()}
    made = client.post(f"{prefix}{slash}", body, format="json")
    assert made.status_code == 201
    one = f"{prefix}/{made.json()['id']}"
    assert client.get(f"{one}{slash}").json()["id"] == made.json()["id"]
    assert client.patch(f"{one}{slash}", {"notes": "x"}, format="json").status_code == 200
    assert client.post(f"{one}/claim{slash}", {}, format="json").status_code == 200
    assert client.get(f"{prefix}/today{slash}?page_size=1").status_code == 200
    assert client.get(f"/api/auth/me{slash}").status_code == 200


def test_put_is_not_allowed(cast: Cast, api: Api) -> None:
    response = shaped(api(cast.olive).put(f"{PREFIXES[0]}/{offer(cast).pk}/", {}, format="json"))
    assert (response.status_code, response.json()["errors"][0]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_a_body_of_ten_megabytes_is_refused_unread(cast: Cast, api: Api, content_type: str) -> None:
    client = api(cast.olive)
    before = snapshot()
    response = shaped(client.post(f"{PREFIXES[0]}/", TEN_MEGABYTES, content_type=content_type))
    assert (response.status_code, response.json()["errors"][0]["code"]) == (413, "too_large")
    assert snapshot() == before


@pytest.mark.parametrize("raw", UNREADABLE, ids=lambda raw: ascii(raw[:16]))
@pytest.mark.parametrize("path", ["", "{pk}/assign/", "{pk}/cancel/"])
def test_a_body_that_is_no_json_object_is_a_400_that_writes_nothing(
    cast: Cast, api: Api, raw: bytes, path: str
) -> None:
    client, path = api(cast.olive), f"{PREFIXES[0]}/{path.format(pk=offer(cast).pk)}"
    before = snapshot()
    response = shaped(client.post(path, raw, content_type="application/json"))
    assert response.status_code == 400
    assert snapshot() == before


@pytest.mark.parametrize("path", ["/api/auth/login/", "/api/scheduling/services/", "/api/scheduling/breaker/close/"])
@pytest.mark.parametrize("raw", UNREADABLE, ids=lambda raw: ascii(raw[:16]))
def test_no_writing_call_fails_over_an_unreadable_body(cast: Cast, api: Api, raw: bytes, path: str) -> None:
    assert shaped(api(cast.olive).post(path, raw, content_type="application/json")).status_code == 400


def test_a_media_type_that_nobody_reads_is_a_415(cast: Cast, api: Api) -> None:
    response = shaped(api(cast.olive).post(f"{PREFIXES[0]}/", b"<a/>", content_type="application/xml"))
    assert response.status_code == 415


@pytest.mark.parametrize("header", ["Token", "Token x", "Token a b", "Token \x00", "Token é", "Bearer x", "Basic x"])
def test_an_unreadable_login_is_a_401(cast: Cast, api: Api, header: str) -> None:
    response = shaped(api(None).get(f"{PREFIXES[0]}/", headers={"Authorization": header}))
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Token"


def test_fields_that_nobody_may_write_change_nothing(cast: Cast, api: Api) -> None:
    offered = offer(cast)
    derived = {"updated_at", "version"}
    mine = {"reason_for_visit", "symptoms", "notes", "service", "appointment_type", "consultation_fee", "video_url"}
    refused = {"status", "therapist", "start", "end", "appointment_date", "appointment_time", "duration_minutes"}
    names = {field.name for field in Appointment._meta.fields} - mine - refused
    body = dict.fromkeys(names, 1) | {"version": offered.version}
    before = Appointment.objects.values(*(names - derived)).get(pk=offered.pk)
    response = api(cast.olive).patch(f"{PREFIXES[0]}/{offered.pk}/", body, format="json")
    assert response.status_code == 200
    assert Appointment.objects.values(*(names - derived)).get(pk=offered.pk) == before


def test_a_local_time_that_the_clocks_skip_is_refused(cast: Cast, api: Api) -> None:
    body = {"patient": cast.heidi.pk, "appointment_date": spring_forward().isoformat(), "appointment_time": "02:30"}
    response = shaped(api(cast.xander).post(f"{PREFIXES[0]}/", body, format="json"))
    assert (response.status_code, response.json()["errors"][0]["attr"]) == (400, "appointment_time")


def spring_forward() -> date:
    """The next last Sunday of March, when Berlin has no 02:30."""
    today = timezone.now().date()
    for year in (today.year, today.year + 1):
        last = date(year, 3, 31)
        sunday = last - timedelta(days=(last.weekday() + 1) % 7)
        if sunday > today:
            return sunday
    raise AssertionError("unreachable")
