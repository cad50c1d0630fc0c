"""The hint that there is something new: ids only, lost without harm, and never in the way of who gives it.

A thread of its own publishes, because the channel layer may stall for as long as Redis does. What could not be
published is merged with what comes later and sent when the layer answers again.
"""

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import structlog
from channels.layers import ChannelLayerManager

log = structlog.get_logger(__name__)

GROUP: Final = "inbox"
TYPE: Final = "inbox.hint"
USERS_PER_MESSAGE: Final = 2_000
PUBLISH_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 1.0


def send_hint(last_seqs: Mapping[int, int], recheck: Iterable[int] = ()) -> None:
    """Tell every web process, from any thread and at no cost to it, how far inboxes reach.

    `recheck` are users whose sockets have to show again that they may stay open.
    """
    _hinter.hint(last_seqs, recheck)


class Hinter:
    """Publishes merged hints from a daemon thread that starts with the first hint of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending = threading.Event()
        self._seqs: dict[int, int] = {}
        self._recheck: set[int] = set()
        self._thread: threading.Thread | None = None

    def hint(self, last_seqs: Mapping[int, int], recheck: Iterable[int]) -> None:
        with self._lock:
            for user_id, seq in last_seqs.items():
                self._seqs[user_id] = max(seq, self._seqs.get(user_id, 0))
            self._recheck.update(recheck)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="hinter", daemon=True)
                self._thread.start()
        self._pending.set()

    def _run(self) -> None:
        layer = ChannelLayerManager().make_backend("default")
        failing = False
        with asyncio.Runner() as runner:
            while True:
                self._pending.wait()
                self._pending.clear()
                seqs, recheck = self._take()
                try:
                    runner.run(_publish(layer, seqs, recheck))
                except Exception as error:  # whatever the layer raises, correctness comes from the rows
                    if not failing:
                        log.warning("hints.failing", error=type(error).__name__)
                    failing = True
                    self.hint(seqs, recheck)
                    time.sleep(PAUSE_SECONDS)
                else:
                    if failing:
                        log.info("hints.working_again")
                    failing = False

    def _take(self) -> tuple[dict[int, int], set[int]]:
        with self._lock:
            taken = self._seqs, self._recheck
            self._seqs, self._recheck = {}, set()
        return taken


async def _publish(layer: Any, seqs: Mapping[int, int], recheck: set[int]) -> None:
    for message in messages(seqs, recheck):
        async with asyncio.timeout(PUBLISH_SECONDS):
            await layer.group_send(GROUP, message)


def messages(seqs: Mapping[int, int], recheck: Iterable[int]) -> Iterator[dict[str, Any]]:
    """The hint in messages of a bounded size."""
    pairs = sorted(seqs.items())
    for begin in range(0, max(1, len(pairs)), USERS_PER_MESSAGE):
        yield {
            "type": TYPE,
            "seqs": [list(pair) for pair in pairs[begin : begin + USERS_PER_MESSAGE]],
            "recheck": sorted(recheck) if begin == 0 else [],
        }


_hinter = Hinter()
