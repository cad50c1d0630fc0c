"""The benchmarks: every figure is a ratio in one run on one machine. `./deploy/bench` brings what they need."""

import argparse
import json
import logging
import os
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """Run the rows that are named, or all; returns 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="deploy/bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help="names of rows, as P1; without any: all")
    parser.add_argument("--quick", action="store_true", help="a tenth of the load, for a look in passing")
    parser.add_argument("--growth", action="store_true", help="the reads and the sweep at three sizes up to a million")
    parser.add_argument("--plans", action="store_true", help="write the plans of the hot queries to plans/ and end")
    parser.add_argument("--list", action="store_true", help="show the rows and end")
    chosen = parser.parse_args()
    _start_django()
    rows = {row.name: row for row in import_module("tests.benchmarks.suite").ROWS}
    if chosen.list:
        print("\n".join(f"{row.name:<4} {row.work}" for row in rows.values()))
        return 0
    if chosen.plans:
        print("\n".join(str(path.relative_to(ROOT)) for path in import_module("tests.benchmarks.plans").write()))
        return 0
    if unknown := set(chosen.rows) - set(rows):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(rows)}")
    growth = import_module("tests.benchmarks.growth").ROW
    results = _run([growth] if chosen.growth else [rows[name] for name in chosen.rows or rows], chosen.quick)
    print(f"\n{_kept(results, chosen.quick)}")
    return 0 if all(figure.ok for figures in results.values() for figure in figures) else 1


def _start_django() -> None:
    # Queries are not collected, as in production.
    os.environ |= {"DJANGO_SETTINGS_MODULE": "core.settings", "DJANGO_DEBUG": "false", "ALLOWED_HOSTS": "127.0.0.1"}
    import django

    django.setup()
    logging.disable(logging.INFO)  # a line for each published task would drown the table


def _run(rows: list[Any], quick: bool) -> dict[str, list[Any]]:
    """Each row on an empty database; its lines appear as it ends."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    results = {}
    print(f"{'':<4} {'figure':<38} {'goal':>8} {'measured':>9}  verdict  made of")
    for row in rows:
        print(f"{row.name:<4} {row.work}", flush=True)
        call_command("flush", interactive=False, verbosity=0)
        results[row.name] = row.run(quick)
        for figure in results[row.name]:
            what, goal, measured, verdict, detail = figure.cells()
            print(f"{'':<4} {what:<38} {goal:>8} {measured:>9}  {verdict:<7}  {detail}", flush=True)
    return results


def _kept(results: dict[str, list[Any]], quick: bool) -> Path:
    """Write the figures to a file of the data directory; returns its path."""
    now = datetime.now(UTC)
    path = ROOT / "var" / "bench" / f"{now:%Y-%m-%dT%H%M%S}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    figures = {name: [figure.as_json() for figure in row] for name, row in results.items()}
    facts = {"at": now.isoformat(), "quick": quick, "cores": os.cpu_count(), "python": sys.version.split()[0]}
    path.write_text(json.dumps({**facts, "rows": figures}, indent=2, ensure_ascii=False))
    return path


if __name__ == "__main__":
    sys.exit(main())
