from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from appointments.demo import seed


class Command(BaseCommand):
    help = "Fill an empty system with a demo clinic; running it again reinstates the demo accounts. Only with DEBUG."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="print the total only")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Demo accounts have known passwords: seed_demo needs DJANGO_DEBUG=true.")
        lines = seed(timezone.now())
        for line in [] if options["quiet"] else lines:
            self.stdout.write(line)
        self.stdout.write(f"{len(lines)} objects created or reinstated; every password is 'demo'.")
