"""The AsyncAPI document of the WebSocket, made from the code."""

from collections.abc import Iterable
from typing import Any, Final

from django.http import HttpRequest, JsonResponse

from appointments.events import EventType
from realtime.consumers import LARGEST_MESSAGE, MESSAGES_PER_SECOND, TOO_MUCH, UNAUTHENTICATED
from realtime.credentials import PROTOCOL

ADDRESSES: Final = {"events": "/ws/events/", "appointments": "/ws/scheduling/appointments/"}
INTEGER: Final = {"type": "integer", "minimum": 0}
INSTANT: Final = {"type": "string", "format": "date-time"}


def asyncapi(request: HttpRequest) -> JsonResponse:
    """GET: the document; no login needed."""
    return JsonResponse(document())


def document() -> dict[str, Any]:
    """The AsyncAPI 3 document."""
    received = {event.value: _event(event) for event in EventType}
    received |= {
        "connected": _message(
            "The first message.", {"server_time": INSTANT, "last_seq": INTEGER, "oldest_seq": INTEGER, "user": {}}
        ),
        "pong": _message("The answer to a ping.", {"t": {}, "server_time": INSTANT}),
        "error": _message("A message that was not understood; the socket stays.", {"code": {"type": "string"}}),
    }
    sent = {
        "ack": _message("Marks delivered up to `seq`.", {"seq": INTEGER}),
        "ping": _message("Measures the clock and keeps the token alive.", {"t": {}}),
        "resume": _message("Asks for everything after this number again.", {"after": INTEGER}),
    }
    messages = {name: {**body, "name": name} for name, body in (received | sent).items()}
    for name, body in messages.items():
        body["payload"]["properties"]["type"] = {"const": name}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Appointment assignment: live events", "version": "1.0.0"},
        "channels": {name: _channel(address, messages) for name, address in ADDRESSES.items()},
        "operations": {
            "receiveEvents": _operation("send", received),
            "sendCommands": _operation("receive", sent),
        },
        "components": {"messages": messages},
    }


def _channel(address: str, messages: Iterable[str]) -> dict[str, Any]:
    return {
        "address": address,
        "description": (
            f"Sub-protocols {PROTOCOL} and knox.<token>, the header `Authorization: Token`, or the session cookie "
            f"with an allowed Origin; the first that is present counts. `?after=<seq>` replays what came after it. "
            f"Closed with {UNAUTHENTICATED} without a valid login, or when it ends, and with {TOO_MUCH} beyond "
            f"{MESSAGES_PER_SECOND} messages a second or {LARGEST_MESSAGE} bytes."
        ),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _event(event: EventType) -> dict[str, Any]:
    return _message(
        event.label,
        {
            "seq": INTEGER,
            "server_time": INSTANT,
            "created_at": INSTANT,
            "title": {"type": "string"},
            "message": {"type": "string"},
            "data": {"type": "object", "properties": {"appointment": {"type": ["object", "null"]}}},
        },
    )


def _message(summary: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": summary,
        "payload": {"type": "object", "required": ["type"], "properties": dict(properties)},
    }


def _operation(kind: str, messages: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": kind,
        "channel": {"$ref": "#/channels/events"},
        "messages": [{"$ref": f"#/channels/events/messages/{name}"} for name in messages],
    }
