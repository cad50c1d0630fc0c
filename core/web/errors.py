"""The one place where refusals become HTTP: domain errors, database trouble, unknown paths."""

from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from drf_standardized_errors.formatter import ExceptionFormatter as StandardFormatter
from drf_standardized_errors.handler import ExceptionHandler as StandardHandler
from drf_standardized_errors.types import VALIDATION_ERROR, Error, ErrorResponse, ErrorType
from rest_framework import exceptions

from core.errors import DomainError

log = structlog.get_logger(__name__)

CONFLICTS: Final = frozenset(
    {
        "invalid_transition",
        "deadline_passed",
        "stale_version",
        "therapist_unavailable",
        "double_booked",
        "slot_full",
        "slot_booked",
        "idempotency_conflict",
    }
)
STATUS_OF: Final = {
    **dict.fromkeys(CONFLICTS, HTTPStatus.CONFLICT),
    "not_found": HTTPStatus.NOT_FOUND,
    "permission_denied": HTTPStatus.FORBIDDEN,
    "account_suspended": HTTPStatus.FORBIDDEN,
    "authentication_failed": HTTPStatus.UNAUTHORIZED,
    "throttled": HTTPStatus.TOO_MANY_REQUESTS,
}
DATABASE_DOWN: Final = (OperationalError, InterfaceError)


class Refusal(exceptions.APIException):
    """A domain error as DRF wants it; a code without a status of its own is bad input."""

    def __init__(self, error: DomainError) -> None:
        super().__init__(detail=error.detail, code=error.code)
        self.error = error
        self.status_code = STATUS_OF.get(error.code, HTTPStatus.BAD_REQUEST)
        if error.retry_after is not None:
            self.wait = max(1, round(error.retry_after))


class Unavailable(exceptions.APIException):
    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "The database does not answer; try again."
    default_code = "unavailable"


class ExceptionHandler(StandardHandler):
    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, DomainError):
            return Refusal(exc)
        if isinstance(exc, DATABASE_DOWN):
            log.error("database.unavailable", error=type(exc).__name__)
            return Unavailable()
        if isinstance(exc, BadRequest | SuspiciousOperation | UnicodeDecodeError):
            return exceptions.ParseError("The request cannot be read.")
        return super().convert_known_exceptions(exc)


class ExceptionFormatter(StandardFormatter):
    def get_error_type(self) -> ErrorType:
        if self.exc.status_code == HTTPStatus.BAD_REQUEST and isinstance(self.exc, Refusal):
            return VALIDATION_ERROR
        return super().get_error_type()

    def get_errors(self) -> list[Error]:
        if isinstance(self.exc, Refusal):
            return [Error(self.exc.error.code, self.exc.error.detail, self.exc.error.attr)]
        return super().get_errors()

    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        body = asdict(error_response)
        if isinstance(self.exc, Refusal):
            body |= self.exc.error.extra
        return body


def error_body(status: int, code: str, detail: str, attr: str | None = None) -> dict[str, Any]:
    """The contract's error body for answers made outside DRF."""
    kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "client_error"
    if status == HTTPStatus.BAD_REQUEST and attr is not None:
        kind = "validation_error"
    return {"type": kind, "errors": [{"code": code, "detail": detail, "attr": attr}]}


def json_error(status: int, code: str, detail: str, attr: str | None = None) -> JsonResponse:
    """An error answer outside DRF."""
    return JsonResponse(error_body(status, code, detail, attr), status=status)


def unknown_path(request: HttpRequest, **_: Any) -> HttpResponse:
    """The end of every path under /api/ that leads nowhere."""
    return json_error(HTTPStatus.NOT_FOUND, "not_found", "No such resource.")


class JsonErrorMiddleware:
    """Answers under /api/ as JSON what goes wrong outside the views: sessions, malformed requests, a dead database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_api = request.path_info.startswith("/api/")
        if is_api and response.status_code >= HTTPStatus.BAD_REQUEST and "html" in response.get("Content-Type", ""):
            status = HTTPStatus(response.status_code)
            return json_error(status, status.phrase.lower().replace(" ", "_"), f"{status.phrase}.")
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Turn a dead database into 503, for pages too."""
        if isinstance(error, DATABASE_DOWN):
            log.error("database.unavailable", error=type(error).__name__)
            return json_error(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", Unavailable.default_detail)
        return None
