"""What each process counts by itself; the rest of the metrics is asked from the database.

Under several worker processes (gunicorn) the counts meet in PROMETHEUS_MULTIPROC_DIR, which deploy/ sets.
"""

import os
import time
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
own_registry: Final = CollectorRegistry()

REQUESTS: Final = Histogram(
    "appointments_request_seconds",
    "How long answers took.",
    ("method", "view", "status"),
    buckets=SECONDS,
    registry=own_registry,
)
SOCKETS: Final = Gauge("appointments_sockets", "Open WebSockets.", registry=own_registry, multiprocess_mode="livesum")
NOTIFICATION_LAG: Final = Histogram(
    "appointments_notification_lag_seconds",
    "From a change to the moment at which a web process has it for an open socket.",
    buckets=SECONDS,
    registry=own_registry,
)


def counted_registry() -> CollectorRegistry:
    """The counts of this process, or of all processes that share PROMETHEUS_MULTIPROC_DIR."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return own_registry
    shared = CollectorRegistry()
    collect: Any = MultiProcessCollector
    collect(shared)
    return shared


class MeasuringMiddleware:
    """Measures every answer by the name of its view: no path, so no id and no unbounded label."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        response = self._get_response(request)
        found = request.resolver_match
        view = (found.view_name or found.route) if found else "none"
        method = request.method if request.method in KNOWN_METHODS else "other"
        REQUESTS.labels(method, view, str(response.status_code)).observe(time.perf_counter() - begun)
        return response
