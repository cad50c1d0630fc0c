"""The web process says that it lives, for as long as its event loop runs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from django.utils import timezone

from core.liveness.models import Part
from core.liveness.services import BEAT_EVERY, beat
from realtime.threads import in_database

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = BEAT_EVERY.total_seconds()
Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def beating(application: Any) -> Application:
    """Wrap an ASGI application: heartbeats from the server's start to its shutdown."""

    async def wrapped(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await application(scope, receive, send)

    return wrapped


async def _live(receive: Any, send: Any) -> None:
    await receive()
    heart = asyncio.create_task(_beat_on())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    heart.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def _beat_on() -> None:
    while True:
        try:
            await _beat()
        except Exception as error:  # a heart that stops for one failure would make the web look dead
            log.warning("heartbeat.failed", error=type(error).__name__)
        await asyncio.sleep(EVERY_SECONDS)


@in_database
def _beat() -> None:
    beat(Part.WEB, timezone.now())
