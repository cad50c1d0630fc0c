"""The WebSocket: a plain ASGI application, a reader and a writer for each socket."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qs

import structlog
from django.db import DatabaseError
from django.utils import timezone

from appointments.api.rendering import instant
from core.accounts.api.serializers import MeSerializer
from core.accounts.models import User
from realtime import credentials, inbox
from realtime.credentials import PROTOCOL, Credentials, Scope
from realtime.inbox import Bounds
from realtime.pump import pump
from realtime.threads import in_database

log = structlog.get_logger(__name__)

UNAUTHENTICATED: Final = 4401
UNKNOWN_PATH: Final = 4404
TOO_MUCH: Final = 4429
TRY_AGAIN_LATER: Final = 1013
LARGEST_MESSAGE: Final = 16 * 1024
MESSAGES_PER_SECOND: Final = 10
# A client that takes nothing for so long is cut off; it resumes by `after`.
SEND_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 1.0
KEEP_ALIVE_SECONDS: Final = 60.0
LARGEST_SEQ: Final = 2**53

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

authenticate = in_database(credentials.authenticate)
keep_alive = in_database(credentials.keep_alive)
mark_delivered = in_database(inbox.mark_delivered)


async def events(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve `/ws/events/`: authenticate, replay from `after`, then live until one side closes."""
    if (await receive())["type"] != "websocket.connect":
        return
    offered = PROTOCOL if PROTOCOL in scope.get("subprotocols", ()) else None
    # Accepted first: a close before it reaches browsers as 1006, without its reason.
    await send({"type": "websocket.accept", "subprotocol": offered})
    try:
        found = await authenticate(scope, timezone.now())
    except DatabaseError:
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
        return
    if found is None:
        await send({"type": "websocket.close", "code": UNAUTHENTICATED})
        return
    await EventSocket(*found, after=_after(scope), send=send).run(receive)


def _after(scope: Scope) -> int | None:
    given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("after", [""])[0]
    return min(int(given[:20]), LARGEST_SEQ) if given.isascii() and given.isdecimal() else None


class EventSocket:
    """One open socket. The writer fetches what comes after the last number it sent, at the client's own pace."""

    def __init__(self, user: User, credentials: Credentials, *, after: int | None, send: Send) -> None:
        self.user = user
        self.credentials = credentials
        self._after, self._send = after, send
        self._sent = 0
        self._resume: int | None = None
        self._news = asyncio.Event()
        self._dismissed = False
        self._received: deque[float] = deque(maxlen=MESSAGES_PER_SECOND)
        self._kept_alive = time.monotonic()

    def wake(self) -> None:
        """There is something to send after what was sent."""
        self._news.set()

    def dismiss(self) -> None:
        """Close once everything known has been sent: the login has ended."""
        self._dismissed = True
        self._news.set()

    async def run(self, receive: Receive) -> None:
        """Serve until the client leaves or the socket is closed."""
        # Registered before the inbox is looked at: what is told in between is heard.
        pump().register(self)
        tasks: list[asyncio.Task[int | None]] = []
        try:
            if await self._greet():
                tasks = [asyncio.create_task(self._read(receive)), asyncio.create_task(self._write())]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pump().unregister(self)
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        await self._close(ended)

    async def _greet(self) -> bool:
        try:
            known, me = await _known(self.user)
        except DatabaseError:
            await self._send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
            return False
        self._sent = known.last_seq if self._after is None else min(self._after, known.last_seq)
        pump().knows(self.user.pk, known.last_seq)
        await self._tell({"type": "connected", **_now(), **known._asdict(), "user": me})
        self._news.set()
        return True

    async def _close(self, ended: list[int | BaseException | None]) -> None:
        """Close with the code of whichever task ended by itself; none where the client has left."""
        for outcome in ended:
            if isinstance(outcome, Exception) and not isinstance(outcome, OSError):  # OSError: the client is gone
                log.error("socket.failed", user=self.user.pk, exc_info=outcome)
        codes = [outcome for outcome in ended if isinstance(outcome, int)]
        if codes:
            with suppress(OSError):
                async with asyncio.timeout(SEND_SECONDS):
                    await self._send({"type": "websocket.close", "code": codes[0]})

    async def _write(self) -> int:
        while True:
            await self._news.wait()
            self._news.clear()
            dismissed = self._dismissed
            try:
                await self._flush()
            except DatabaseError:
                await asyncio.sleep(RETRY_SECONDS)
                self._news.set()
                continue
            if dismissed:
                return UNAUTHENTICATED

    async def _flush(self) -> None:
        """Send everything that is known after the last number sent."""
        while True:
            if self._resume is not None:
                self._sent, self._resume = self._resume, None
            frames = await pump().after(self.user, self._sent)
            if not frames:
                return
            for frame in frames:
                if self._resume is not None:
                    break
                await self._say(frame.text)
                self._sent = frame.seq

    async def _say(self, text: str) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self._send({"type": "websocket.send", "text": text})

    async def _tell(self, message: dict[str, Any]) -> None:
        await self._say(json.dumps(message))

    async def _read(self, receive: Receive) -> int | None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return None
            raw = message.get("text") or message.get("bytes") or ""
            if self._too_much(raw):
                return TOO_MUCH
            await self._answer(raw)

    def _too_much(self, raw: str | bytes) -> bool:
        now = time.monotonic()
        too_fast = len(self._received) == MESSAGES_PER_SECOND and now - self._received[0] < 1
        self._received.append(now)
        size = len(raw.encode()) if isinstance(raw, str) else len(raw)
        return too_fast or size > LARGEST_MESSAGE

    async def _answer(self, raw: str | bytes) -> None:
        try:
            asked = json.loads(raw)
            kind = asked["type"]
            if kind == "ping":
                await self._pong(asked.get("t"))
            elif kind == "ack":
                await mark_delivered(self.user.pk, min(_seq(asked["seq"]), self._sent), timezone.now())
            elif kind == "resume":
                self._resume = min(_seq(asked["after"]), pump().head(self.user.pk))
                self._news.set()
            else:
                await self._refuse("unknown_type")
        except (ValueError, KeyError, TypeError, RecursionError):
            await self._refuse("invalid")
        except DatabaseError:
            await self._refuse("unavailable")

    async def _refuse(self, code: str) -> None:
        await self._tell({"type": "error", "code": code})

    async def _pong(self, t: Any) -> None:
        await self._tell({"type": "pong", "t": t, **_now()})
        if time.monotonic() - self._kept_alive >= KEEP_ALIVE_SECONDS:
            self._kept_alive = time.monotonic()
            await keep_alive(self.credentials, timezone.now())


@in_database
def _known(user: User) -> tuple[Bounds, dict[str, Any]]:
    return inbox.bounds(user.pk), dict(MeSerializer(user).data)


def _now() -> dict[str, str | None]:
    return {"server_time": instant(timezone.now())}


def _seq(value: Any) -> int:
    """A number of an event. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_SEQ:
        raise ValueError(value)
    return value


async def unknown_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a WebSocket to a path that does not exist."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": UNKNOWN_PATH})
