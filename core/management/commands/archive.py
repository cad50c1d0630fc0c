from argparse import ArgumentParser, ArgumentTypeError
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from core.archive import Archive


def day(raw: str) -> date:
    """A date of ISO 8601."""
    try:
        return date.fromisoformat(raw)
    except ValueError:
        raise ArgumentTypeError(f"{raw!r} is no date such as 2026-01-31") from None


class Command(BaseCommand):
    help = (
        "Move the logs of appointments that are long over into DATA_DIR/archive, and delete old notifications, "
        "idempotency keys and sessions. Nothing younger than a day is touched; `loaddata FILE` brings logs back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--before", type=day, required=True, metavar="DATE", help="what is older goes")
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *args: Any, **options: Any) -> None:
        before = timezone.make_aware(datetime.combine(options["before"], time.min))
        archive = Archive(before, settings.DATA_DIR / "archive", timezone.now(), dry_run=options["dry_run"])
        verb = "would take away" if archive.dry_run else "took away"
        total = 0
        for step in archive.run():
            total += step.rows
            self.stdout.write(f"{verb} {step.rows} {step.what}")
        end = "nothing was changed." if archive.dry_run else f"files are in {archive.into}."
        self.stdout.write(f"{total} rows from before {archive.before:%Y-%m-%d %H:%M %Z}; {end}")
