from contextlib import suppress
from typing import Any

from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware as StructlogMiddleware

from core.web.errors import DATABASE_DOWN


class RequestMiddleware(StructlogMiddleware):
    """Logs requests by method and path: a query string may carry names or keys."""

    @staticmethod
    def format_request(request: "HttpRequest") -> Any:
        return f"{request.method} {request.path}"

    @staticmethod
    def bind_user_id(request: "HttpRequest") -> None:
        # Whose session it is cannot be asked of a dead database; the request is logged all the same.
        with suppress(*DATABASE_DOWN):
            StructlogMiddleware.bind_user_id(request)
