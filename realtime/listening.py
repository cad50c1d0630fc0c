"""Receiving hints in the event loop, for as long as the channel layer lives and again when it comes back."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer

from realtime.hints import GROUP

log = structlog.get_logger(__name__)

ANSWER_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 1.0


class Listener:
    """Hands every hint to `hinted`; calls `ready` each time it begins to hear, for what was said before."""

    def __init__(self, hinted: Callable[[dict[str, Any]], None], ready: Callable[[], None]) -> None:
        self._hinted = hinted
        self._ready = ready
        self._failing = False
        self._task = asyncio.create_task(self._listen(fresh=False))

    def begin_anew(self) -> None:
        """Subscribe again: the layer may be deaf without knowing it (FLUSHALL, a connection that died silently)."""
        self._task.cancel()
        self._task = asyncio.create_task(self._listen(fresh=True))

    def stop(self) -> None:
        """Listen no more."""
        self._task.cancel()

    async def _listen(self, *, fresh: bool) -> None:
        while True:
            try:
                await self._hear(fresh=fresh)
            except Exception as error:  # the layer is only a hint; the poll delivers without it
                if not self._failing:
                    log.warning("listener.failing", error=type(error).__name__)
                self._failing = fresh = True
                await asyncio.sleep(RETRY_SECONDS)

    async def _hear(self, *, fresh: bool) -> None:
        layer = get_channel_layer()
        if layer is None:
            raise LookupError("no channel layer is configured")
        async with asyncio.timeout(ANSWER_SECONDS):
            if fresh and isinstance(layer, RedisPubSubChannelLayer):
                # Closes this loop's own connections and nothing else; on the core layer it would delete keys.
                await layer.flush()
            channel = await layer.new_channel()
            await layer.group_add(GROUP, channel)
        if self._failing:
            log.info("listener.working_again")
        self._failing = False
        self._ready()
        while True:
            self._hinted(await layer.receive(channel))
