"""P14: how long `./deploy/up` takes until it says that it is ready, once it has been started before."""

import signal
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import Figure, Row, timed
from tests.support.up import environment, started


def run(quick: bool) -> list[Figure]:
    """Two starts on one data directory, with SQLite and an embedded Valkey; the environment is there already."""
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        first, second = (_start(Path(made)) for _ in range(2))
    detail = f"the first, which makes the database and the demo, {first:.1f} s"
    return [Figure("seconds until it is ready", second, 10, detail, at_least=False)]


def _start(data: Path) -> float:
    with started(environment(data / "data"), data / "said") as up:
        with timed() as watch:
            up.wait_until_ready()
        up.process.send_signal(signal.SIGTERM)
        up.process.wait(15)
    return watch.seconds


ROW = Row("P14", "deploy/up, second start", run)
