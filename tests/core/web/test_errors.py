"""Every refusal under /api/ has one shape, whoever refuses."""

import pytest
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from rest_framework.response import Response

from core.errors import DomainError
from core.web.errors import CONFLICTS, Refusal

pytestmark = [pytest.mark.urls("tests.core.web.urls"), pytest.mark.django_db, pytest.mark.once]
CALM = Client(raise_request_exception=False)

CASES = [
    ("down", 503, "server_error", "unavailable"),
    ("lost", 503, "server_error", "unavailable"),
    ("conflict", 409, "client_error", "deadline_passed"),
    ("input", 400, "validation_error", "does_not_exist"),
    ("throttled", 429, "client_error", "throttled"),
    ("absent", 404, "client_error", "not_found"),
    ("forbidden", 403, "client_error", "permission_denied"),
    ("suspicious", 400, "client_error", "parse_error"),
    ("bug", 500, "server_error", "error"),
]


def shape_of(answer: Response) -> tuple[int, str, str]:
    body = answer.json()
    assert answer["Content-Type"] == "application/json"
    assert [set(error) for error in body["errors"]] == [{"code", "detail", "attr"}]
    return answer.status_code, body["type"], body["errors"][0]["code"]


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(("kind", "status", "error_type", "code"), CASES)
def test_a_failing_view_answers_in_the_format(kind: str, status: int, error_type: str, code: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        assert shape_of(CALM.get(f"/api/failing/{kind}/")) == (status, error_type, code)


@pytest.mark.parametrize("kind", [case[0] for case in CASES])
def test_no_failure_tells_what_went_on_inside(kind: str) -> None:
    assert "Pia" not in CALM.get(f"/api/failing/{kind}/").content.decode()


def test_a_conflict_carries_the_resource_as_it_is_now() -> None:
    assert CALM.get("/api/failing/conflict/").json()["current"] == {"id": 7}


def test_only_a_conflict_carries_more_than_type_and_errors() -> None:
    assert set(CALM.get("/api/failing/input/").json()) == {"type", "errors"}


def test_bad_input_names_its_field() -> None:
    assert CALM.get("/api/failing/input/").json()["errors"][0]["attr"] == "therapist"


def test_a_limit_says_how_long_to_wait() -> None:
    assert CALM.get("/api/failing/throttled/")["Retry-After"] == "30"


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("kind", ["absent", "forbidden", "suspicious", "bug"])
def test_a_failure_outside_the_framework_is_json_as_well(kind: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        assert shape_of(CALM.get(f"/api/plain/{kind}/"))[0] >= 400


@pytest.mark.parametrize("place", ["/api/plain/down/", "/page/down/"])
def test_a_dead_database_is_503_everywhere(place: str) -> None:
    assert CALM.get(place).status_code == 503


def test_a_dead_database_behind_a_session_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import OperationalError

    def dead(self: SessionStore) -> None:
        raise OperationalError

    browser = Client(raise_request_exception=False)
    browser.cookies["sessionid"] = "a" * 32
    monkeypatch.setattr(SessionStore, "load", dead)
    assert shape_of(browser.get("/api/failing/absent/")) == (503, "server_error", "unavailable")


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("place", ["/api", "/api/", "/api/nowhere", "/api/nowhere/at/all/", "/api/x.json", "/api/ä"])
def test_an_unknown_path_is_404_in_the_format(place: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        assert shape_of(CALM.get(place)) == (404, "client_error", "not_found")


def test_an_unknown_host_is_refused_in_the_format() -> None:
    assert shape_of(CALM.get("/api/failing/absent/", HTTP_HOST="evil.example"))[0] == 400


def test_an_unknown_path_asks_the_database_nothing() -> None:
    from django.db import connection

    with CaptureQueriesContext(connection) as asked:
        CALM.get("/api/nowhere/")
    assert len(asked) == 0


@pytest.mark.parametrize("code", sorted(CONFLICTS))
def test_every_conflict_of_the_contract_is_409(code: str) -> None:
    assert Refusal(DomainError("No.", code=code)).status_code == 409


def test_a_page_keeps_its_own_errors() -> None:
    answer = CALM.get("/page/absent/")
    assert answer.status_code == 404
    assert "html" in answer["Content-Type"]
