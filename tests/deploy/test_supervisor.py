import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import stack
import supervisor
from supervisor import Service, Supervisor, expand, parse_procfile

pytestmark = pytest.mark.once
FOR_EVER = "import time; print('here', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
WITH_CHILD = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
SUPERVISE = f"""
import sys, time
from pathlib import Path
from supervisor import Service, Supervisor
service = Service("child", [sys.executable, "-c", {FOR_EVER!r}], {{}}, Path(sys.argv[1]))
Supervisor([service], print).start()
print(service.process.pid, flush=True)
time.sleep(600)
"""
Make = Callable[..., Service]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """`make(code, name)` is a service that runs the Python code; all are killed at the end."""
    made: list[Service] = []

    def service(code: str, name: str = "child") -> Service:
        made.append(Service(name, [sys.executable, "-c", code], dict(os.environ), tmp_path / f"{name}.log"))
        return made[-1]

    yield service
    for each in made:
        each.clear_away()


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def said(service: Service) -> str:
    return service.log.read_text() if service.log.exists() else ""


def test_a_procfile_is_read_in_its_order() -> None:
    text = "# comment\n\nweb: serve --port $PORT\nworker-deadlines: work now: yes\n"

    assert parse_procfile(text) == {"web": "serve --port $PORT", "worker-deadlines": "work now: yes"}


def test_variables_and_their_defaults_are_filled_in() -> None:
    words = expand("env A=$PORT python -m x --host ${BIND:-127.0.0.1} '$PORT y' ${NONE}", {"PORT": "81"}, "/py")

    assert words == ["env", "A=81", "/py", "-m", "x", "--host", "127.0.0.1", "81 y"]


def test_what_dies_is_started_again(make: Make) -> None:
    service = make(FOR_EVER)
    tended = Supervisor([service], lambda _: None)
    tended.start()
    assert service.process is not None
    first = service.process
    first.kill()
    first.wait()

    until(lambda: tended.tend() or (service.process is not None and service.process is not first))

    until(lambda: said(service).count("here") >= 1)


def test_each_quick_death_makes_the_next_pause_longer(make: Make) -> None:
    told: list[str] = []
    service = make("raise SystemExit(3)")
    tended = Supervisor([service], told.append)
    tended.start()

    until(lambda: tended.tend() or len(told) == 3)

    assert ["again in 0.25 s" in told[0], "again in 0.5 s" in told[1], "again in 1 s" in told[2]] == [True] * 3
    assert "child ended with 3" in told[0]


def test_a_death_after_a_long_life_begins_a_new_story(make: Make) -> None:
    told: list[str] = []
    service = make("raise SystemExit(3)")
    service.failures = 7
    service.start()
    service.started -= supervisor.LIVED_WELL + 1
    assert service.process is not None
    service.process.wait()

    service.revive(told.append)

    assert "again in 0.25 s" in told[0]


def test_children_of_what_died_do_not_live_beside_its_successor(make: Make) -> None:
    service = make(WITH_CHILD)
    service.start()
    until(lambda: said(service).endswith("\n"))
    grandchild = int(said(service))
    assert service.process is not None
    service.process.kill()
    service.process.wait()
    assert psutil.pid_exists(grandchild)

    service.revive(lambda _: None)

    until(lambda: is_gone(grandchild))


def test_those_who_take_requests_stop_first(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(Service, "ask_to_stop", lambda service: order.append(service.name))
    monkeypatch.setattr(Service, "see_stopped", lambda service, by: order.append(f"{service.name} stopped"))
    services = [make(FOR_EVER, name) for name in ("web", "worker", "beat")]

    Supervisor(services, print).stop()

    assert order == ["web", "beat", "web stopped", "beat stopped", "worker", "worker stopped"]


def test_what_does_not_listen_is_killed_with_its_children_in_time(make: Make) -> None:
    service = make(DEAF)
    tended = Supervisor([service], print, patience=0.5)
    tended.start()
    until(lambda: "deaf" in said(service))
    begun = time.monotonic()

    tended.stop()

    assert time.monotonic() - begun < 3
    assert service.process is not None
    assert service.process.returncode == -signal.SIGKILL


def test_all_stops_within_ten_seconds_even_when_nobody_listens() -> None:
    assert 2 * supervisor.STOP_SECONDS + stack.EMBEDDED_STOP_SECONDS <= 10


@pytest.mark.skipif("sys.platform != 'linux'", reason="only Linux ends a child with its parent")
def test_no_orphan_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(supervisor.__file__).parent)}
    command = [sys.executable, "-c", SUPERVISE, str(tmp_path / "child.log")]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        child = int(running.stdout.readline())
        assert not is_gone(child)
        running.kill()

    until(lambda: is_gone(child))


def test_a_large_log_makes_way_for_a_new_one(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LARGEST_LOG", 5)
    service = make("print('new')")
    service.log.write_text("much too long")

    service.start()

    until(lambda: said(service) == "new\n")
    assert service.log.with_suffix(".log.1").read_text() == "much too long"


def is_gone(pid: int) -> bool:
    """Ended; one that nobody has buried yet is gone as well."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
