from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone


class ArrivalMiddleware:
    """Notes the moment each request arrived: the only clock that its deadline is measured by."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.arrived_at = timezone.now()  # type: ignore[attr-defined]
        return self.get_response(request)


def arrived_at(request: Any) -> datetime:
    """When the request (Django's or DRF's) arrived."""
    arrived: datetime = request.arrived_at
    return arrived
