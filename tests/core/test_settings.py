"""The environment: documented whole, with true defaults, and refused by name where it is wrong."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from core.settings.database import database

pytestmark = pytest.mark.once

ROOT = settings.BASE_DIR
DOCUMENTED = dict(re.findall(r"^#([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
READ = {
    name
    for file in (ROOT / "core" / "settings").glob("*.py")
    for name in re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', file.read_text())
}
# What the contract promises to read.
CONTRACT = re.findall(
    r"[A-Z_]+",
    """
    DEFAULT_RESPONSE_TIMEOUT_MINUTES DEADLINE_WARNING_MINUTES MISSED_GRACE_MINUTES WAITING_LIST_OFFER_MINUTES
    AUTO_CANCEL_ENABLED AUTO_DISABLE_THERAPISTS AUTO_REASSIGN_ON_TIMEOUT MAX_REASSIGNMENTS OPEN_REQUESTS
    BOOKING_HORIZON_DAYS SUSPENSION_BREAKER_MIN SUSPENSION_BREAKER_PERCENT ETA_HORIZON_SECONDS REMINDER_OFFSETS
    EMAIL_EVENTS VIDEO_URL_TEMPLATE DATABASE_URL CELERY_BROKER_URL CHANNEL_LAYER_BACKEND CHANNEL_LAYER_HOST CACHE_URL
    DATA_DIR DJANGO_SECRET_KEY DJANGO_DEBUG ALLOWED_HOSTS CORS_ALLOWED_ORIGINS TIME_ZONE EMAIL_BACKEND EMAIL_HOST
    EMAIL_PORT EMAIL_USE_TLS EMAIL_HOST_USER EMAIL_HOST_PASSWORD DEFAULT_FROM_EMAIL REMINDER_SMS_URL
    REMINDER_WHATSAPP_URL REMINDER_PUSH_URL PORT FLOWER_PORT FLOWER_BASIC_AUTH METRICS_TOKEN HEARTBEAT_URL ADMIN_OTP
    SENTRY_DSN
    """,
)
# A value that no reader of that kind takes.
WRONG = dict.fromkeys(DOCUMENTED, "tab\tinside") | {
    "BOOKING_HORIZON_DAYS": "-1",
    "SUSPENSION_BREAKER_PERCENT": "101",
    "DEFAULT_RESPONSE_TIMEOUT_MINUTES": "nan",
    "PORT": "70000",
    "DATABASE_URL": "mysql://host/name",
    "CELERY_BROKER_URL": "http://host",
    "CHANNEL_LAYER_HOST": "host:port",
    "CHANNEL_LAYER_BACKEND": "no.such.Layer",
    "EMAIL_BACKEND": "nowhere",
    "CACHE_URL": "nonsense",
    "DATA_DIR": "/dev/null/inside",
    "TIME_ZONE": "Mars/Olympus",
    "REMINDER_OFFSETS": "email:soon",
    "FLOWER_BASIC_AUTH": "nocolon",
    "METRICS_TOKEN": "short",
    "LIVENESS_FILE": "/no/such/directory/alive",
    "HEARTBEAT_URL": "ftp://host/file",
    "CORS_ALLOWED_ORIGINS": "https://a.example/path",
    "ALLOWED_HOSTS": "https://a.example",
    "DEFAULT_FROM_EMAIL": "nobody",
    "REMINDER_SMS_URL": "not a url",
}


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `code` with the settings loaded from nothing but these variables."""
    env = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "core.settings", **variables}
    program = f"from django.conf import settings; settings.INSTALLED_APPS\n{code}"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def shown(code: str, **variables: str) -> str:
    """What `code` prints after a start that succeeds."""
    started = run(code, **variables)
    assert started.returncode == 0, started.stderr
    return started.stdout.strip()


@pytest.fixture(scope="module")
def refusal() -> str:
    """What a start says in which every variable is wrong."""
    started = run("", **WRONG)
    assert started.returncode != 0
    return started.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_a_wrong_value_stops_the_start_and_is_named_with_what_is_expected(refusal: str, name: str) -> None:
    assert re.search(rf"\b{name} expects \w", refusal)


def test_no_wrong_value_is_shown(refusal: str) -> None:
    assert "tab" not in refusal
    assert "nocolon" not in refusal


def test_every_variable_that_is_read_is_documented_and_none_else() -> None:
    assert set(DOCUMENTED) == READ


def test_every_variable_of_the_contract_is_read() -> None:
    assert set(CONTRACT) <= READ


def test_the_documented_defaults_are_the_real_ones() -> None:
    show = "print(*[f'{name} = {getattr(settings, name)}' for name in dir(settings) if name.isupper()], sep='\\n')"
    nothing, documented = (re.sub(r" at 0x\w+", "", shown(show, **given)) for given in ({}, DOCUMENTED))
    assert nothing == documented


def test_decimals_are_taken_for_minutes() -> None:
    show = "print(settings.DEFAULT_RESPONSE_TIMEOUT_MINUTES)"
    assert shown(show, DEFAULT_RESPONSE_TIMEOUT_MINUTES="0.05") == "0.05"


@pytest.mark.parametrize("host", ["cache", "cache:6380", "redis://cache:6379/1"])
def test_the_channel_layer_takes_a_host_or_a_url_and_never_times_out_an_idle_socket(host: str) -> None:
    found = shown("print(settings.CHANNEL_LAYERS['default']['CONFIG']['hosts'][0])", CHANNEL_LAYER_HOST=host)
    assert "redis://cache:63" in found
    assert "'socket_timeout': None" in found


def test_the_deadlines_worker_keeps_its_messages_twice_the_horizon_under_keys_of_its_own() -> None:
    show = "print(settings.CELERY_BROKER_TRANSPORT_OPTIONS)"
    found = shown(show, DEADLINES_WORKER="true", ETA_HORIZON_SECONDS="200")
    assert "'visibility_timeout': 400" in found
    assert "'unacked_key': 'deadlines.unacked'" in found
    assert "deadlines" not in shown(show)


def test_an_amqp_broker_is_given_no_options_of_redis() -> None:
    show = "print(settings.CELERY_BROKER_TRANSPORT_OPTIONS)"
    found = shown(show, CELERY_BROKER_URL="amqp://guest:guest@127.0.0.1:5672//")
    assert "max_retries" in found
    assert "visibility_timeout" not in found


def test_only_web_processes_bound_their_statements() -> None:
    show = "print(settings.DATABASES['default']['OPTIONS'])"
    url = "postgres://somebody@127.0.0.1/anything"
    assert "statement_timeout=4500" in shown(show, DATABASE_URL=url, SERVES_HTTP="true")
    assert "statement_timeout" not in shown(show, DATABASE_URL=url)


def test_sqlite_is_opened_for_many_writers() -> None:
    found = shown("print(settings.DATABASES['default']['OPTIONS'])")
    assert "'transaction_mode': 'IMMEDIATE'" in found
    assert "'timeout': 20" in found
    assert "journal_mode=WAL" in found


def test_beat_keeps_its_schedule_in_the_database_alone() -> None:
    assert not hasattr(settings, "CELERY_BEAT_SCHEDULE")
    assert settings.CELERY_BEAT_SCHEDULER == "django_celery_beat.schedulers:DatabaseScheduler"


def test_a_database_may_be_behind_a_directory_of_sockets() -> None:
    found = database("postgres://me@/care?host=/run/postgresql&sslmode=disable")
    assert (found["HOST"], found["NAME"], found["OPTIONS"]["sslmode"]) == ("/run/postgresql", "care", "disable")
    assert "host" not in found["OPTIONS"]
