"""`deploy/up` as a newcomer starts it."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from deploy import bootstrap

UP = str(bootstrap.ROOT / "deploy" / "up")
# The test run's own services are not meant: each start here has its own.
NOT_PASSED_ON = {"DATABASE_URL", "CELERY_BROKER_URL", "CHANNEL_LAYER_HOST", "DATA_DIR", "DJANGO_SECRET_KEY"}


def environment(data: Path, database_url: str = "") -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON},
        "DATA_DIR": str(data),
        "DATABASE_URL": database_url,
        "PORT": str(bootstrap.free_port()),
        "FLOWER_PORT": str(bootstrap.free_port()),
    }


class Started:
    """A running `deploy/up`."""

    def __init__(self, process: subprocess.Popen[str], env: dict[str, str], output: Path) -> None:
        self.process, self.env, self._output = process, env, output
        self.url = f"http://127.0.0.1:{env['PORT']}"

    @property
    def said(self) -> str:
        return self._output.read_text()

    def wait_until_ready(self) -> None:
        end = time.monotonic() + 120
        while "Ctrl-C stops everything." not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.1)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def started(env: dict[str, str], output: Path) -> Iterator[Started]:
    with output.open("w") as opened:
        process = subprocess.Popen([UP], env=env, stdout=opened, stderr=subprocess.STDOUT, text=True, cwd="/")
    try:
        yield Started(process, env, output)
    finally:
        process.kill()
        process.wait()
