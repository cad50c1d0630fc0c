"""Instants of PostgreSQL: read as they were written, whatever the zone of the connection."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from psycopg.postgres import types
from psycopg.pq import Format

from core.instants import Instant, read_fast

AT = datetime(2031, 3, 3, 8, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", [b"2031-03-03 08:00:00.25+00", b"2031-03-03 13:30:00.250000+05:30", b"2031-03-03 00:00:00.25-08"]
)
def test_an_instant_is_read_in_utc(written: bytes) -> None:
    read = Instant(0).load(written)
    assert (read, read.tzinfo) == (AT, UTC)


def test_connections_read_instants_so() -> None:
    read_fast()
    assert get_adapters_template(True, UTC).get_loader(types["timestamptz"].oid, Format.TEXT) is Instant


@pytest.mark.django_db
def test_the_database_gives_an_instant_back_to_the_microsecond() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has texts")
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [AT])
        assert cursor.fetchone() == (AT,)


@pytest.mark.once
def test_a_site_on_sqlite_starts_without_the_driver() -> None:
    start = "import sys; sys.modules['psycopg'] = None; import django; django.setup()"
    env = {**os.environ, "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "core.settings"}
    subprocess.run([sys.executable, "-c", start], cwd=settings.BASE_DIR, env=env, check=True)
