from typing import Any

from django.core.management.base import BaseCommand

from tasks.schedule import ensure_schedule


class Command(BaseCommand):
    help = "Create the periodic tasks that are missing; run it after migrate. Edited ones are left as they are."

    def handle(self, *args: Any, **options: Any) -> None:
        done = ensure_schedule()
        for line in done:
            self.stdout.write(line)
        self.stdout.write(f"{len(done)} periodic tasks created or removed.")
