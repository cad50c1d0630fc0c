"""Views that fail on demand, so that each way of failing is seen from outside."""

import threading
import uuid
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, re_path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.accounts.models import Institution
from core.errors import DomainError
from core.web.errors import unknown_path
from core.web.idempotency import Idempotent

FAILURES: dict[str, Exception] = {
    "down": OperationalError("connection to server failed for patient Pia"),
    "lost": InterfaceError("connection already closed"),
    "conflict": DomainError("Too late.", code="deadline_passed", extra={"current": {"id": 7}}),
    "input": DomainError("Choose another.", code="does_not_exist", attr="therapist"),
    "throttled": DomainError("Wait.", code="throttled", retry_after=30.4),
    "absent": Http404(),
    "forbidden": PermissionDenied(),
    "suspicious": SuspiciousOperation("a cookie of Pia"),
    "bug": RuntimeError("the phone number of Pia"),
}


class Failing(APIView):
    permission_classes = (AllowAny,)

    def get(self, request: Request, kind: str) -> Response:
        raise FAILURES[kind]

    def post(self, request: Request, kind: str) -> Response:
        return Response(request.data)


class Counting(Idempotent):
    """Founds one institution per request that gets through; `began` and `proceed` hold it in the middle."""

    permission_classes = (AllowAny,)
    began = threading.Event()
    proceed = threading.Event()

    def post(self, request: Request) -> Response:
        asked = request.data
        Institution.objects.create(name=f"number {uuid.uuid4()}")
        Counting.began.set()
        if asked.get("hold"):
            Counting.proceed.wait(20)
        if asked.get("fails"):
            raise DomainError("No.", code=asked["fails"], extra={"current": {"id": 1}})
        if asked.get("breaks"):
            raise RuntimeError("broken")
        return Response({"made": Institution.objects.count()}, status=201)

    def get(self, request: Request) -> Response:
        Institution.objects.create(name=f"number {uuid.uuid4()}")
        return Response()


def plain(request: HttpRequest, kind: str) -> HttpResponse:
    raise FAILURES[kind]


def nothing(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return HttpResponse("a page")


urlpatterns = [
    path("api/failing/<kind>/", Failing.as_view()),
    path("api/counting/", Counting.as_view()),
    path("api/counting/elsewhere/", Counting.as_view()),
    path("api/plain/<kind>/", plain),
    path("page/<kind>/", plain),
    path("page/", nothing),
    re_path("^api/", unknown_path),
]
