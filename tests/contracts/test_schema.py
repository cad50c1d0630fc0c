"""The OpenAPI document is true: what schemathesis makes of it gets no 5xx, and only answers that stand in it."""

import copy
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from knox.models import AuthToken
from rest_framework.test import APIClient
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contracts.document import document, operations
from tests.contracts.world import COLUMNS, World

# Of each operation; every one asks as an operator, a patient or a therapist.
EXAMPLES = 10
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Both addresses of the appointments are one viewset; only the first is fuzzed.
CALLS = sorted(call for call in operations() if " /api/appointments/appointments/" not in call)
SEEDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)


def given_of(call: str) -> str:
    """In which state an operation finds the appointment."""
    return "confirmed" if "{meeting_id}" in call or "reminders" in call else "offered"


@pytest.fixture(scope="module")
def api() -> Iterator[schemathesis.BaseSchema]:
    """The document with the application behind it, which keeps the test's connection as Django's own client does."""
    loaded = schemathesis.openapi.from_dict(copy.deepcopy(document()), config=SchemathesisConfig())
    loaded.app = get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield loaded
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def aimed(case: Any, world: World, near: bool) -> Any:
    """The case, for half of the examples with ids that exist."""
    if not near:
        return case
    names = {"appointment": ("appointments/{id}",), "theo": ("therapists/{id}",), "service": ("services/{id}",)}
    names["reminder"] = ("reminders/{id}",)
    for name, parts in names.items():
        if any(part in case.path for part in parts):
            case.path_parameters = {"id": str(world.ids[name])}
    if "{meeting_id}" in case.path:
        case.path_parameters = {"meeting_id": world.ids["meeting"]}
    if isinstance(case.body, dict):
        known = {"therapist": world.ids["tara"], "patient": world.ids["pia"], "version": None, "start": None}
        known["scheduledAt"] = world.ids["later"]
        case.body = case.body | {name: value for name, value in known.items() if name in case.body}
    return case


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("call", "world"),
    [(call, given_of(call)) for call in sorted(CALLS, key=given_of)],
    indirect=["world"],
    scope="module",
)
def test_generated_requests_get_documented_answers(api: Any, call: str, world: World) -> None:
    method, path = call.split(" ")
    operation = api[path][method]
    names = [COLUMNS[column] or "" for column in ("operator", "patient", "therapist")]
    tokens = [AuthToken.objects.create(world.people[name])[1] for name in names]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @SEEDED
    @given(case=cases, near=st.booleans(), token=st.sampled_from(tokens))
    def run(case: Any, near: bool, token: str) -> None:
        with transaction.atomic():
            response = aimed(case, world, near).call(headers={"Authorization": f"Token {token}"})
            transaction.set_rollback(True)
        case.validate_response(response, checks=CHECKS)

    run()


def test_the_document_is_generated_without_a_warning_and_is_valid() -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=StringIO(), stderr=StringIO())


@pytest.mark.django_db
def test_the_document_and_its_pages_need_no_login() -> None:
    client = APIClient()
    for path in ("/api/schema/", "/api/docs/", "/api/asyncapi.json"):
        assert client.get(path).status_code == 200, path


def test_every_operation_names_the_refusals_of_the_contract() -> None:
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            refusals = {"400", "401", "403", "404"} | (set() if method == "get" else {"409"})
            assert refusals <= set(operation["responses"]), (method, path)
