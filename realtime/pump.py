"""One per web process: fetches news for all its sockets together, woken by hints and by a poll of its own.

A hint only says how far to look. What is sent comes from the rows, in the order of their numbers.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol
from weakref import WeakKeyDictionary

import structlog
from django.db import DatabaseError, connection
from django.utils import timezone

from appointments.events import user_stream
from core.accounts.models import Role, User
from core.outbox.models import Lane, OutboxEntry
from core.web.measures import NOTIFICATION_LAG, SOCKETS
from realtime.credentials import Credentials, still_valid
from realtime.inbox import newer_than
from realtime.listening import Listener
from realtime.models import Inbox, Notification
from realtime.rendering import as_message, sight, told_to, told_to_many
from realtime.threads import in_database

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 5.0
RECHECK_SECONDS: Final = 20.0
RETRY_SECONDS: Final = 1.0
# A login that has ended is let go after its last events; the relay may still have them, but not for ever.
LAST_EVENTS_SECONDS: Final = 5.0
LAST_EVENTS_POLL_SECONDS: Final = 0.2
# A socket that is further behind than this replays page by page, on its own.
PAGE: Final = 200
# One statement for everybody's own number: as conditions joined by OR it took 0.4 s for 1,000 people (measured).
NEWS: Final = """
    SELECT n.* FROM ({wanted}) AS w
    JOIN realtime_notification AS n ON n.recipient_id = w.recipient AND n.seq > w.head AND n.seq <= w.head + %s
    ORDER BY n.recipient_id, n.seq
"""
WANTED: Final = {
    "postgresql": "SELECT (value ->> 0)::bigint AS recipient, (value ->> 1)::bigint AS head"
    " FROM jsonb_array_elements(%s::jsonb)",
    "sqlite": "SELECT json_extract(value, '$[0]') AS recipient, json_extract(value, '$[1]') AS head FROM json_each(%s)",
}


class Frame(NamedTuple):
    """One message of the socket."""

    seq: int
    text: str


class Socket(Protocol):
    """What the pump knows of an open socket."""

    user: User
    credentials: Credentials

    def wake(self) -> None:
        """There is something to send after what was sent."""

    def dismiss(self) -> None:
        """Close once everything known has been sent: the login has ended."""


class Pump:
    """Keeps every registered socket up with its person's inbox; lives in one event loop."""

    def __init__(self) -> None:
        self._sockets: dict[int, set[Socket]] = defaultdict(set)
        # How far each person's inbox is known to reach, and the newest frames up to there.
        self._heads: dict[int, int] = {}
        self._recent: dict[int, list[Frame]] = {}
        # How far hints or the poll say that it reaches, where that is further; and what no hint has told yet.
        self._targets: dict[int, int] = {}
        self._unhinted: dict[int, int] = {}
        self._recheck: set[int] = set()
        self._patience: dict[int, float] = {}
        self._wake = asyncio.Event()
        self._next_poll = 0.0
        self._next_recheck = 0.0
        self._listener: Listener | None = None
        self._rounds: asyncio.Task[None] | None = None

    def register(self, socket: Socket) -> None:
        """Note the person's hints from now on; the login is checked again, in case it ended a moment ago."""
        if self._rounds is None:
            self._next_poll = self._next_recheck = time.monotonic()
            self._rounds = asyncio.create_task(self._run())
            self._listener = Listener(self._hinted, self._poll_soon)
        self._sockets[socket.user.pk].add(socket)
        SOCKETS.inc()
        self._recheck.add(socket.user.pk)
        self._wake.set()

    def unregister(self, socket: Socket) -> None:
        """Forget a socket; the last one stops the pump."""
        user_id = socket.user.pk
        if socket in self._sockets[user_id]:
            SOCKETS.dec()
        self._sockets[user_id].discard(socket)
        if not self._sockets[user_id]:
            for kept in (self._sockets, self._heads, self._recent, self._targets, self._unhinted, self._patience):
                kept.pop(user_id, None)
        if not self._sockets and self._rounds and self._listener:
            self._rounds.cancel()
            self._listener.stop()
            self._rounds = self._listener = None

    def knows(self, user_id: int, last_seq: int) -> None:
        """Take note that the person's inbox reaches this far; sockets fetch up to there by themselves."""
        if last_seq > self._heads.get(user_id, -1):
            self._heads[user_id] = last_seq
            self._recent.pop(user_id, None)
        self._wake.set()

    def head(self, user_id: int) -> int:
        """How far the person's inbox is known to reach."""
        return self._heads.get(user_id, 0)

    async def after(self, user: User, seq: int) -> list[Frame]:
        """The next frames after a number; none when the socket is up with all that is known."""
        if seq >= self._heads.get(user.pk, 0):
            return []
        recent = self._recent.get(user.pk)
        if recent and recent[0].seq <= seq + 1:
            return [frame for frame in recent if frame.seq > seq]
        return await replay(user, seq, timezone.now())

    def _hinted(self, message: dict[str, Any]) -> None:
        for user_id, seq in message["seqs"]:
            if user_id in self._sockets:
                self._targets[user_id] = max(seq, self._targets.get(user_id, 0))
            if seq >= self._unhinted.get(user_id, seq + 1):
                del self._unhinted[user_id]
        self._recheck.update(user_id for user_id in message["recheck"] if user_id in self._sockets)
        if self._targets or self._recheck:
            self._wake.set()

    def _poll_soon(self) -> None:
        self._next_poll = time.monotonic()
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(max(0.0, self._next_poll - time.monotonic())):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self._round()
            except DatabaseError as error:
                log.warning("pump.database_failed", error=type(error).__name__)
                await self._try_again()
            except Exception:  # one bad round must not leave every socket of the process behind
                log.exception("pump.round_failed")
                await self._try_again()

    async def _try_again(self) -> None:
        await asyncio.sleep(RETRY_SECONDS)
        self._poll_soon()

    async def _round(self) -> None:
        """Fetch and hand out what is new, then dismiss whose login has ended: their last events go out first."""
        if time.monotonic() >= self._next_poll:
            await self._poll()
        await self._fetch()
        await self._check_logins()

    async def _poll(self) -> None:
        """Find what no hint has told; where none does until the next poll, the listener is deaf and begins anew."""
        self._next_poll = time.monotonic() + POLL_SECONDS
        if self._unhinted and self._listener:
            self._listener.begin_anew()
        self._unhinted = {}
        for user_id, last in (await last_seqs(list(self._heads))).items():
            if last > max(self._heads.get(user_id, last), self._targets.get(user_id, 0)):
                self._targets[user_id] = self._unhinted[user_id] = last

    async def _fetch(self) -> None:
        """Fetch for all who are a little behind together; who is far behind replays by themselves."""
        for user_id in [user_id for user_id, seq in self._targets.items() if seq <= self._heads.get(user_id, 0)]:
            del self._targets[user_id]
        targets = {user_id: seq for user_id, seq in self._targets.items() if user_id in self._heads}
        heads = {user_id: self._heads[user_id] for user_id in targets}
        near = {user_id: head for user_id, head in heads.items() if targets[user_id] - head <= PAGE}
        users = {user_id: next(iter(self._sockets[user_id])).user for user_id in near}
        fetched = await news(near, users, timezone.now()) if near else {}
        for user_id, seq in targets.items():
            # Otherwise a socket that was opened meanwhile knows more, or the last one has gone.
            if self._heads.get(user_id) == heads[user_id]:
                frames = fetched.get(user_id, [])
                self._heads[user_id] = max(seq, frames[-1].seq if frames else 0)
                self._recent[user_id] = frames
            for socket in self._sockets.get(user_id, ()):
                socket.wake()

    async def _check_logins(self) -> None:
        asked, self._recheck = self._recheck, set()
        if time.monotonic() >= self._next_recheck:
            self._next_recheck = time.monotonic() + RECHECK_SECONDS
            asked = set(self._sockets)
        sockets = [socket for user_id in asked for socket in self._sockets.get(user_id, ())]
        if not sockets:
            return
        try:
            logins = await look_at_logins({socket.credentials for socket in sockets}, timezone.now())
        except Exception:
            self._recheck |= asked
            raise
        for socket in sockets:
            user_id = socket.user.pk
            if socket.credentials in logins.valid or socket not in self._sockets.get(user_id, ()):
                continue
            if user_id in logins.awaited and self._has_patience(user_id):
                self._recheck.add(user_id)
                continue
            self.knows(user_id, logins.last_seqs.get(user_id, 0))
            socket.dismiss()

    def _has_patience(self, user_id: int) -> bool:
        """Tell whether to wait a little longer for the person's last events; the next round is on its way then."""
        end = self._patience.setdefault(user_id, time.monotonic() + LAST_EVENTS_SECONDS)
        if time.monotonic() >= end:
            return False
        asyncio.get_running_loop().call_later(LAST_EVENTS_POLL_SECONDS, self._wake.set)
        return True


class Logins(NamedTuple):
    """Which logins last; of the others how far the inbox reaches, and for whom the outbox still holds events."""

    valid: set[Credentials]
    last_seqs: dict[int, int]
    awaited: set[int]


@in_database
def look_at_logins(held: set[Credentials], now: datetime) -> Logins:
    """Find out which logins have ended."""
    valid = still_valid(held, now)
    ended = {one.user_id for one in held - valid}
    streams = {user_stream(user_id): user_id for user_id in ended}
    # Looked at before the counters: what leaves the outbox meanwhile is counted.
    waiting = OutboxEntry.objects.filter(lane=Lane.REALTIME, stream__in=streams).values_list("stream", flat=True)
    awaited = {streams[stream] for stream in waiting} if streams else set()
    return Logins(valid, _last_seqs(ended) if ended else {}, awaited)


def _last_seqs(user_ids: Iterable[int]) -> dict[int, int]:
    """How far the inboxes reach."""
    return dict(Inbox.objects.filter(pk__in=list(user_ids)).values_list("pk", "last_seq"))


last_seqs = in_database(_last_seqs)


@in_database
def replay(user: User, seq: int, now: datetime) -> list[Frame]:
    """One person's next page after a number."""
    rows = list(newer_than(user.pk, seq, PAGE))
    told = told_to(_fresh({user.pk: user})[user.pk], rows, now)
    return [Frame(row.seq, as_message(one, row.seq, now)) for row, one in zip(rows, told, strict=True)]


@in_database
def news(heads: Mapping[int, int], users: Mapping[int, User], now: datetime) -> dict[int, list[Frame]]:
    """What came after each person's number: one query for the rows of all, one rendering for all who see alike."""
    rows = _rows(heads)
    readers = _fresh(users)
    told = told_to_many(readers, rows, now)
    frames: dict[int, list[Frame]] = defaultdict(list)
    for row in rows:
        one = told[sight(readers[row.recipient_id]), row.outbox_id]
        frames[row.recipient_id].append(Frame(row.seq, as_message(one, row.seq, now)))
        NOTIFICATION_LAG.observe((now - row.created_at).total_seconds())
    return frames


def _fresh(users: Mapping[int, User]) -> dict[int, User]:
    """The readers; therapists as the database knows them now, because what they could take depends on it."""
    therapists = [user_id for user_id, user in users.items() if user.role == Role.THERAPIST]
    return {**users, **User.objects.in_bulk(therapists)} if therapists else dict(users)


def _rows(heads: Mapping[int, int]) -> list[Notification]:
    """The rows after each person's number, a page of each at most, in order."""
    wanted = json.dumps(list(heads.items()))
    return list(Notification.objects.raw(NEWS.format(wanted=WANTED[connection.vendor]), [wanted, PAGE]))


_pumps: WeakKeyDictionary[asyncio.AbstractEventLoop, Pump] = WeakKeyDictionary()


def pump() -> Pump:
    """The pump of the running event loop."""
    return _pumps.setdefault(asyncio.get_running_loop(), Pump())
