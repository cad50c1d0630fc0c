"""Django under ASGI, each request in one thread from its first middleware to its last."""

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class Handler(ASGIHandler):
    """Runs middleware and view synchronously.

    Django's own handler calls every middleware that can be asynchronous in the event loop, and its hooks in a thread:
    some thirty changes of thread a request and, with views that wait for a database, a third of its time for nothing.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response)(request)
