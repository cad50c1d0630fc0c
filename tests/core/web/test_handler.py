import asyncio
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import AsyncToSync
from asgiref.testing import ApplicationCommunicator

from core.web.handler import Handler

HEADERS = [(b"host", b"127.0.0.1")]
SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/api/scheduling/therapists/",
    "query_string": b"",
    "headers": HEADERS,
}


def answer_of(scope: dict[str, Any]) -> int:
    """The status of the answer to a request without a body."""

    async def ask() -> int:
        asked = ApplicationCommunicator(Handler(), scope)
        await asked.send_input({"type": "http.request"})
        status: int = (await asked.receive_output(10))["status"]
        await asked.receive_output(10)
        await asked.wait()
        return status

    return asyncio.run(ask())


@pytest.mark.once
def test_a_request_does_not_go_to_and_fro_between_the_event_loop_and_a_thread() -> None:
    with patch.object(AsyncToSync, "__call__", side_effect=AssertionError("back to the event loop")):
        assert answer_of(SCOPE) == 401
