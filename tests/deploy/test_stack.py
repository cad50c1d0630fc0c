from pathlib import Path

import bootstrap
import pytest
from stack import Stack, check_environment, redacted

pytestmark = pytest.mark.once


def test_what_is_not_given_has_the_defaults_of_the_contract() -> None:
    stack = Stack({"PORT": " ", "FLOWER_PORT": ""})

    assert stack.env["PORT"] == "8000"
    assert stack.env["FLOWER_PORT"] == "5555"
    assert stack.env["DJANGO_DEBUG"] == "true"
    assert stack.data == bootstrap.ROOT / "var"


def test_what_is_given_is_kept(tmp_path: Path) -> None:
    stack = Stack({"PORT": "9000", "FLOWER_PORT": "9001", "DJANGO_DEBUG": "false", "DATA_DIR": str(tmp_path)})

    assert (stack.url, stack.data, stack.debug) == ("http://127.0.0.1:9000", tmp_path, False)


def test_the_key_that_is_made_stays_the_same_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    first = Stack({"DATA_DIR": str(tmp_path)})._kept_secret()
    second = Stack({"DATA_DIR": str(tmp_path)})._kept_secret()

    assert first == second
    assert len(first) >= 50
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0


def test_no_embedded_valkey_is_started_where_broker_and_layer_are_given(tmp_path: Path) -> None:
    given = {"CELERY_BROKER_URL": "amqp://broker", "CHANNEL_LAYER_HOST": "redis://layer", "DATA_DIR": str(tmp_path)}
    stack = Stack(dict(given))

    stack._start_valkey()

    assert stack.embedded.services == []
    assert {name: stack.env[name] for name in given} == given


def test_the_embedded_valkey_serves_the_one_that_is_not_given(tmp_path: Path) -> None:
    stack = Stack({"CELERY_BROKER_URL": "amqp://broker", "CHANNEL_LAYER_HOST": "", "DATA_DIR": str(tmp_path)})
    try:
        stack._start_valkey()

        assert stack.env["CELERY_BROKER_URL"] == "amqp://broker"
        assert stack.env["CHANNEL_LAYER_HOST"].startswith("redis://127.0.0.1:")
    finally:
        stack.embedded.stop()
    assert (tmp_path / "valkey" / "appendonlydir").is_dir()


def test_a_self_test_hides_what_the_env_file_names(tmp_path: Path) -> None:
    in_file = {"DATABASE_URL": "postgres://live", "HEARTBEAT_URL": "https://live", "PORT": "80"}

    env = check_environment({"PATH": "/bin"}, in_file, tmp_path)

    assert (env["DATABASE_URL"], env["HEARTBEAT_URL"], env["PATH"]) == ("", "", "/bin")
    assert env["DATA_DIR"] == str(tmp_path)
    assert env["PORT"] not in {"80", env["FLOWER_PORT"]}


def test_a_self_test_keeps_the_services_that_the_environment_names(tmp_path: Path) -> None:
    given = {"CELERY_BROKER_URL": "amqp://given", "DATABASE_URL": "postgres://given"}

    env = check_environment(given, {"CELERY_BROKER_URL": "amqp://file"}, tmp_path)

    assert given.items() <= env.items()


@pytest.mark.parametrize("name", ["AUTO_CANCEL_ENABLED", "AUTO_DISABLE_THERAPISTS", "AUTO_REASSIGN_ON_TIMEOUT"])
def test_a_self_test_expects_the_default_rules(name: str, tmp_path: Path) -> None:
    assert check_environment({name: "false"}, {name: "false"}, tmp_path)[name] == ""


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://guest:secret@host:5672//", "amqp://host:5672//"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("postgres://me:p%40ss@host/name?password=x", "postgres://host/name"),
        ("sqlite:////data/db.sqlite3", "sqlite:////data/db.sqlite3"),
    ],
)
def test_a_shown_url_has_no_password(url: str, shown: str) -> None:
    assert redacted(url) == shown
