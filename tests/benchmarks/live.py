"""P10 and P11: from a commit to the sockets of those whom it concerns, beside what Redis alone takes for as many."""

import asyncio
import os
import random
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from knox.models import AuthToken
from redis import Redis

from appointments.events import EventFact, EventType
from core.accounts.models import Institution, Role, User
from core.outbox.models import Lane
from core.outbox.writing import write
from realtime import hints
from realtime.models import Inbox, Notification
from tests.benchmarks.measuring import Figure, Row, percentile
from tests.benchmarks.workers import command_of, process, redis_of_broker, web

PER_SECOND = 20
OPENED_AT_ONCE = 50
PATIENCE = 20.0
# What a hint holds, more or less.
MESSAGE = "x" * 200
EVENT = f'"{EventType.UPDATED.value}"'.encode()
# Tells one or all of those who listen; returns the moment at which it began to.
Tell = Callable[[int], float]


class Line(asyncio.Protocol):
    """One connection of somebody who listens; `heard` are the moments at which `news` came."""

    def __init__(self, hello: bytes, welcome: bytes, news: bytes) -> None:
        self._hello, self._welcome, self._news = hello, welcome, news
        self.heard: list[float] = []
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        transport.write(self._hello)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if not self.ready.done() and self._welcome in data:
            self.ready.set_result(None)
        self.heard += [now] * data.count(self._news)


def each(quick: bool) -> list[Figure]:
    """P10: every event for one person of many, all with a socket open."""
    number = 40 if quick else 200
    figures = []
    for sockets in (50, 100) if quick else (200, 1_000):
        with _site(Role.THERAPIST, sockets) as (port, people, hellos):
            ways = [lambda place, to=people: _commit(to[place]), lambda place, to=people: _hint([to[place]])]
            told, hinted = _one_by_one(port, hellos, ways, number)
        redis = redis_of_broker()
        publish = [lambda place, redis=redis: _publish(redis, f"bench-{place}")]
        raw = _one_by_one(_port_of(redis), _subscriptions(sockets), publish, number)[0]
        figures += [
            Figure(f"p50 in ms from commit to socket, of {sockets:,}", _ms(told, 50), 30, _shown(told), False),
            Figure(f"p99 in ms from commit to socket, of {sockets:,}", _ms(told, 99), 150, _shown(told), False),
            Figure(
                f"p50 of the fan-out against raw, of {sockets:,}",
                percentile(hinted, 50) / percentile(raw, 50),
                3,
                f"from the hint {_shown(hinted)}; Redis alone {_shown(raw)}",
                at_least=False,
            ),
        ]
    return figures


def everybody(quick: bool) -> list[Figure]:
    """P11: every event for all operators of an institution."""
    number, sockets = (5, 200) if quick else (20, 1_000)
    with _site(Role.OPERATOR, sockets) as (port, people, hellos):
        ways = [lambda _: _commit(None, people[0].institution_id), lambda _: _hint(people)]
        told, hinted = _all_at_once(port, hellos, ways, number)
    redis = redis_of_broker()
    raw = _all_at_once(_port_of(redis), _subscriptions(sockets, "all"), [lambda _: _publish(redis, "all")], number)[0]
    detail = f"{_shown(hinted)} from the hint to a socket; Redis alone {_shown(raw)}"
    return [
        Figure("p99 of the fan-out against raw", percentile(hinted, 99) / percentile(raw, 99), 8, detail, False),
        Figure("p99 from commit to socket against raw", percentile(told, 99) / percentile(raw, 99), None, _shown(told)),
    ]


@contextmanager
def _site(role: Role, number: int) -> Iterator[tuple[int, list[User], list[bytes]]]:
    """Web and relay, and so many people of one institution with what each says to open a socket."""
    Notification.objects.all().delete()
    institution = Institution.objects.create(name=f"Bench {role} {number}", timezone="Europe/Berlin")
    rows = (User(username=f"{role}-{number}-{one}", role=role, institution=institution) for one in range(number))
    people = User.objects.bulk_create(rows)
    with web() as port, process(command_of("relay", dict(os.environ)), dict(os.environ)):
        yield port, people, [_upgrade(AuthToken.objects.create(one)[1]) for one in people]


def _upgrade(token: str) -> bytes:
    key = b64encode(os.urandom(16)).decode()
    return (
        "GET /ws/events/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: events.v1, knox.{token}\r\n\r\n"
    ).encode()


def _subscriptions(number: int, channel: str = "") -> list[bytes]:
    names = (channel or f"bench-{one}" for one in range(number))
    return [f"*2\r\n$9\r\nSUBSCRIBE\r\n${len(name)}\r\n{name}\r\n".encode() for name in names]


def _port_of(redis: Redis) -> int:
    return int(redis.connection_pool.connection_kwargs["port"])


def _one_by_one(port: int, hellos: Sequence[bytes], ways: Sequence[Tell], number: int) -> list[list[float]]:
    """Seconds until each was heard, for each way of telling; somebody is told so often a second."""
    chance = random.Random(1)
    places = [chance.randrange(len(hellos)) for _ in range(number)]
    return asyncio.run(_measured(port, hellos, ways, places, PER_SECOND, together=False))


def _all_at_once(port: int, hellos: Sequence[bytes], ways: Sequence[Tell], number: int) -> list[list[float]]:
    """The same where everybody hears each, twice a second."""
    return asyncio.run(_measured(port, hellos, ways, range(number), 2, together=True))


async def _measured(
    port: int, hellos: Sequence[bytes], ways: Sequence[Tell], told: Sequence[int], per_second: float, *, together: bool
) -> list[list[float]]:
    lines = await _opened(port, hellos)
    found = []
    with ThreadPoolExecutor(1) as teller:
        for way in ways:
            for line in lines:
                line.heard.clear()
            sent = [(one, await _at_pace(teller, way, one, per_second)) for one in told]
            heard = [
                (line, [moment for one, moment in sent if together or one == place]) for place, line in enumerate(lines)
            ]
            end = time.monotonic() + PATIENCE
            while any(len(line.heard) < len(moments) for line, moments in heard):
                assert time.monotonic() < end, "somebody was not told"
                await asyncio.sleep(0.05)
            found.append([at - began for line, moments in heard for at, began in zip(line.heard, moments, strict=True)])
        teller.submit(connection.close)
    return found


async def _at_pace(teller: ThreadPoolExecutor, way: Tell, one: int, per_second: float) -> float:
    begun = time.monotonic()
    moment = await asyncio.get_running_loop().run_in_executor(teller, way, one)
    await asyncio.sleep(max(0.0, begun + 1 / per_second - time.monotonic()))
    return moment


async def _opened(port: int, hellos: Sequence[bytes]) -> list[Line]:
    socket = b"connected" if hellos[0].startswith(b"GET") else b"subscribe\r\n"
    news = EVENT if hellos[0].startswith(b"GET") else b"\r\nmessage\r\n"
    loop, lines = asyncio.get_running_loop(), []
    for begin in range(0, len(hellos), OPENED_AT_ONCE):
        opening = [
            loop.create_connection(lambda hello=hello: Line(hello, socket, news), "127.0.0.1", port)
            for hello in hellos[begin : begin + OPENED_AT_ONCE]
        ]
        opened = [line for _, line in await asyncio.gather(*opening)]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(line.ready for line in opened))
        lines += opened
    return lines


def _commit(person: User | None, operators: int | None = None) -> float:
    """Promise an event; the moment is that before the commit."""
    people = [person.pk] if person else []
    fact = EventFact(
        type=EventType.UPDATED, appointment=None, version=None, operators=operators, people=people, data={}
    )
    with transaction.atomic():
        write(Lane.REALTIME, EventType.UPDATED, fact, stream=f"bench:{people or operators}", now=timezone.now())
        return time.time()


def _hint(people: Sequence[User]) -> float:
    """What the relay does, up to its hint; the moment is that of the hint."""
    ids = [one.pk for one in people]
    now = timezone.now()
    with transaction.atomic():
        last = dict(Inbox.objects.select_for_update().filter(pk__in=ids).values_list("pk", "last_seq"))
        seqs = {pk: last.get(pk, 0) + 1 for pk in ids}
        Inbox.objects.bulk_create(
            (Inbox(recipient_id=pk, last_seq=seq) for pk, seq in seqs.items()),
            update_conflicts=True,
            unique_fields=["recipient"],
            update_fields=["last_seq"],
        )
        Notification.objects.bulk_create(
            Notification(recipient_id=pk, seq=seq, type=EventType.UPDATED, outbox_id=-seq, data={}, created_at=now)
            for pk, seq in seqs.items()
        )
    moment = time.time()
    hints.send_hint(seqs)
    return moment


def _publish(redis: Redis, channel: str) -> float:
    moment = time.time()
    redis.publish(channel, MESSAGE)
    return moment


def _ms(seconds: Sequence[float], part: float) -> float:
    return percentile(seconds, part) * 1_000


def _shown(seconds: Sequence[float]) -> str:
    return f"p50 {_ms(seconds, 50):.1f} ms, p99 {_ms(seconds, 99):.1f} ms"


EACH = Row("P10", "from a commit to the socket of one of many", each)
EVERYBODY = Row("P11", "one event to the sockets of 1,000 operators", everybody)
