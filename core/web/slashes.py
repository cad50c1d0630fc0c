from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class ApiSlashMiddleware:
    """Lets every API path work with and without its trailing slash, without a redirect that would lose a body.

    Inside, resources end in a slash and documents with an extension (`asyncapi.json`) do not.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/api" or request.path_info.startswith("/api/"):
            bare = request.path_info.rstrip("/")
            slash = "" if "." in bare.rpartition("/")[2] else "/"
            request.path = request.path.removesuffix(request.path_info) + bare + slash
            request.path_info = bare + slash
        return self.get_response(request)
