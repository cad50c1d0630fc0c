"""The published description of the WebSocket is made from the code and needs no login."""

from typing import Any

import pytest
from django.test import Client as Browser

from appointments.events import EventType


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    answer = Browser().get("/api/asyncapi.json")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    described: dict[str, Any] = answer.json()
    return described


def test_it_is_asyncapi_3(document: dict[str, Any]) -> None:
    assert document["asyncapi"].startswith("3.")
    assert {"info", "channels", "operations", "components"} <= document.keys()


def test_every_event_is_described(document: dict[str, Any]) -> None:
    assert set(EventType.values) <= document["components"]["messages"].keys()


def test_every_message_names_its_type(document: dict[str, Any]) -> None:
    for name, message in document["components"]["messages"].items():
        assert message["payload"]["properties"]["type"] == {"const": name}


def test_both_addresses_are_described(document: dict[str, Any]) -> None:
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {"/ws/events/", "/ws/scheduling/appointments/"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            here = [part["$ref"]] if "$ref" in part else []
            return here + [found for value in part.values() for found in references(value)]
        return [found for value in part for found in references(value)] if isinstance(part, list) else []

    for reference in references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
