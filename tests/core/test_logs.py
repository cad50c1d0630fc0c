"""What is logged names ids and paths, never people or keys."""

import io
import json
import logging
from collections.abc import Iterator
from logging.config import DictConfigurator  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings
from rest_framework.test import APIClient
from structlog.stdlib import ProcessorFormatter

from core.settings import logs
from tests.conftest import Api
from tests.core.test_settings import shown
from tests.support.cast import Cast

pytestmark = pytest.mark.once


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that goes to the log, as production would write it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    formatters = DictConfigurator(settings.LOGGING).config["formatters"]
    formatter = dict(formatters["structured"])
    handler.setFormatter(formatter.pop("()")(**formatter))
    root = logging.getLogger()
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def test_a_request_is_logged_with_its_id_its_path_and_the_id_of_the_person(
    cast: Cast, api: Api, logged: io.StringIO
) -> None:
    api(cast.theo).get("/api/auth/me/")
    line = logged.getvalue()
    assert "request_finished" in line
    assert "GET /api/auth/me/" in line
    assert "request_id" in line
    assert f"user_id={cast.theo.pk}" in line or json.dumps({"user_id": cast.theo.pk})[1:-1] in line


def test_no_query_header_or_body_is_logged(cast: Cast, logged: io.StringIO) -> None:
    client = APIClient()
    client.get("/api/auth/me/?key=canary-query", HTTP_AUTHORIZATION="Token canary-header")
    client.post("/api/auth/login/", {"username": "canary-name", "password": "canary-password"})
    client.get("/metrics", HTTP_AUTHORIZATION="Bearer canary-bearer", REMOTE_ADDR="10.0.0.1")
    assert logged.getvalue()
    assert "canary" not in logged.getvalue()


def test_repeated_failures_do_not_log_the_name_either(db: None, logged: io.StringIO) -> None:
    for _ in range(7):
        APIClient().post("/api/auth/login/", {"username": "canary-name", "password": "x"})
    assert "canary" not in logged.getvalue()


@pytest.fixture
def production() -> Iterator[io.StringIO]:
    """The log as production writes it, whatever this run's DEBUG is."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    processors = [ProcessorFormatter.remove_processors_meta, logs.without_words, structlog.processors.JSONRenderer()]
    handler.setFormatter(ProcessorFormatter(processors=processors, foreign_pre_chain=logs.SHARED))
    root = logging.getLogger()
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def fail() -> None:
    try:
        raise KeyError("canary-cause")
    except KeyError as cause:
        raise ValueError("Key (email)=(canary-row) already exists") from cause


@pytest.mark.parametrize("log", [structlog.get_logger("ours"), logging.getLogger("theirs")], ids=["ours", "theirs"])
def test_production_logs_where_an_error_happened_and_not_what_it_said(production: io.StringIO, log: Any) -> None:
    try:
        fail()
    except ValueError:
        log.exception("it.failed")
    line = json.loads(production.getvalue())
    assert line["event"] == "it.failed"
    assert "in fail" in line["exception"]
    assert line["exception"].index("builtins.KeyError") < line["exception"].index("builtins.ValueError")
    source = Path(__file__).read_text()
    said = [text for text in line["exception"].splitlines() if text.strip() not in source]
    assert "canary" not in "".join(said)


def test_an_error_given_as_a_value_is_logged_by_its_type(production: io.StringIO) -> None:
    structlog.get_logger("django_structlog.celery").error(
        "task_failed", error="canary", exception=ValueError("canary"), task_id="7"
    )
    assert json.loads(production.getvalue())["exception"] == "ValueError"
    assert "canary" not in production.getvalue()


def test_production_uses_it_and_a_developer_reads_everything() -> None:
    show = "print(settings.LOGGING['formatters']['structured']['processors'][1].__class__.__name__)"
    show_name = "print(getattr(settings.LOGGING['formatters']['structured']['processors'][1], '__name__', ''))"
    assert shown(show_name, DJANGO_SECRET_KEY="k" * 50) == "without_words"
    assert shown(show, DJANGO_DEBUG="true") == "ExceptionRenderer"
