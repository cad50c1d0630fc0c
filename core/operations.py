"""What operations looks at: /healthz, /readyz, /metrics."""

import ipaddress
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from core import broker
from core.liveness.models import Part
from core.liveness.services import last_beat
from core.metrics import registry
from core.web.arrival import arrived_at
from core.web.errors import json_error
from core.web.measures import counted_registry

RELAY_MAY_BE_SILENT: Final = timedelta(seconds=12)
BEAT_MAY_BE_SILENT: Final = timedelta(seconds=14)


def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Each part and whether it works; 503 when one does not. `?parts=` limits it."""
    wanted = [part for part in request.GET.get("parts", "").split(",") if part] or list(PARTS)
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        return json_error(400, "invalid", f"parts knows {', '.join(PARTS)}.")
    states = _states(wanted, arrived_at(request))
    ready = all(state["ok"] for state in states.values())
    return JsonResponse({"status": "ready" if ready else "unready", "parts": states}, status=200 if ready else 503)


def _states(wanted: list[str], now: datetime) -> dict[str, dict[str, Any]]:
    """Ask the broker beside the others, and nothing of a database that is known to be down: 5 s are soon over."""
    states: dict[str, dict[str, Any]] = {}
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(_broker, now) if "broker" in wanted else None
        for part in sorted(set(wanted) - {"broker"}, key=list(PARTS).index):
            down = not states.get("database", {"ok": True})["ok"]
            states[part] = {"ok": False, "error": "database"} if down else PARTS[part](now)
        if asked:
            states["broker"] = asked.result()
    return {part: states[part] for part in PARTS if part in states}


def _database(now: datetime) -> dict[str, Any]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return {"ok": False, "error": type(error).__name__}
    return {"ok": True}


def _broker(now: datetime) -> dict[str, Any]:
    error = broker.failure()
    return {"ok": False, "error": error} if error else {"ok": True}


def _beating(part: Part, allowed: timedelta) -> Callable[[datetime], dict[str, Any]]:
    def check(now: datetime) -> dict[str, Any]:
        try:
            beaten_at = last_beat(part)
        except DatabaseError as error:
            return {"ok": False, "error": type(error).__name__}
        if beaten_at is None:
            return {"ok": False, "error": "never seen"}
        age = (now - beaten_at).total_seconds()
        return {"ok": age <= allowed.total_seconds(), "age_seconds": round(age, 1)}

    return check


PARTS: Final[dict[str, Callable[[datetime], dict[str, Any]]]] = {
    "database": _database,
    "broker": _broker,
    "relay": _beating(Part.RELAY, RELAY_MAY_BE_SILENT),
    "beat": _beating(Part.BEAT, BEAT_MAY_BE_SILENT),
}


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus metrics, for the machine itself or with METRICS_TOKEN."""
    if not _may_read_metrics(request):
        return json_error(403, "permission_denied", "Metrics need METRICS_TOKEN from elsewhere.")
    try:
        return HttpResponse(
            generate_latest(registry) + generate_latest(counted_registry()), content_type=CONTENT_TYPE_LATEST
        )
    except DatabaseError:
        return json_error(503, "unavailable", "The database does not answer.")


def _may_read_metrics(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    if settings.METRICS_TOKEN and secrets.compare_digest(given, settings.METRICS_TOKEN.encode()):
        return True
    forwarded = any(name.startswith(("X-Forwarded-", "Forwarded")) for name in request.headers)
    address = request.META.get("REMOTE_ADDR", "")
    try:
        return not forwarded and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
