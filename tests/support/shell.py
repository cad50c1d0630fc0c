"""One process that runs Python inside the project, time and again: to load Django for each question takes seconds."""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent.parent


class Shell:
    """Starts with the first question; several threads may ask."""

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self._env, self._log = env, log
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def run(self, code: str) -> str:
        """What the code printed. Raises AssertionError with its traceback."""
        with self._lock:
            process = self._process = self._process or self._start()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(code) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        assert answer, self._log.read_text()
        printed, failed = json.loads(answer)
        assert not failed, failed
        return str(printed)

    def end(self) -> None:
        """Kill it, where it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.support.shell"],
                cwd=ROOT,
                env=dict(self._env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )


def answer(questions: TextIO, answers: TextIO) -> None:
    """Run each line's code in a namespace of its own, on fresh connections; answer what it printed, and its failure."""
    from traceback import format_exc

    import django
    from django.db import connections

    django.setup()
    for line in questions:
        out, failed = StringIO(), ""
        try:
            with redirect_stdout(out):
                exec(json.loads(line), {})
        except BaseException:
            failed = format_exc()
        connections.close_all()
        answers.write(json.dumps([out.getvalue(), failed]) + "\n")
        answers.flush()


if __name__ == "__main__":
    replies, sys.stdout = sys.stdout, sys.stderr  # what anything logs is no answer
    answer(sys.stdin, replies)
