"""What leaves the house for Sentry and OpenTelemetry holds ids, views and places in the code, and nobody's data."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from django.test import Client
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.transport import Transport

from core import telemetry, tracing
from core.accounts.models import User
from tests.core.test_settings import run
from tests.support.cast import Cast

pytestmark = pytest.mark.once

CANARY = "canary-of-somebody"


class Kept(Transport):
    """A transport that keeps what it is given."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.events += [item.payload.json for item in envelope.items if item.payload.json]


@pytest.fixture
def sentry() -> Iterator[Kept]:
    transport = Kept()
    telemetry.start_sentry("https://key@sentry.example/1", transport=transport)
    yield transport
    sentry_sdk.init()


def failing(request: Any) -> None:
    name = CANARY  # noqa: F841 - a local variable
    raise ValueError(f"no such person: {CANARY}")


def test_a_report_names_the_error_the_place_and_the_person_s_id_and_nothing_else_of_them(
    sentry: Kept, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.operations._states", lambda *given: failing(given))
    User.objects.filter(pk=cast.olive.pk).update(email=f"{CANARY}@clinic.example", first_name=CANARY)
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(pk=cast.olive.pk), "django.contrib.auth.backends.ModelBackend")
    answer = client.get(f"/readyz?parts=database&key={CANARY}", headers={"X-Canary": CANARY})
    assert answer.status_code == 500
    (event,) = [event for event in sentry.events if "exception" in event]
    (error,) = event["exception"]["values"]
    assert error["type"] == "ValueError"
    assert error["stacktrace"]["frames"][-1]["function"] == "failing"
    assert event["transaction"]
    assert CANARY not in json.dumps(_without_source(event))


def _without_source(event: dict[str, Any]) -> dict[str, Any]:
    """The report without the lines of code around each frame."""
    for error in event["exception"]["values"]:
        for frame in error["stacktrace"]["frames"]:
            for name in ("context_line", "pre_context", "post_context"):
                frame.pop(name, None)
    return event


def test_the_scrubbing_is_what_does_it(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr(telemetry, "without_people", lambda event, hint: event)
    monkeypatch.setattr("core.operations._states", lambda *given: failing(given))
    transport = Kept()
    telemetry.start_sentry("https://key@sentry.example/1", transport=transport)
    Client(raise_request_exception=False).get(f"/readyz?parts=database&key={CANARY}")
    sentry_sdk.init()
    (event,) = [event for event in transport.events if "exception" in event]
    assert CANARY in json.dumps(_without_source(event))


def test_a_span_names_the_route_and_holds_neither_the_address_nor_what_an_error_said(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = InMemorySpanExporter()
    provider = tracing.provider_for(SimpleSpanProcessor(exporter))
    instrumentor = DjangoInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        Client().get(f"/healthz?name={CANARY}")
        monkeypatch.setattr("core.operations._states", lambda *given: failing(given))
        Client(raise_request_exception=False).get(f"/readyz?parts=database&name={CANARY}")
    finally:
        instrumentor.uninstrument()
    spans = exporter.get_finished_spans()
    assert {span.name for span in spans} >= {"GET healthz"}
    assert CANARY not in "".join(span.to_json() for span in spans)


@pytest.mark.parametrize("name", ["SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_where_the_packages_are_missing_the_start_stops_and_names_the_setting(name: str) -> None:
    hide = "import sys; sys.modules['sentry_sdk'] = sys.modules['opentelemetry'] = None; import django; django.setup()"
    started = run(hide, **{name: "https://key@collector.example/1", "DJANGO_DEBUG": "true"})
    assert started.returncode != 0
    assert f"{name} expects its packages" in started.stderr


def test_without_the_settings_nothing_is_loaded() -> None:
    names = ("sentry_sdk", "core.tracing")
    shows = f"import django, sys; django.setup(); print([name for name in {names} if name in sys.modules])"
    assert run(shows, DJANGO_DEBUG="true").stdout.strip() == "[]"
