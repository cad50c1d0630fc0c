"""Tasks as one writes them first; a worker loads them with `--include` to be compared with the product's."""

import os
import time

from celery import shared_task

from tests.benchmarks.expiry import expire_alone

LAGS = "BENCH_LAGS"


@shared_task
def do_nothing(due: float) -> None:
    """Only note in the file of BENCH_LAGS how late this is."""
    lag = time.time() - due
    with open(os.environ[LAGS], "a") as lags:  # noqa: PTH123 - a line per task; nothing slower here
        lags.write(f"{lag}\n")


@shared_task
def expire_one(appointment_id: int) -> None:
    """Expire one offer in a transaction of its own."""
    expire_alone(appointment_id)
