"""No answer takes longer than a client waits, whatever stands still behind it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from core.web.errors import Unavailable, error_body

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]

CEILING_SECONDS: Final = 4.7
# Django admin may take its time.
UNBOUNDED: Final = "/admin/"
# The event loop holds tasks weakly.
_abandoned: set[asyncio.Future[None]] = set()


def answer_in_time(application: Application, seconds: float = CEILING_SECONDS) -> Application:
    """Answer 503 `seconds` after an HTTP request was read, if `application` has not begun to answer by then.

    A thread that waits for a database cannot be stopped, so the work goes on and may still be committed.
    """

    async def bounded(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(UNBOUNDED):
            await application(scope, receive, send)
            return
        answer = Answer(send)
        request = Request(receive)
        task = asyncio.ensure_future(application(scope, request.receive, answer.send))
        reading = asyncio.ensure_future(request.read.wait())
        try:
            await asyncio.wait({task, reading}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({task}, timeout=seconds)
        finally:
            reading.cancel()
        if task.done() or answer.begun:
            await task
            return
        _abandoned.add(task)
        task.add_done_callback(_forget)
        await answer.give_up()

    return bounded


def _forget(task: "asyncio.Future[None]") -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # nobody waits for it any more


class Request:
    """Notices when the request has been read whole: a slow upload is not our slowness."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.read = asyncio.Event()

    async def receive(self) -> Message:
        message = await self._receive()
        if not message.get("more_body"):
            self.read.set()
        return message


class Answer:
    """Lets one answer out: the application's, or the one that gave up waiting for it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False
        self._given_up = False

    async def send(self, message: Message) -> None:
        if not self._given_up:
            self.begun = True
            await self._send(message)

    async def give_up(self) -> None:
        self._given_up = True
        body = json.dumps(error_body(503, "unavailable", Unavailable.default_detail)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": 503, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
