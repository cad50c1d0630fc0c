"""What the typed client is generated from; the generator itself needs the package index and runs by hand."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

import bootstrap
import pytest

from tests.contracts.document import METHODS, document


@pytest.fixture(scope="module")
def command() -> ModuleType:
    """The script as a module."""
    loader = SourceFileLoader("deploy_client", str(bootstrap.ROOT / "deploy" / "client"))
    spec = spec_from_loader("deploy_client", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_the_client_has_each_operation_once_and_speaks_json(command: ModuleType) -> None:
    whole, narrow = document()["paths"], command.narrowed(document())["paths"]
    left_out = set(whole) - set(narrow)
    assert left_out == {path for path in whole if path.startswith("/api/appointments/appointments/")}
    assert {path.replace("/api/appointments/", "/api/scheduling/", 1) for path in left_out} <= set(narrow)
    bodies = [each[method].get("requestBody") for each in narrow.values() for method in METHODS if method in each]
    assert {kind for body in bodies if body for kind in body["content"]} == {"application/json"}


def test_the_document_itself_stays_whole(command: ModuleType) -> None:
    command.narrowed(document())
    login = document()["paths"]["/api/auth/login/"]["post"]["requestBody"]["content"]
    assert "application/x-www-form-urlencoded" in login
