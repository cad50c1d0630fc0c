"""A client of the WebSocket for the tests."""

import json
from contextlib import ExitStack, suppress
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from core.accounts.models import User
from tests.realtime.conftest import token_of


class Client:
    """One connection; reads JSON and knows what it was told."""

    def __init__(self, raw: ClientConnection, opened: ExitStack) -> None:
        self.raw = raw
        self._opened = opened

    @classmethod
    def open(
        cls,
        server: str,
        token: str | None = None,
        *,
        path: str = "/ws/events/",
        protocols: list[str] | None = None,
        headers: dict[str, str] | None = None,
        origin: str | None = None,
    ) -> Self:
        offered: Any = protocols if protocols is not None else ["events.v1", *([f"knox.{token}"] if token else [])]
        opened = ExitStack()
        connection = connect(
            f"ws://{server}{path}",
            subprotocols=offered or None,
            additional_headers=headers,
            origin=origin,  # type: ignore[arg-type]
            open_timeout=10,
            close_timeout=0.2,
            max_size=None,
        )
        return cls(opened.enter_context(connection), opened)

    @classmethod
    def of(cls, server: str, user: User, **options: Any) -> Self:
        """A signed-in client that has been greeted."""
        client = cls.open(server, token_of(user), **options)
        assert client.read()["type"] == "connected"
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def read(self, seconds: float = 10) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.raw.recv(timeout=seconds))
        return message

    def events(self, count: int, seconds: float = 10) -> list[tuple[int, str]]:
        """The next events as (seq, type)."""
        found = [self.read(seconds) for _ in range(count)]
        return [(message["seq"], message["type"]) for message in found]

    def say(self, **message: Any) -> None:
        self.raw.send(json.dumps(message))

    def close_code(self, seconds: float = 10) -> int | None:
        """Read until the server closes; the code it gave."""
        try:
            while True:
                self.raw.recv(timeout=seconds)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    def left(self, seconds: float = 10) -> int:
        """Read until the connection has ended in whatever way; how many messages there still were."""
        count = 0
        with suppress(ConnectionClosed, EOFError):
            while self.raw.recv(timeout=seconds):
                count += 1
        return count
