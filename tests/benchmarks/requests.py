"""Requests of one person through the whole of Django, without a network: middleware, authentication, view, JSON."""

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from knox.models import AuthToken

from core.accounts.models import User


class Requests:
    """A client that is signed in with a token; a body is posted, without one it is a GET."""

    def __init__(self, user: User) -> None:
        self._client = Client(headers={"Authorization": f"Token {AuthToken.objects.create(user)[1]}"})

    def __call__(self, path: str, body: object = None) -> Any:
        """The JSON of the answer. Raises AssertionError where it is a refusal."""
        options: dict[str, Any] = {"SERVER_NAME": "127.0.0.1"}
        if body is None:
            answer = self._client.get(path, **options)
        else:
            answer = self._client.post(path, body, content_type="application/json", **options)
        assert answer.status_code in {200, 201}, answer.content[:300]
        return answer.json()

    def queries_of(self, path: str, body: object = None) -> int:
        """How many queries a request costs."""
        with CaptureQueriesContext(connection) as queries:
            self(path, body)
        return len(queries)
