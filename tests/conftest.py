import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from rest_framework.test import APIClient

from core.accounts.models import User
from core.celery import app as celery_app
from tests.support.cast import Cast, client_of, make_cast
from tests.support.flushing import flush_gently
from tests.support.mail import mailbox  # noqa: F401 - a fixture
from tests.support.provider import provider  # noqa: F401 - a fixture

if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, because threads and processes open connections of their own.
    scratch = Path(tempfile.mkdtemp(prefix="tests-")) / "db.sqlite3"
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(scratch)

# pytest-celery makes an app of its own; where it came first, every thread but the main one would publish through it.
celery_app.set_default()

if pool := settings.DATABASES["default"].get("OPTIONS", {}).get("pool"):
    pool["max_size"] = 45  # for each racer one that it keeps, and one for the test

# Slow on purpose, by these; a test that asks how long it takes puts them back.
ARGON2 = {name: getattr(Argon2PasswordHasher, name) for name in ("time_cost", "memory_cost")}
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost = 1, 64

Api = Callable[[User | None], APIClient]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """The test database, which tests that commit empty gently."""
    flush_gently()


@pytest.fixture
def cast(db: None) -> Cast:
    """Everybody, in a transaction that is rolled back."""
    return make_cast()


@pytest.fixture
def api() -> Api:
    """`api(user)` is an HTTP client signed in as that user."""
    return client_of
