import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run pytest over the tests that mirror the named apps (all without a name)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("apps", nargs="*", help="core, appointments, tasks, realtime")
        parser.add_argument("-k", dest="expression", help="only tests whose names match, as pytest's -k")

    def handle(self, *args: Any, **options: Any) -> None:
        folders = [str(Path("tests", *name.split("."))) for name in options["apps"]] or ["tests"]
        missing = [folder for folder in folders if not (settings.BASE_DIR / folder).exists()]
        if missing:
            raise SystemExit(f"There is no {', '.join(missing)}.")
        only = ["-k", options["expression"]] if options["expression"] else []
        command = [sys.executable, "-m", "pytest", *folders, *only]
        raise SystemExit(subprocess.run(command, cwd=settings.BASE_DIR, check=False).returncode)
