from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from appointments.policy import current_policy
from appointments.services.due import overdue
from appointments.services.sweeps import expire_due


class Command(BaseCommand):
    help = "Auto-cancel every offer whose deadline has passed; acts even where AUTO_CANCEL_ENABLED is false."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only name them")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["dry_run"]:
            due = list(overdue(now, current_policy()).values_list("pk", "therapist_id"))
            for pk, therapist_id in due:
                self.stdout.write(f"would auto-cancel appointment {pk} (therapist {therapist_id})")
            self.stdout.write(f"{len(due)} overdue; nothing was changed.")
            return
        done = expire_due(now, manual=True, clock=timezone.now)
        for pk in done.appointments:
            self.stdout.write(f"auto-cancelled appointment {pk}")
        for pk in done.disabled_therapists:
            self.stdout.write(f"disabled therapist {pk}")
        self.stdout.write(f"{len(done.appointments)} processed, {len(done.disabled_therapists)} therapists disabled.")
        left = overdue(now, current_policy()).count()
        if left:
            self.stderr.write(f"{left} could not be processed; the log says why.")
            raise SystemExit(1)
