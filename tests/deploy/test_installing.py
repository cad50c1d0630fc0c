import sys
from pathlib import Path

import bootstrap
import pytest
from bootstrap import Failure

pytestmark = pytest.mark.once


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project with three locks and a virtual environment in which nothing is installed."""
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    (tmp_path / "requirements").mkdir()
    for name in ("base", "production", "test"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"# {name}\n")
    return tmp_path


@pytest.fixture
def fetched(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The locks that were installed, in order."""
    calls: list[str] = []
    bootstrap.PYTHON.parent.mkdir(parents=True)
    bootstrap.PYTHON.touch()
    monkeypatch.setattr(bootstrap, "make_environment", lambda: None)
    monkeypatch.setattr(bootstrap, "pip_install", lambda lock: calls.append(lock.name))
    return calls


def test_an_unchanged_lock_is_not_installed_again(fetched: list[str]) -> None:
    bootstrap.install("base")
    bootstrap.install("base")

    assert fetched == ["base.txt"]


def test_a_changed_lock_is_installed_again(project: Path, fetched: list[str]) -> None:
    bootstrap.install("base")
    (project / "requirements" / "base.txt").write_text("# newer\n")
    bootstrap.install("base")

    assert fetched == ["base.txt", "base.txt"]


def test_a_larger_set_serves_the_smaller_ones(fetched: list[str]) -> None:
    bootstrap.install("test")
    bootstrap.install("production")
    bootstrap.install("base")

    assert fetched == ["test.txt"]


def test_a_smaller_set_does_not_serve_a_larger_one(fetched: list[str]) -> None:
    bootstrap.install("base")
    bootstrap.install("production")

    assert fetched == ["base.txt", "production.txt"]


def test_a_failed_installation_is_tried_again(fetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(lock: Path) -> None:
        raise Failure("no network")

    with monkeypatch.context() as patch, pytest.raises(Failure):
        patch.setattr(bootstrap, "pip_install", fail)
        bootstrap.install("base")
    bootstrap.install("base")

    assert fetched == ["base.txt"]


def test_an_environment_without_its_python_is_made_anew(project: Path) -> None:
    bootstrap.PYTHON.parent.mkdir(parents=True)
    bootstrap.PYTHON.symlink_to("/nowhere/python")

    bootstrap.make_environment()
    bootstrap.run([str(bootstrap.PYTHON), "-m", "pip", "--version"])


def test_a_package_whose_hash_differs_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    package = project / "anything-1.0-py3-none-any.whl"
    package.write_bytes(b"not what was locked")
    lock = project / "requirements" / "base.txt"
    lock.write_text(f"anything @ file://{package} --hash=sha256:{'0' * 64}\n")

    with pytest.raises(Failure, match="DO NOT MATCH THE HASHES"):
        bootstrap.pip_install(lock)


@pytest.mark.parametrize("name", ["base", "production", "test", "client"])
def test_every_locked_package_has_hashes_and_no_lock_names_an_index(name: str) -> None:
    root = Path(bootstrap.__file__).resolve().parent.parent
    lines = (root / "requirements" / f"{name}.txt").read_text().splitlines()
    packages = [number for number, line in enumerate(lines) if "==" in line and not line.startswith((" ", "#"))]

    assert packages
    assert all(lines[number + 1].strip().startswith("--hash=sha256:") for number in packages)
    assert not [line for line in lines if "index-url" in line or "://" in line]
