"""Production must not start with what only a demo may have."""

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.checks import CheckMessage
from django.test import override_settings
from stack import DEMO_FLOWER

from core import checks
from core.accounts.models import Institution, Role, User
from core.settings.security import DEMO_SECRET_KEY

pytestmark = pytest.mark.once

SAFE = {"DEBUG": False, "SECRET_KEY": "s" * 50, "ALLOWED_HOSTS": ["clinic.example"], "FLOWER_BASIC_AUTH": "ops:own"}


def ids(found: Sequence[CheckMessage]) -> list[str | None]:
    return [message.id for message in found]


def production(**changed: object) -> list[str | None]:
    with override_settings(**{**SAFE, **changed}):
        return ids(checks.production_is_safe())


def demo_accounts(*, debug: bool = False) -> list[str | None]:
    with override_settings(**{**SAFE, "DEBUG": debug}):
        return ids(checks.no_demo_accounts(databases=["default"]))


def mails(backend: str, *, debug: bool = False) -> list[CheckMessage]:
    with override_settings(**{**SAFE, "DEBUG": debug}, EMAIL_BACKEND=backend):
        return checks.mails_are_sent()


def links(url: str, *, debug: bool = False) -> list[str | None]:
    with override_settings(**{**SAFE, "DEBUG": debug}, PUBLIC_URL=url):
        return ids(checks.links_lead_here())


def account(username: str, password: str) -> None:
    clinic, _ = Institution.objects.get_or_create(name="Clinic")
    User.objects.create(username=username, password=make_password(password), institution=clinic, role=Role.OPERATOR)


def test_safe_settings_are_let_through() -> None:
    assert production() == []


@pytest.mark.parametrize("url", ["http://localhost:8000", "https://127.0.0.1", "http://[::1]:8000"])
def test_links_that_lead_to_the_readers_own_machine_are_warned_of(url: str) -> None:
    assert links(url) == ["core.W002"]
    assert links(url, debug=True) == []
    assert links("https://clinic.example") == []


@pytest.mark.parametrize("key", [DEMO_SECRET_KEY, "short"])
def test_the_demo_key_and_a_short_one_are_refused(key: str) -> None:
    assert production(SECRET_KEY=key) == ["core.E001"]


def test_any_host_is_refused() -> None:
    assert production(ALLOWED_HOSTS=["clinic.example", "*"]) == ["core.E002"]


@pytest.mark.parametrize(("credentials", "found"), [(DEMO_FLOWER, ["core.E006"]), ("me:demo", ["core.E006"]), ("", [])])
def test_the_demo_s_password_for_flower_is_refused(credentials: str, found: list[str]) -> None:
    assert production(FLOWER_BASIC_AUTH=credentials) == found


def test_a_demo_may_have_all_of_it() -> None:
    unsafe = {"SECRET_KEY": DEMO_SECRET_KEY, "ALLOWED_HOSTS": ["*"], "FLOWER_BASIC_AUTH": DEMO_FLOWER}
    assert production(DEBUG=True, **unsafe) == []


@pytest.mark.parametrize("kind", ["console", "dummy", "filebased", "locmem"])
def test_a_backend_that_sends_no_mail_is_warned_of_and_stops_nothing(kind: str) -> None:
    found = mails(f"django.core.mail.backends.{kind}.EmailBackend")
    assert ids(found) == ["core.W001"]
    assert not found[0].is_serious()


@pytest.mark.parametrize("backend", ["django.core.mail.backends.smtp.EmailBackend", "anymail.backends.any.Backend"])
def test_a_backend_that_may_send_is_fine(backend: str) -> None:
    assert mails(backend) == []


def test_the_demo_need_not_send() -> None:
    assert mails("django.core.mail.backends.filebased.EmailBackend", debug=True) == []


@pytest.mark.parametrize(("backend", "found"), [("locmem.LocMemCache", ["core.E003"]), ("redis.RedisCache", [])])
def test_a_deployed_cache_is_shared_by_all_processes(backend: str, found: list[str]) -> None:
    with override_settings(CACHES={"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}):
        assert ids(checks.cache_is_shared()) == found


def test_a_misspelt_event_is_refused_by_name() -> None:
    with override_settings(EMAIL_EVENTS=["appointment_accepted", "apointment_missed"]):
        found = checks.mailed_events_exist()
    assert ids(found) == ["core.E004"]
    assert "apointment_missed" in str(found[0].msg)


@pytest.mark.parametrize("username", ["operator", "hill_patient", "admin"])
def test_a_demo_account_is_refused(db: None, username: str) -> None:
    account(username, "demo")
    assert demo_accounts() == ["core.E005"]


def test_an_account_with_a_name_of_the_demo_and_a_password_of_its_own_is_fine(db: None) -> None:
    account("operator", "something else")
    assert demo_accounts() == []


def test_a_disabled_demo_account_is_fine(db: None) -> None:
    account("operator", "demo")
    User.objects.update(is_active=False)
    assert demo_accounts() == []


def test_the_demo_may_have_demo_accounts(db: None) -> None:
    account("operator", "demo")
    assert demo_accounts(debug=True) == []


def test_checks_that_may_not_ask_the_database_do_not() -> None:
    with override_settings(**SAFE):
        assert checks.no_demo_accounts(databases=None) == []


def test_a_web_server_does_not_start_in_production_with_the_demo_key(tmp_path) -> None:  # type: ignore[no-untyped-def]
    env = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "DJANGO_DEBUG": "false"}
    command = [sys.executable, "-m", "uvicorn", "core.asgi:application", "--port", "0", "--log-level", "critical"]
    started = subprocess.run(
        command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert started.returncode != 0
    assert "DJANGO_SECRET_KEY expects" in started.stderr
