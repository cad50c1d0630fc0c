"""Everybody gets every event once and in order, whatever happens to the parts (I7), and is let go in time (I15)."""

import random
import threading
import time
from collections.abc import Callable

import pytest
from channels.layers import channel_layers
from django.conf import settings
from django.db import OperationalError, connection
from websockets.exceptions import ConnectionClosed, InvalidMessage

from appointments.events import EventFact, EventType
from appointments.services import suspension
from core.accounts.models import User
from core.outbox.models import Lane, OutboxEntry
from core.outbox.writing import Effect, write_many
from realtime import hints, pump
from realtime.models import Inbox, Notification
from tests.realtime.conftest import Valkey, now, token_of, until
from tests.realtime.proxy import Proxy
from tests.realtime.sockets import Client
from tests.support.cast import Cast, drain_outbox, offer


def happen(people: list[User], count: int = 1) -> None:
    """Let so many events happen to these people, each in a stream of its own, and deliver them."""
    ids = [person.pk for person in people]
    facts = [
        EventFact(
            type=EventType.UPDATED, appointment=None, version=None, operators=None, people=ids, data={"n": number}
        )
        for number in range(count)
    ]
    write_many(
        [Effect(Lane.REALTIME, fact["type"], fact, f"test:{random.random()}") for fact in facts],
        now=now(),
    )
    drain_outbox()


def in_background(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_client_that_is_cut_again_and_again_gets_every_event_once_and_in_order(server: str, cast: Cast) -> None:
    total, got = 300, []
    token = token_of(cast.olive)
    chance = random.Random(7)
    with Proxy(int(server.rpartition(":")[2])) as proxy:

        def events() -> None:
            for _ in range(total // 3):
                happen([cast.olive], 3)

        def cuts() -> None:
            while len(got) < total:
                time.sleep(chance.uniform(0.05, 0.4))
                proxy.cut()

        writer, cutter = in_background(events), threading.Thread(target=cuts, daemon=True)
        cutter.start()
        end = time.monotonic() + 60
        while len(got) < total and time.monotonic() < end:
            try:
                with Client.open(f"127.0.0.1:{proxy.port}", token, path=f"/ws/events/?after={len(got)}") as client:
                    client.read()
                    while len(got) < total:
                        got.append(client.read(20)["seq"])
            except (ConnectionClosed, InvalidMessage, OSError):  # InvalidMessage: cut in the handshake
                continue
        writer.join()
    assert got == list(range(1, total + 1))


def test_many_sockets_of_many_people_under_load_get_everything_in_order(server: str, cast: Cast) -> None:
    people = [cast.olive, cast.otto, cast.theo, cast.tara, cast.pia]
    clients = [Client.of(server, person) for person in people * 4]
    writers = [in_background(lambda: [happen(people, 2) for _ in range(10)] and None) for _ in range(2)]
    for client in clients:
        assert [seq for seq, _ in client.events(40, 20)] == list(range(1, 41))
        client.raw.close()
    for writer in writers:
        writer.join()


def test_sockets_that_open_and_resume_while_events_happen_miss_nothing(server: str, cast: Cast) -> None:
    """A fetch for one socket of a person is under way while another joins with an older number."""
    happen([cast.olive], 50)
    writer = in_background(lambda: [happen([cast.olive]) for _ in range(100)] and None)
    for after in range(20):
        with Client.of(server, cast.olive, path=f"/ws/events/?after={after}") as client:
            seqs = [seq for seq, _ in client.events(60, 20)]
            assert seqs == list(range(after + 1, after + 61))
            client.say(type="resume", after=after)
            # What was on its way still comes, then it begins again after that number, without a gap.
            while (seq := client.read()["seq"]) != after + 1:
                assert seq > after + 60
            assert [seq for seq, _ in client.events(30, 20)] == list(range(after + 2, after + 32))
    writer.join()


def test_without_the_layer_events_come_by_the_poll(
    server: str, cast: Cast, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "POLL_SECONDS", 1.0)
    with Client.of(server, cast.olive) as client:
        valkey.kill()
        happen([cast.olive], 3)
        begin = time.monotonic()
        assert [seq for seq, _ in client.events(3)] == [1, 2, 3]
        assert time.monotonic() - begin < 3


def test_a_socket_can_be_opened_without_the_layer(server: str, cast: Cast, valkey: Valkey) -> None:
    valkey.kill()
    happen([cast.olive], 3)
    with Client.of(server, cast.olive, path="/ws/events/?after=1") as client:
        assert [seq for seq, _ in client.events(2)] == [2, 3]


def heard_at_once(client: Client, person: User) -> bool:
    """Tell whether an event comes by a hint, well before the next poll."""
    begin = time.monotonic()
    happen([person])
    client.read()
    return time.monotonic() - begin < 0.5


@pytest.mark.parametrize("fault", ["flushall", "kill connections", "restart"])
def test_hints_are_heard_again_after_a_fault(server: str, cast: Cast, valkey: Valkey, fault: str) -> None:
    with Client.of(server, cast.olive) as client:
        until(lambda: heard_at_once(client, cast.olive))
        if fault == "flushall":
            valkey.client.flushall()
        elif fault == "kill connections":
            valkey.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        else:
            valkey.kill()
            valkey.start()
        until(lambda: heard_at_once(client, cast.olive), 15)


def test_a_listener_that_went_deaf_begins_anew(
    cast: Cast, valkey: Valkey, monkeypatch: pytest.MonkeyPatch, transactional_db: None, request: pytest.FixtureRequest
) -> None:
    """The connection to the layer is there and brings nothing: only the poll can notice."""
    monkeypatch.setattr(pump, "POLL_SECONDS", 1.5)
    with Proxy(valkey.port) as proxy:
        layers = settings.CHANNEL_LAYERS
        hosts = [{**layers["default"]["CONFIG"]["hosts"][0], "address": f"redis://127.0.0.1:{proxy.port}/0"}]
        deaf = {"default": {**layers["default"], "CONFIG": {"hosts": hosts, "prefix": "test"}}}
        monkeypatch.setattr(settings, "CHANNEL_LAYERS", deaf)
        channel_layers["default"]
        monkeypatch.setattr(settings, "CHANNEL_LAYERS", layers)  # who publishes is not behind the proxy
        with Client.of(request.getfixturevalue("server"), cast.olive) as client:
            until(lambda: heard_at_once(client, cast.olive))
            proxy.swallow()
            assert not heard_at_once(client, cast.olive)
            proxy._pairs.clear()  # what is open stays silent for ever, what comes now passes
            proxy.let_pass()
            until(lambda: heard_at_once(client, cast.olive), 15)


def test_the_core_layer_works_too_and_is_heard_again_after_a_flush(
    valkey: Valkey,
    cast: Cast,
    transactional_db: None,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """FLUSHALL takes its groups away, and it never notices (channels_redis#422)."""
    monkeypatch.setattr(pump, "POLL_SECONDS", 1.0)
    core = {**settings.CHANNEL_LAYERS["default"], "BACKEND": "channels_redis.core.RedisChannelLayer"}
    monkeypatch.setattr(settings, "CHANNEL_LAYERS", {"default": core})
    with Client.of(request.getfixturevalue("server"), cast.olive) as client:
        until(lambda: heard_at_once(client, cast.olive))
        valkey.client.flushall()
        assert not heard_at_once(client, cast.olive)
        until(lambda: heard_at_once(client, cast.olive), 15)


def test_a_login_that_ended_without_a_hint_is_noticed(server: str, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "POLL_SECONDS", 0.5)
    monkeypatch.setattr(pump, "RECHECK_SECONDS", 1.0)
    with Client.of(server, cast.theo) as client, Client.of(server, cast.olive) as other:
        User.objects.filter(pk=cast.theo.pk).update(is_active=False)
        begin = time.monotonic()
        assert client.close_code() == 4401
        assert time.monotonic() - begin < 4
        other.say(type="ping")
        assert other.read()["type"] == "pong"


def test_what_was_written_is_sent_before_a_login_that_ended_is_let_go(
    server: str, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint to look at the login comes, the hint of the rows does not."""
    monkeypatch.setattr("realtime.fan_out.send_hint", lambda *_: None)
    with Client.of(server, cast.theo) as client:
        happen([cast.theo], 3)
        User.objects.filter(pk=cast.theo.pk).update(is_active=False)
        hints.send_hint({}, [cast.theo.pk])
        assert [seq for seq, _ in client.events(3, 2)] == [1, 2, 3]
        assert client.close_code() == 4401


def test_a_suspension_that_the_relay_has_not_told_yet_is_told_before_the_socket_closes(server: str, cast: Cast) -> None:
    with Client.of(server, cast.theo) as client:
        suspension.disable(cast.theo.pk, "by hand", cast.olive, now())
        hints.send_hint({}, [cast.theo.pk])
        time.sleep(1)
        drain_outbox()
        assert client.events(1) == [(1, EventType.THERAPIST_DISABLED)]
        assert client.close_code() == 4401


def test_a_suspension_that_no_relay_tells_still_closes_the_socket(
    server: str, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "LAST_EVENTS_SECONDS", 1.0)
    with Client.of(server, cast.theo) as client:
        suspension.disable(cast.theo.pk, "by hand", cast.olive, now())
        hints.send_hint({}, [cast.theo.pk])
        begin = time.monotonic()
        assert client.close_code() == 4401
        assert 0.9 < time.monotonic() - begin < 3


def test_a_login_that_ends_while_the_socket_opens_is_noticed_at_once(
    server: str, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint came before the socket was known: only the check after the registration can see it."""
    token = token_of(cast.theo)
    known = pump.Pump.register

    def revoked_a_moment_ago(self: pump.Pump, socket: pump.Socket) -> None:
        thread = in_background(lambda: User.objects.filter(pk=cast.theo.pk).update(is_active=False) and None)
        thread.join()
        known(self, socket)

    monkeypatch.setattr(pump.Pump, "register", revoked_a_moment_ago)
    begin = time.monotonic()
    with Client.open(server, token) as client:
        assert client.close_code() == 4401
    assert time.monotonic() - begin < 2


def test_a_failing_database_delays_and_loses_nothing(server: str, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter(range(3))
    rows = pump._rows

    def failing(heads: dict[int, int]) -> list[Notification]:
        if next(failures, None) is not None:
            raise OperationalError("the database is away")
        return rows(heads)

    with Client.of(server, cast.theo) as client:
        monkeypatch.setattr(pump, "_rows", failing)
        offer(cast)
        drain_outbox()
        assert client.events(1) == [(1, EventType.ASSIGNED)]


def test_a_client_that_takes_nothing_is_cut_off_and_holds_up_nobody(
    server: str, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.consumers.SEND_SECONDS", 1.0)
    filler = random.Random(1).randbytes(25_000).hex()  # does not compress into the buffers of the kernel
    rows = [
        Notification(
            recipient=person, seq=seq, type=EventType.UPDATED, outbox_id=seq, data={"filler": filler}, created_at=now()
        )
        for person in (cast.olive, cast.otto)
        for seq in range(1, 1_001)
    ]
    Notification.objects.bulk_create(rows, batch_size=50)
    Inbox.objects.bulk_create([Inbox(recipient=person, last_seq=1_000) for person in (cast.olive, cast.otto)])
    slow = Client.open(server, token_of(cast.olive), path="/ws/events/?after=0")
    with Client.of(server, cast.otto, path="/ws/events/?after=0") as quick:
        assert [seq for seq, _ in quick.events(1_000, 20)] == list(range(1, 1_001))
    time.sleep(2)
    assert 0 < slow.left() < 1_000


def test_the_outbox_is_empty_afterwards(cast: Cast) -> None:
    happen([cast.olive], 5)
    assert not OutboxEntry.objects.exists()
