"""Databases of a stack's own, each a copy of one that was migrated and seeded once: that takes longer than to start."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent.parent
# As deploy/prepare.py does it, without the static files.
PREPARE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("ensure_schedule")
call_command("seed_demo", quiet=True)
from django.db import connections
connections.close_all()
"""


class Database:
    """A PostgreSQL database on `server`, or without one an SQLite file in `directory`; there once it is created."""

    def __init__(self, server: str, directory: Path) -> None:
        self._server, self._name = server, f"stack_{uuid.uuid4().hex[:12]}"
        self._file = directory / "db.sqlite3"
        self.url = _url(server, self._name) if server else f"sqlite:///{self._file}"

    def create(self) -> None:
        """Make it, with the demo's data."""
        prepared = prepared_database(self._server)
        if self._server:
            _execute(self._server, f"CREATE DATABASE {self._name} TEMPLATE {prepared}")
        else:
            shutil.copy(prepared, self._file)

    def drop(self) -> None:
        """Remove it from the server; a file goes with its directory."""
        if self._server:
            _drop(self._server, self._name)

    def let_in(self, allowed: bool) -> None:
        """Let nobody connect to this PostgreSQL database, and end who is in it; or let them in again."""
        _execute(self._server, f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS {str(allowed).lower()}")
        if not allowed:
            ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'"
            _execute(self._server, ended)


@cache
def prepared_database(server: str) -> str:
    """The database that the others are copies of, gone when this process ends. Returns its name, or its file."""
    scratch = Path(tempfile.mkdtemp(prefix="prepared-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    name, url = str(scratch / "db.sqlite3"), f"sqlite:///{scratch / 'db.sqlite3'}"
    if server:
        name = f"prepared_{uuid.uuid4().hex[:12]}"
        url = _url(server, name)
        atexit.register(_drop, server, name)
        _execute(server, f"CREATE DATABASE {name}")
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "core.settings",
        "DJANGO_DEBUG": "true",
        "DJANGO_SECRET_KEY": "only-for-tests-" + "x" * 40,
        "DATA_DIR": str(scratch),
        "DATABASE_URL": url,
    }
    command = [sys.executable, "-c", PREPARE]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return name


def _url(server: str, database: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))


def _drop(server: str, name: str) -> None:
    _execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _execute(server: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type]
