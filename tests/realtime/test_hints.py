"""Hints: ids only, never in the way, and sent once the layer answers again."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from core.outbox.models import OutboxEntry
from realtime import hints
from realtime.hints import messages
from tests.realtime.conftest import Valkey, until
from tests.support.cast import Cast, drain_outbox, offer

CHANNEL = "test__group__inbox"


@pytest.fixture
def heard(valkey: Valkey) -> Iterator[list[bytes]]:
    """What is published on the layer, as bytes."""
    found: list[bytes] = []
    ear = Redis(port=valkey.port).pubsub()
    ear.subscribe(CHANNEL)
    ear.get_message(timeout=5)
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            message = ear.get_message(timeout=0.05, ignore_subscribe_messages=True)
            if message:
                found.append(message["data"])

    thread = threading.Thread(target=listen)
    thread.start()
    yield found
    stop.set()
    thread.join()


def test_a_hint_is_published_after_the_commit(transactional_db: None, heard: list[bytes], cast: Cast) -> None:
    offer(cast)
    drain_outbox()
    until(lambda: bool(heard))


def test_no_hint_carries_anything_personal(transactional_db: None, heard: list[bytes], cast: Cast) -> None:
    cast.pia.first_name, cast.pia.phone = "Canaryname", "Canaryphone"
    cast.pia.save()
    offer(cast)
    drain_outbox()
    until(lambda: bool(heard))
    everything = b" ".join(heard)
    assert b"anary" not in everything
    assert b"olive" not in everything.lower()


def test_a_dead_layer_neither_raises_nor_holds_up_the_fan_out(
    transactional_db: None, valkey: Valkey, cast: Cast
) -> None:
    valkey.kill()
    offer(cast)
    begin = time.monotonic()
    drain_outbox()
    assert time.monotonic() - begin < 1
    assert not OutboxEntry.objects.filter(lane="realtime").exists()


def test_a_stalled_layer_does_not_hold_up_the_fan_out(
    transactional_db: None, valkey: Valkey, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as silent:  # takes connections and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        host = {"address": f"redis://127.0.0.1:{silent.getsockname()[1]}/0", "socket_timeout": None}
        config = {"hosts": [host], "prefix": "test"}
        layers = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": config}}
        monkeypatch.setattr("django.conf.settings.CHANNEL_LAYERS", layers)
        begin = time.monotonic()
        for hours in (24, 48, 72):
            offer(cast, hours=hours)
            drain_outbox()
        assert time.monotonic() - begin < 2


def test_what_could_not_be_said_is_said_when_the_layer_is_back(valkey: Valkey) -> None:
    valkey.kill()
    hints.send_hint({1: 5}, [7])
    hints.send_hint({1: 6, 2: 1})
    time.sleep(0.3)
    valkey.start()
    ear = Redis(port=valkey.port).pubsub()
    ear.subscribe(CHANNEL)
    said: list[bytes] = []

    def hears() -> bool:
        message = ear.get_message(timeout=0.1, ignore_subscribe_messages=True)
        if message:
            said.append(message["data"])
        return bool(said)

    until(hears)
    assert b"recheck" in said[0]


def test_the_greatest_number_wins() -> None:
    hinter = hints.Hinter()
    hinter._thread = threading.current_thread()  # takes the place of the publisher: nothing is taken away
    hinter.hint({1: 5}, [3])
    hinter.hint({1: 4, 2: 9}, [])
    assert hinter._take() == ({1: 5, 2: 9}, {3})
    assert hinter._take() == ({}, set())


def test_a_hint_to_very_many_comes_in_pieces_and_rechecks_once() -> None:
    pieces = list(messages(dict.fromkeys(range(4_500), 1), {7}))
    assert [len(piece["seqs"]) for piece in pieces] == [2_000, 2_000, 500]
    assert [piece["recheck"] for piece in pieces] == [[7], [], []]


def test_a_recheck_alone_is_said_too() -> None:
    assert list(messages({}, {7})) == [{"type": "inbox.hint", "seqs": [], "recheck": [7]}]
