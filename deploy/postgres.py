"""A PostgreSQL database of one's own, for tests and self-tests. Standard library only."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bootstrap import PYTHON, ROOT, Failure


@contextlib.contextmanager
def own_database(scratch: Path, server: str = "") -> Iterator[str]:
    """The URL of an empty database, gone at the end, even when this process is killed. Raises Failure.

    It is on `server`; without one on the server of 127.0.0.1:5432, else on an embedded one.
    """
    command = [str(PYTHON), str(ROOT / "deploy" / "serve_database.py"), str(scratch), *([server] if server else [])]
    # A session of its own: Ctrl-C is for us, and the end of its input tells it.
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise Failure("There is no PostgreSQL database to work with; the line above says why.")
        yield url
    finally:
        process.stdin.close()
        process.wait(30)
