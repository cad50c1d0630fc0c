"""Backup and restore of the database behind DATABASE_URL, as one file. Standard library only."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from bootstrap import PYTHON, ROOT, Failure, alone, run, say

# Old and new schema change places as one transaction: what fails leaves everything as it was.
EMPTY = "DROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n"
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def database_url(env: Mapping[str, str]) -> str:
    """The database that the settings would use."""
    data = (ROOT / (env.get("DATA_DIR") or "var")).resolve()
    return env.get("DATABASE_URL") or f"sqlite:///{data / 'db.sqlite3'}"


def is_postgres(url: str) -> bool:
    return url.startswith(("postgres://", "postgresql://"))


def dump(url: str, target: Path) -> None:
    """Write the state of one instant to a new file that only its owner can read. Raises Failure."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".unfinished")
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        if is_postgres(url):
            run([tool("pg_dump"), "--format=custom", "--no-owner", "--file", str(unfinished)], libpq(url))
            run([tool("pg_restore"), "--list", str(unfinished)])
        else:
            _copy(sqlite_path(url), unfinished)
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


def load(source: Path, url: str, *, replace: bool) -> None:
    """Put a dump in the place of the database, whole or not at all. Raises Failure."""
    if not source.is_file():
        raise Failure(f"There is no file {source}.")
    if is_postgres(url):
        _load_postgres(source, url, replace=replace)
    else:
        _load_sqlite(source, sqlite_path(url), replace=replace)


def _load_postgres(source: Path, url: str, *, replace: bool) -> None:
    env = libpq(url)
    others = int(_ask(OTHERS, env))
    if others:
        raise Failure(f"{others} connections to the database are open: stop web, relay, workers and beat first.")
    if not replace and _ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", env) != "0":
        raise Failure("The database is not empty; --replace puts the backup in its place.")
    script = source.with_name(source.name + ".sql")
    os.close(os.open(script, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        run([tool("pg_restore"), "--no-owner", "--no-privileges", "--file", str(script), str(source)])
        script_first = [tool("psql"), "--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        run([*script_first, "--output", os.devnull, "--command", EMPTY, "--file", str(script)], env)
    finally:
        script.unlink()


def _load_sqlite(source: Path, path: Path, *, replace: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.parent, f"{path.parent} is in use: stop deploy/up first."):
        if path.exists() and not replace:
            raise Failure(f"{path} exists; --replace puts the backup in its place.")
        _copy(source, path)


def _copy(source: Path, target: Path) -> None:
    """A consistent copy, also while others write. Raises Failure where the source is no sound database."""
    if not source.is_file():
        raise Failure(f"There is no database {source}.")
    try:
        with contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as old:
            if old.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise Failure(f"{source} is damaged.")
            with contextlib.closing(sqlite3.connect(target, timeout=30)) as new:
                old.backup(new)
    except sqlite3.Error as error:
        raise Failure(f"{source} cannot be copied: {error}.") from None


def _ask(question: str, env: Mapping[str, str]) -> str:
    command = [tool("psql"), "--no-psqlrc", "--tuples-only", "--no-align", "--command", question]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"The database does not answer: {done.stderr.strip()}")
    return done.stdout.strip()


def sqlite_path(url: str) -> Path:
    return Path(unquote(url.removeprefix("sqlite:///")))


def libpq(url: str) -> dict[str, str]:
    """The environment in which PostgreSQL's tools use this database; no password shows in a process list."""
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    named = {
        "PGHOST": unquote(parts.hostname or ""),
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
        # A directory of sockets has no place before the path.
        **{f"PG{name.upper()}": values[-1] for name, values in options.items() if name.startswith(("ssl", "host"))},
    }
    return {**os.environ, "PGCONNECT_TIMEOUT": "10", **{name: value for name, value in named.items() if value}}


def tool(name: str) -> str:
    """One of PostgreSQL's own programs. Raises Failure."""
    if found := shutil.which(name):
        return found
    raise Failure(f"{name} is not on PATH: install PostgreSQL's client of the server's version or newer.")


def take_up_again(env: Mapping[str, str]) -> None:
    """Bring a restored database up to date and to the present moment. Raises Failure."""
    say("Bringing the restored database up to date …")
    run([str(PYTHON), str(ROOT / "deploy" / "after_restore.py")], env)
