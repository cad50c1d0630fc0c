"""A provider of SMS, push or WhatsApp of the tests' own."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Provider(ThreadingHTTPServer):
    """What an SMS, push or WhatsApp provider is to us: it takes JSON, or refuses."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.answer = 200
        self.pause = 0.0
        self.hangs_up = False

    def url(self, name: str) -> str:
        return f"json://127.0.0.1:{self.server_port}/{name}/{{to}}"

    @property
    def told(self) -> list[str]:
        """The channels that were used, in order."""
        return [path.split("/")[1] for path, _ in self.taken]


class Door(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, json.loads(body)))
        time.sleep(self.server.pause)
        if self.server.hangs_up:
            self.connection.close()
            return
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
