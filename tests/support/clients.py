"""People at their devices: HTTP and a live socket against a running stack."""

import json
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.stack import Stack


class Answer(NamedTuple):
    status: int
    body: Any


def request(url: str, method: str, body: Any = None, token: str | None = None, **headers: str) -> Answer:
    """One JSON request; an error status is an answer like any other."""
    headers = {"Content-Type": "application/json", **headers}
    if token:
        headers["Authorization"] = f"Token {token}"
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=15) as answer:
            return Answer(answer.status, json.loads(answer.read() or b"null"))
    except urllib.error.HTTPError as error:
        return Answer(error.code, json.loads(error.read() or b"null"))


class Person:
    """Somebody signed in, with a socket that remembers every event it received."""

    def __init__(self, stack: Stack, username: str) -> None:
        self.stack, self.username = stack, username
        login = request(f"{stack.url}/api/auth/login/", "POST", {"username": username, "password": "demo"})
        assert login.status == 200, login
        self.token: str = login.body["token"]
        self.id: int = login.body["user"]["id"]
        self.events: list[dict[str, Any]] = []
        self.socket: ClientConnection | None = None
        self._open = ExitStack()

    def get(self, path: str) -> Answer:
        return request(f"{self.stack.url}/api/scheduling/{path}", "GET", token=self.token)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return request(f"{self.stack.url}/api/scheduling/{path}", "POST", body or {}, self.token, **headers)

    def act(self, appointment: int, action: str, **body: Any) -> Answer:
        """One action on an appointment."""
        return self.post(f"appointments/{appointment}/{action}/", body)

    def see(self, appointment: int) -> dict[str, Any]:
        """The appointment as this person sees it."""
        answer = self.get(f"appointments/{appointment}/")
        assert answer.status == 200, answer
        return answer.body

    def go_live(self, after: int | None = None) -> None:
        """Open the socket; `after` replays."""
        url = self.stack.ws_url + ("" if after is None else f"?after={after}")
        protocols: Any = ["events.v1", f"knox.{self.token}"]
        # No limit to what waits unread: behind a full queue the pongs would wait too, and the client give up.
        self.socket = self._open.enter_context(connect(url, subprotocols=protocols, max_queue=None))
        hello = json.loads(self.socket.recv(timeout=10))
        assert hello["type"] == "connected", hello

    def cut(self) -> None:
        """Drop the connection without a word."""
        assert self.socket is not None
        self.socket.socket.close()

    def sees(self, kind: str, appointment: int | None = None, seconds: float = 10) -> dict[str, Any]:
        """Wait for an event of this kind, among those already received or to come."""
        end = time.monotonic() + seconds
        matched = 0
        while True:
            for event in self.events[matched:]:
                about = event["data"].get("appointment") or {}
                if event["type"] == kind and appointment in {None, about.get("id")}:
                    self.events.remove(event)
                    return event
            matched = len(self.events)
            assert self.socket is not None
            left = end - time.monotonic()
            assert left > 0, f"{self.username} saw no {kind}, but {[event['type'] for event in self.events]}"
            try:
                event = json.loads(self.socket.recv(timeout=left))
            except TimeoutError:
                continue
            if "seq" in event:
                self.events.append(event)

    def is_put_out(self, seconds: float = 5) -> int:
        """Wait until the server closes the socket; returns its code."""
        assert self.socket is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                event = json.loads(self.socket.recv(timeout=end - time.monotonic()))
            except ConnectionClosed as closed:
                assert closed.rcvd is not None
                return closed.rcvd.code
            if "seq" in event:
                self.events.append(event)
        raise AssertionError(f"{self.username}'s socket stays open")


def in_days(days: float, hour: int = 0) -> str:
    """A start some days ahead, far from the seeded appointments."""
    return (datetime.now(UTC).replace(microsecond=0) + timedelta(days=days, hours=hour)).isoformat()
