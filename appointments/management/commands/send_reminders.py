from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from appointments.selectors.reminders import due_reminders
from appointments.services.reminders import send_due


class Command(BaseCommand):
    help = "Send every reminder that is due, here and now; beat does the same each minute through the workers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only name them")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            due = list(due_reminders(timezone.now()).values_list("pk", "reminder_type", "appointment_id"))
            for pk, reminder_type, appointment_id in due:
                self.stdout.write(f"would send reminder {pk} ({reminder_type}, appointment {appointment_id})")
            self.stdout.write(f"{len(due)} due; nothing was changed.")
            return
        outcomes: Counter[str] = Counter()
        for reminder in send_due(timezone.now):
            outcomes[reminder.status] += 1
            outcomes["troubled"] += bool(reminder.error)
            why = f": {reminder.error}" if reminder.error else ""
            self.stdout.write(f"{reminder.status} reminder {reminder.pk} (appointment {reminder.appointment_id}){why}")
        troubled = outcomes.pop("troubled", 0)
        total = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        self.stdout.write(f"{outcomes.total()} processed{f': {total}' if total else ''}.")
        if troubled:
            self.stderr.write(f"{troubled} could not be sent; their errors are above.")
            raise SystemExit(1)
