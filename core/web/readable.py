"""What no view could read is refused before it reaches one."""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from core.web.errors import json_error

NUL = "\x00"


class ReadableMiddleware:
    """Refuses API requests with a body beyond DATA_UPLOAD_MAX_MEMORY_SIZE or with NUL characters in the address.

    The body is read here, once, so that whoever comes later may read it again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/"):
            return refusal(request) or self.get_response(request)
        return self.get_response(request)


def refusal(request: HttpRequest) -> HttpResponse | None:
    """The answer to a request that cannot be read, or None."""
    if NUL in request.path_info:
        return json_error(HTTPStatus.NOT_FOUND, "not_found", "No such resource.")
    if "%00" in request.META.get("QUERY_STRING", ""):
        for name, values in request.GET.lists():
            if NUL in name or NUL in "".join(values):
                attr = name.replace(NUL, "")
                return json_error(
                    HTTPStatus.BAD_REQUEST, "null_characters_not_allowed", "Null characters are not allowed.", attr
                )
    try:
        too_large = len(request.body) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
    except RequestDataTooBig:
        too_large = True
    except (UnreadablePostError, ValueError):
        return json_error(HTTPStatus.BAD_REQUEST, "parse_error", "The request cannot be read.")
    if too_large:
        return json_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "The request is too large.")
    return None
