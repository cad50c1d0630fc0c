from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from appointments.policy import current_policy
from appointments.services.due import due_for
from appointments.services.sweeps import miss_due


class Command(BaseCommand):
    help = "Mark as missed what nobody began within MISSED_GRACE_MINUTES after its start, and tell both."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only name them")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        due = due_for(("miss",), now, current_policy())
        if options["dry_run"]:
            ids = list(due.values_list("pk", flat=True))
            for pk in ids:
                self.stdout.write(f"would mark appointment {pk} as missed")
            self.stdout.write(f"{len(ids)} missed; nothing was changed.")
            return
        moved = miss_due(now)
        for pk in moved:
            self.stdout.write(f"missed appointment {pk}")
        self.stdout.write(f"{len(moved)} marked as missed.")
        if due.exists():
            self.stderr.write("Some could not be marked; the log says why.")
            raise SystemExit(1)
