"""Errors to Sentry and traces to OpenTelemetry, where their settings name somewhere to send them.

Neither carries personal data: no bodies, headers, addresses or local variables, and nothing that an error said.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

PACKAGES = "its packages; install requirements/production.txt"


def start() -> None:
    """Begin what the settings ask for. Raises ImproperlyConfigured where a package is missing."""
    if settings.SENTRY_DSN:
        start_sentry(settings.SENTRY_DSN)
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        try:
            from core import tracing  # noqa: PLC0415 - its packages are of requirements/production.txt
        except ImportError:
            raise ImproperlyConfigured(f"OTEL_EXPORTER_OTLP_ENDPOINT expects {PACKAGES}.") from None
        tracing.start(settings.OTEL_EXPORTER_OTLP_ENDPOINT)


def start_sentry(dsn: str, **options: Any) -> None:
    """Report unhandled errors of requests, tasks and commands."""
    try:
        import sentry_sdk  # noqa: PLC0415 - of requirements/production.txt
    except ImportError:
        raise ImproperlyConfigured(f"SENTRY_DSN expects {PACKAGES}.") from None
    sentry_sdk.init(
        dsn,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=without_people,
        **options,
    )


def without_people(event: Any, hint: Any) -> Any:
    """The report with nothing of a request but its method, of the person the id, of an error its type and place.

    The view stands in `transaction`; an address may hold a key, and an error's own words may quote a row.
    """
    if "request" in event:
        event["request"] = {"method": event["request"].get("method")}
    if "user" in event:
        event["user"] = {"id": event["user"].get("id")}
    for error in event.get("exception", {}).get("values", ()):
        error["value"] = ""
    for name in ("logentry", "extra", "message"):
        event.pop(name, None)
    return event
