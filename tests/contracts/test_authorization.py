"""The authorization matrix: every operation × role × ownership, as authorization.yaml says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker
from rest_framework.response import Response
from rest_framework.test import APIClient

from tests.contracts.document import operations
from tests.contracts.world import COLUMNS, PARTS, PASSWORD, World, canary, clients, snapshot
from tests.support.lasting import lasting

pytestmark = pytest.mark.once

MATRIX = yaml.safe_load(Path(__file__).with_name("authorization.yaml").read_text())
PREFIXES = ("/api/scheduling/appointments", "/api/appointments/appointments")
# What a path's placeholder is called in the document.
DOCUMENTED = {f"{{{name}}}": "{id}" for name in ("therapist", "service", "slot", "time_off", "reminder", "entry")}
OBJECTS = {
    "id": "appointment",
    "meeting_id": "meeting",
    "therapist": "theo",
    **{name: name for name in ("service", "seq", "slot", "time_off", "reminder", "entry")},
}


def expanded(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The row for each address it stands for."""
    if "{appointments}" not in row["call"]:
        return [row]
    return [row | {"call": row["call"].replace("{appointments}", prefix)} for prefix in PREFIXES]


ROWS = sorted((one for row in MATRIX["rows"] for one in expanded(row)), key=lambda row: row.get("given", "unassigned"))


def documented(call: str) -> str:
    """The call as the document writes it."""
    for ours, theirs in DOCUMENTED.items():
        call = call.replace(ours, theirs)
    return call


def filled(value: Any, names: dict[str, Any]) -> Any:
    """`value` with every $name replaced."""
    if isinstance(value, dict):
        return {key: filled(one, names) for key, one in value.items()}
    return names[value[1:]] if isinstance(value, str) and value.startswith("$") else value


def ask(row: dict[str, Any], column: str, world: World, client: APIClient) -> Response:
    """Call the row's operation as the column's person."""
    method, path = row["call"].split(" ")
    names = world.ids | {"self": COLUMNS[column] or "nobody", "password": PASSWORD}
    path = path.format(**{placeholder: names[name] for placeholder, name in OBJECTS.items()})
    if method == "GET":
        return client.get(path, filled(row.get("query", {}), names))
    return getattr(client, method.lower())(path, filled(row.get("body", {}), names), format="json")


def leaked(row: dict[str, Any], column: str, body: str) -> list[str]:
    """The canaries in `body` that the column's person may not see."""
    sees = {**MATRIX["sees"], **row.get("sees", {})}[column]
    allowed = {canary(*(word.split(".") if "." in word else (word, part))) for word in sees for part in PARTS}
    everyone = [*filter(None, COLUMNS.values()), "harbour", "hill"]
    return [word for name in everyone for part in PARTS if (word := canary(name, part)) in body and word not in allowed]


class Writes:
    """Notes whether anything but reading was asked of the database: only then is it compared row by row."""

    any = False

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        self.any |= not sql.startswith(("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK"))
        return execute(sql, *rest)


def faults(row: dict[str, Any], column: str, expected: int, world: World, client: APIClient, before: Any) -> list[str]:
    """What is wrong with one cell; leaves the database as it was."""
    found, wrote = [], Writes()
    with transaction.atomic():
        with connection.execute_wrapper(wrote):
            response = ask(row, column, world, client)
        body = response.content.decode()
        if response.status_code != expected:
            found.append(f"{column}: {response.status_code} instead of {expected}: {body[:300]}")
        if secrets := leaked(row, column, body):
            found.append(f"{column}: reads {', '.join(secrets)}")
        if response.status_code >= 400 and wrote.any and snapshot() != before:
            found.append(f"{column}: refused with {response.status_code}, and yet the database has changed")
        transaction.set_rollback(True)
    return found


@pytest.fixture(scope="module")
def asking(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[dict[str, APIClient], Any]]:
    """A client for each column, and what the database then holds."""
    with lasting(django_db_blocker):
        yield clients(world), snapshot()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("row", "world"),
    [(row, row.get("given", "unassigned")) for row in ROWS],
    indirect=["world"],
    scope="module",
    ids=[f"{row['call']} {row.get('given', '')}".strip() for row in ROWS],
)
def test_every_role_gets_what_the_matrix_says_and_nothing_of_others(
    row: dict[str, Any], world: World, asking: tuple[dict[str, APIClient], Any]
) -> None:
    as_column, before = asking
    wrong = [
        fault
        for column, expected in zip(COLUMNS, row["expect"], strict=True)
        for fault in faults(row, column, expected, world, as_column[column], before)
    ]
    assert wrong == []


def test_every_operation_of_the_document_has_a_row_and_every_row_an_operation() -> None:
    assert {documented(row["call"]) for row in ROWS} == operations()


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["patient", "therapist", "operator", "admin"])
@pytest.mark.parametrize("world", ["confirmed"], indirect=True)
def test_the_canaries_stand_in_what_their_readers_may_read(world: World, column: str) -> None:
    row = {"call": f"GET {PREFIXES[0]}/{{id}}/"}
    body = ask(row, column, world, clients(world)[column]).content.decode()
    assert [canary("pia", part) in body for part in PARTS] == [True, True, True]
    assert leaked({"sees": {column: []}}, column, body) != []
