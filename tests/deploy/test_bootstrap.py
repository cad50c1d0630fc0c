import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import bootstrap
import environ
import pytest
from bootstrap import Failure

pytestmark = pytest.mark.once
LINES = """
# a comment
PLAIN=value
export EXPORTED=yes
SINGLE='two words'
DOUBLE="with \\"quotes\\" inside"
HASH=abc#def
URL=postgres://u:p@host:5432/name?sslmode=require
EMPTY=
not a line
DECIMAL=0.5
"""


def test_env_file_is_read_as_the_settings_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".env"
    path.write_text(LINES)
    theirs: dict[str, str] = {}
    monkeypatch.setattr(environ.Env, "ENVIRON", theirs)

    environ.Env.read_env(io.StringIO(LINES))

    assert bootstrap.read_env(path) == theirs


def test_a_missing_env_file_names_nothing(tmp_path: Path) -> None:
    assert bootstrap.read_env(tmp_path / ".env") == {}


@pytest.mark.parametrize("given", ["", "x", "0", "65536", "-1", "80.5"])
def test_a_port_that_is_none_is_named_with_what_it_expects(given: str) -> None:
    with pytest.raises(Failure, match="FLOWER_PORT expects a whole number"):
        bootstrap.port_in({"FLOWER_PORT": given}, "FLOWER_PORT")


def test_a_taken_port_is_said_to_be_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(Failure, match=f"PORT {port} is taken; set PORT to another one"):
            bootstrap.port_in({"PORT": str(port)}, "PORT")


def test_a_free_port_may_be_had() -> None:
    port = bootstrap.free_port()

    assert bootstrap.port_in({"PORT": str(port)}, "PORT") == port


def test_waiting_for_a_port_ends_when_nobody_comes() -> None:
    with pytest.raises(Failure, match="Nothing listens"):
        bootstrap.wait_for_port(bootstrap.free_port(), 0.1)


def test_a_directory_is_held_by_one_start_at_a_time(tmp_path: Path) -> None:
    with bootstrap.alone(tmp_path, "in use"):
        with pytest.raises(Failure, match="in use"), bootstrap.alone(tmp_path, "in use"):
            pass

    with bootstrap.alone(tmp_path, "in use"):
        pass


def test_a_failure_within_the_held_block_is_not_taken_for_a_second_start(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError), bootstrap.alone(tmp_path, "in use"):
        raise BlockingIOError


def test_a_running_python_that_is_new_enough_is_taken() -> None:
    assert bootstrap.find_python() == sys.executable


def test_a_shim_without_its_python_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code in (("python3.13", 127), ("python3.12", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 0))

    assert bootstrap.find_python() == str(tmp_path / "python3.12")


def test_without_a_new_enough_python_the_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 0))

    with pytest.raises(Failure, match=r"Python 3\.11 or newer is needed"):
        bootstrap.find_python()


def test_the_given_redis_server_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_SERVER_BIN", "/opt/redis-server")

    assert bootstrap.valkey_binary() == "/opt/redis-server"


def test_without_a_given_redis_server_the_wheel_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_SERVER_BIN", raising=False)

    shown = subprocess.run([bootstrap.valkey_binary(), "--version"], capture_output=True, text=True, check=True)

    assert "9.1" in shown.stdout


def test_readiness_does_not_go_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    port = bootstrap.free_port()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    served = f"""
from http.server import BaseHTTPRequestHandler, HTTPServer
class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
HTTPServer(("127.0.0.1", {(own := bootstrap.free_port())}), Ready).serve_forever()
"""
    server = subprocess.Popen([sys.executable, "-c", served], stderr=subprocess.DEVNULL, env=dict(os.environ))
    try:
        bootstrap.wait_for_port(own, 10)

        assert bootstrap.ready(f"http://127.0.0.1:{own}")
        assert not bootstrap.ready(f"http://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait()
