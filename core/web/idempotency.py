"""`Idempotency-Key`: a repeated POST answers what the first one answered and does nothing."""

import hashlib
import json
import time
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from django.db.models import Q, QuerySet
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.accounts.models import User
from core.errors import DomainError
from core.web.arrival import arrived_at
from core.web.models import IdempotencyKey

KEPT_FOR: Final = timedelta(hours=24)
TWIN_WAITS: Final = timedelta(seconds=4)
# No request runs that long; a first attempt that is older has died with its process.
ABANDONED_AFTER: Final = timedelta(seconds=30)
LONGEST_KEY: Final = 255
POLL_SECONDS: Final = 0.05
NOT_KEPT: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})


class ReplayError(Exception):
    """Not an error: the answer is known already."""

    def __init__(self, kept: IdempotencyKey) -> None:
        super().__init__(kept.pk)
        self.kept = kept


class Idempotent(APIView):
    """Makes every POST of a view repeatable by its `Idempotency-Key`."""

    _claim: IdempotencyKey | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.headers.get("Idempotency-Key")
        if key is not None and request.method == "POST" and isinstance(request.user, User):
            self._claim = claim(request.user, key, fingerprint(request), arrived_at(request))

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, ReplayError):
            body = json.loads(exc.kept.body) if exc.kept.body else None
            return Response(body, status=exc.kept.status, headers={"Idempotency-Replayed": "true"})
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self._claim is not None:
            keep(self._claim, response)
            self._claim = None
        return response


def fingerprint(request: Request) -> str:
    """What makes two requests the same: method, path and body."""
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    digest.update(request._request.body)
    return digest.hexdigest()


def claim(user: User, key: str, print_: str, now: datetime) -> IdempotencyKey:
    """Take the key for this request. Raises ReplayError when it was answered, DomainError on a conflict."""
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        raise DomainError(f"Send 1 to {LONGEST_KEY} printable characters.", attr="Idempotency-Key")
    give_up = time.monotonic() + TWIN_WAITS.total_seconds()
    while True:
        values = {"fingerprint": print_, "started_at": now, "status": None, "body": ""}
        row, created = IdempotencyKey.objects.get_or_create(user=user, key=key, defaults=values)
        if created:
            return row
        over = Q(started_at__lte=now - KEPT_FOR) | Q(status__isnull=True, started_at__lte=now - ABANDONED_AFTER)
        if IdempotencyKey.objects.filter(over, pk=row.pk).update(**values):
            return IdempotencyKey.objects.get(pk=row.pk)
        if row.fingerprint != print_:
            raise DomainError("This key was used for another request.", code="idempotency_conflict")
        if row.status is not None:
            raise ReplayError(row)
        if time.monotonic() >= give_up:
            raise DomainError("The first request still runs.", code="idempotency_conflict", retry_after=1)
        time.sleep(POLL_SECONDS)


def keep(row: IdempotencyKey, response: Response) -> None:
    """Keep the answer for repetitions, or set the key free where a repetition may do better."""
    mine = IdempotencyKey.objects.filter(pk=row.pk, started_at=row.started_at)
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status_code in NOT_KEPT:
        mine.delete()
        return
    body = "" if response.data is None else JSONRenderer().render(response.data).decode()
    mine.update(status=response.status_code, body=body)


def forgettable(now: datetime) -> QuerySet[IdempotencyKey]:
    """Keys that no repetition may use any more."""
    return IdempotencyKey.objects.filter(started_at__lte=now - KEPT_FOR)
