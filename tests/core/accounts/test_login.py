import statistics
import time
from collections.abc import Iterator

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.response import Response
from rest_framework.test import APIClient

from core.accounts import services
from core.accounts.models import User
from core.outbox.models import Lane, OutboxEntry
from tests.conftest import ARGON2, Api
from tests.support.cast import Cast

pytestmark = pytest.mark.once

PASSWORD = "correct horse"


@pytest.fixture
def theo(cast: Cast) -> User:
    """Theo, who has a password."""
    cast.theo.set_password(PASSWORD)
    cast.theo.save()
    return cast.theo


@pytest.fixture
def later() -> Iterator[time_machine.Traveller]:
    """A clock to be moved."""
    with time_machine.travel(timezone.now(), tick=True) as traveller:
        yield traveller


def login(username: str = "theo", password: str = PASSWORD, **extra: str) -> Response:
    return APIClient().post("/api/auth/login/", {"username": username, "password": password}, **extra)


def code_of(answer: Response) -> str:
    return answer.json()["errors"][0]["code"]


def test_the_right_password_gives_a_token_its_end_and_the_account(theo: User) -> None:
    answer = login()
    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "expiry", "user"}
    assert answer.json()["expiry"].endswith("Z")
    assert answer.json()["user"]["id"] == theo.pk


def test_the_token_of_a_login_opens_the_api(theo: User) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {login().json()['token']}")
    assert client.get("/api/auth/me/").status_code == 200


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(theo: User) -> None:
    wrong, unknown = login(password="wrong"), login("nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert code_of(wrong) == "authentication_failed"
    assert wrong.content == unknown.content


def test_a_wrong_password_and_an_unknown_name_take_the_same_time(theo: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, cost in ARGON2.items():
        monkeypatch.setattr(Argon2PasswordHasher, name, cost)
    theo.set_password(PASSWORD)
    theo.save()

    def took(name: str, address: int) -> float:
        begun = time.perf_counter()
        login(name, "wrong", REMOTE_ADDR=f"10.0.0.{address}")
        return time.perf_counter() - begun

    known = statistics.median(took("theo", address) for address in range(9))
    unknown = statistics.median(took("nobody", address) for address in range(9))
    assert 0.6 < known / unknown < 1.7


@pytest.mark.parametrize("missing", ["username", "password"])
def test_a_login_without_a_field_is_refused_naming_it(db: None, missing: str) -> None:
    form = {"username": "theo", "password": PASSWORD}
    del form[missing]
    answer = APIClient().post("/api/auth/login/", form)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == missing


def test_a_suspended_person_with_the_right_password_is_told_why_and_since_when(theo: User) -> None:
    services.suspend(theo.pk, reason="no answer in time", actor=None, now=timezone.now())
    answer = login()
    assert answer.status_code == 403
    assert code_of(answer) == "account_suspended"
    detail = answer.json()["errors"][0]["detail"]
    assert "no answer in time" in detail
    assert f"{timezone.now():%Y-%m-%d}" in detail


def test_a_suspended_person_with_the_right_password_is_not_counted_as_a_failure(theo: User) -> None:
    services.suspend(theo.pk, reason="no answer in time", actor=None, now=timezone.now())
    assert [login().status_code for _ in range(7)] == [403] * 7
    assert not AccessAttempt.objects.exists()


def test_a_suspended_person_with_a_wrong_password_learns_nothing(theo: User) -> None:
    services.suspend(theo.pk, reason="no answer in time", actor=None, now=timezone.now())
    assert login(password="wrong").content == login("nobody").content


def test_the_sixth_attempt_after_five_failures_is_throttled_even_with_the_right_password(theo: User) -> None:
    assert [login(password="wrong").status_code for _ in range(5)] == [401] * 5
    answer = login()
    assert answer.status_code == 429
    assert code_of(answer) == "throttled"
    assert 0 < int(answer["Retry-After"]) <= 900


def test_unknown_names_are_throttled_as_well(db: None) -> None:
    assert [login("nobody").status_code for _ in range(6)] == [401] * 5 + [429]


def test_failures_from_one_address_do_not_lock_the_person_out_elsewhere(theo: User) -> None:
    for _ in range(6):
        login(password="wrong", REMOTE_ADDR="10.0.0.1")
    assert login(REMOTE_ADDR="10.0.0.2").status_code == 200


def test_a_forwarded_address_does_not_get_around_the_limit(theo: User) -> None:
    for attempt in range(5):
        login(password="wrong", HTTP_X_FORWARDED_FOR=f"10.9.9.{attempt}")
    assert login(HTTP_X_FORWARDED_FOR="10.9.9.99").status_code == 429


def test_a_login_elsewhere_does_not_forgive_the_failures_of_another_address(theo: User) -> None:
    for _ in range(4):
        login(password="wrong", REMOTE_ADDR="10.0.0.1")
    login(REMOTE_ADDR="10.0.0.2")
    login(password="wrong", REMOTE_ADDR="10.0.0.1")
    assert login(password="wrong", REMOTE_ADDR="10.0.0.1").status_code == 429


def test_the_limit_is_lifted_after_a_quarter_of_an_hour(theo: User, later: time_machine.Traveller) -> None:
    for _ in range(6):
        login(password="wrong")
    later.shift(16 * 60)
    assert login().status_code == 200


def test_logout_ends_this_token_and_no_other(theo: User) -> None:
    here, there = APIClient(), APIClient()
    for client in (here, there):
        client.credentials(HTTP_AUTHORIZATION=f"Token {login().json()['token']}")
    assert here.post("/api/auth/logout/").status_code == 204
    assert here.get("/api/auth/me/").status_code == 401
    assert there.get("/api/auth/me/").status_code == 200


def test_logout_promises_that_the_sockets_of_the_token_are_closed(cast: Cast, api: Api) -> None:
    client = api(cast.theo)
    digest = AuthToken.objects.get(user=cast.theo).pk
    client.post("/api/auth/logout/")
    told = OutboxEntry.objects.get(lane=Lane.REALTIME, kind="token_revoked")
    assert told.payload == {"user": cast.theo.pk, "token": digest}


def test_logoutall_ends_every_token_of_the_person_and_of_nobody_else(cast: Cast, api: Api) -> None:
    first, second, other = api(cast.theo), api(cast.theo), api(cast.tara)
    assert first.post("/api/auth/logoutall/").status_code == 204
    assert second.get("/api/auth/me/").status_code == 401
    assert other.get("/api/auth/me/").status_code == 200
    assert OutboxEntry.objects.get(kind="token_revoked").payload == {"user": cast.theo.pk, "token": None}


def test_logoutall_ends_sessions_as_well(theo: User, api: Api) -> None:
    browser = Client()
    browser.force_login(theo, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get("/api/auth/me/").status_code == 200
    api(theo).post("/api/auth/logoutall/")
    assert browser.get("/api/auth/me/").status_code == 401


def test_logout_ends_a_session(theo: User) -> None:
    browser = Client()
    browser.force_login(theo, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.post("/api/auth/logout/").status_code == 204
    assert browser.get("/api/auth/me/").status_code == 401
    assert OutboxEntry.objects.get(kind="token_revoked").payload == {"user": theo.pk, "token": None}


def test_a_session_without_its_csrf_token_writes_nothing(theo: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(theo, backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.patch("/api/auth/me/", {"phone": "1"}, content_type="application/json")
    assert answer.status_code == 403
    assert code_of(answer) == "permission_denied"


@pytest.mark.parametrize("path", ["logout/", "logoutall/", "me/"])
def test_a_stranger_is_told_to_sign_in(db: None, path: str) -> None:
    answer = APIClient().get("/api/auth/me/") if path == "me/" else APIClient().post(f"/api/auth/{path}")
    assert answer.status_code == 401
    assert code_of(answer) == "not_authenticated"
    assert answer["WWW-Authenticate"] == "Token"
