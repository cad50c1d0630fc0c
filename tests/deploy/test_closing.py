"""What `deploy/test` says at its end."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from typing import Any

import bootstrap
import pytest

pytestmark = pytest.mark.once


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module."""
    loader = SourceFileLoader("deploy_test", str(bootstrap.ROOT / "deploy" / "test"))
    spec = spec_from_loader("deploy_test", loader)
    assert spec is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "deploy_test", module)
    loader.exec_module(module)
    return module


def step(command: ModuleType, *, ok: bool = True, ran: set[str] | None = None, skipped: set[str] | None = None) -> Any:
    return command.Step("tests", [], {}, ok=ok, ran=ran or set(), skipped=skipped or set())


def test_all_well_ends_with_0(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.closing([step(command, ran={"a", "b"})], 60) == 0
    assert "2 tests; 1 steps, 0 failed, after 1.0 min" in capsys.readouterr().out


def test_one_failed_step_ends_with_1_and_is_named(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.closing([step(command, ok=False), step(command)], 60) == 1
    assert "FAILED: tests" in capsys.readouterr().out


def test_a_test_that_ran_on_one_database_counts_as_run(command: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    assert command.closing([step(command, skipped={"a"}), step(command, ran={"a"})], 60) == 0


def test_in_ci_no_test_may_be_left_out(command: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    assert command.closing([step(command, skipped={"a"}), step(command, skipped={"a"})], 60) == 1


def test_elsewhere_what_is_left_out_is_said(
    command: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)

    assert command.closing([step(command, skipped={"a"})], 60) == 0
    assert "Left out on both databases: a" in capsys.readouterr().out
