import os
from pathlib import Path

import bootstrap
import postgres
import psycopg
import pytest


@pytest.fixture
def server() -> str:
    """The PostgreSQL server of the test run."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        pytest.skip("runs with the tests on PostgreSQL")
    return url


def test_a_database_of_ones_own_is_empty_and_gone_at_the_end(server: str, tmp_path: Path) -> None:
    with postgres.own_database(tmp_path, server) as url, psycopg.connect(url, autocommit=True) as connection:
        assert url != server
        assert connection.execute("SELECT count(*) FROM pg_stat_user_tables").fetchone() == (0,)
        connection.execute(f"CREATE DATABASE test_{connection.info.dbname}_gw0")
        name = connection.info.dbname

    with psycopg.connect(server) as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"%{name}%"]).fetchall()
    assert found == []


def test_a_server_that_does_not_answer_is_said_not_replaced(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    nobody = f"postgres://nobody@127.0.0.1:{bootstrap.free_port()}/postgres"

    with pytest.raises(bootstrap.Failure, match="no PostgreSQL database"), postgres.own_database(tmp_path, nobody):
        pass

    assert "does not serve" in capfd.readouterr().err
