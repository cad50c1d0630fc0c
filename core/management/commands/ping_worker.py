from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from core import broker
from core.celery import app

PATIENCE_SECONDS: Final = 10


class Command(BaseCommand):
    help = "Fail where a worker, such as worker@HOST, does not answer though the broker works; for probes."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if away := broker.failure():
            self.stdout.write(f"The broker does not work ({away}); starting {name} again would not help.")
        elif _answers(name):
            self.stdout.write(f"{name} answers.")
        elif not broker.failure():  # it may have gone meanwhile
            raise CommandError(f"{name} does not answer.")


def _answers(name: str) -> bool:
    try:
        return bool(app.control.inspect([name], timeout=PATIENCE_SECONDS).ping())
    except Exception:  # whatever the transport raises: the broker is asked once more
        return False
