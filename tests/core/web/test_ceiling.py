import asyncio
import json
import time
from typing import Any

import pytest

from core.web.ceiling import Message, Receive, Send, answer_in_time

pytestmark = pytest.mark.once


async def ask(application: Any, *, path: str = "/api/x/", parts: int = 1, pause: float = 0) -> list[Message]:
    """What a server would send for a request whose body comes in `parts`, with a pause before each."""
    sent: list[Message] = []
    left = [{"type": "http.request", "body": b"", "more_body": part < parts - 1} for part in range(parts)]

    async def receive() -> Message:
        if not left:
            await asyncio.sleep(60)
        await asyncio.sleep(pause)
        return left.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await answer_in_time(application, seconds=0.2)({"type": "http", "path": path}, receive, send)
    return sent


def app(seconds: float, *, begin_at_once: bool = False) -> Any:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        if begin_at_once:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(seconds)
        if not begin_at_once:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    return application


async def test_an_answer_in_time_passes_unchanged() -> None:
    assert [message.get("status") for message in await ask(app(0))] == [200, None]


async def test_an_answer_that_is_late_is_503_in_the_format_and_in_time() -> None:
    begun = time.monotonic()
    start, body = await ask(app(60))
    assert time.monotonic() - begun < 1
    assert start["status"] == 503
    assert json.loads(body["body"])["errors"][0]["code"] == "unavailable"


async def test_what_comes_after_giving_up_is_not_sent() -> None:
    sent = await ask(app(0.3))
    await asyncio.sleep(0.3)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 503


async def test_a_long_download_that_has_begun_goes_on() -> None:
    assert (await ask(app(0.4, begin_at_once=True)))[-1]["body"] == b"done"


async def test_a_slow_upload_is_not_counted() -> None:
    assert (await ask(app(0), parts=3, pause=0.15))[0]["status"] == 200


async def test_the_admin_may_take_its_time() -> None:
    assert (await ask(app(0.4), path="/admin/"))[0]["status"] == 200
