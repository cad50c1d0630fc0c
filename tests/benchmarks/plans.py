"""How PostgreSQL reads the hot queries in a clinic of 100,000 appointments, as text beside the benchmarks."""

import re
from pathlib import Path

from django.core.management import call_command
from django.utils import timezone

from tests.benchmarks.population import fresh_statistics
from tests.support.crowd import make_crowd
from tests.support.hot_queries import QUERIES

PLANS = Path(__file__).parent / "plans"
# What differs from run to run.
INSTANTS = "'…'"
INSTANT = re.compile(r"'\d{4}-\d\d-\d\d[^']*'")
NUMBERS = re.compile(r"(?<=id = )\d+|(?<=ANY \('\{)[\d,]+(?=\})")


def write() -> list[Path]:
    """Ask for every plan on an empty database and keep it; a difference to the last one is a plan that has changed."""
    call_command("migrate", verbosity=0)
    call_command("flush", interactive=False, verbosity=0)
    crowd, now = make_crowd(200, 100_000, slot_days=10), timezone.now()
    fresh_statistics()
    PLANS.mkdir(exist_ok=True)
    return [_kept(name, ask(crowd, now).explain(costs=False)) for name, (ask, _) in QUERIES.items()]


def path_of(name: str) -> Path:
    """Where the plan of a hot query is kept."""
    return PLANS / f"{re.sub(r'[^a-z]+', '-', name)}.txt"


def _kept(name: str, plan: str) -> Path:
    path = path_of(name)
    path.write_text(f"{name}\n\n{NUMBERS.sub('…', INSTANT.sub(INSTANTS, plan))}\n")
    return path
