import urllib.request
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from core.audit import findings

PATIENCE_SECONDS: Final = 10


class Command(BaseCommand):
    help = "Check that no deadline, event or effect was lost; visits HEARTBEAT_URL only when all is well."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = findings(timezone.now())
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {type(error).__name__}.") from error
        for finding in found:
            self.stdout.write(f"{finding.invariant} {finding.subject}: {finding.said}")
        if found:
            raise CommandError(f"{len(found)} found.")
        self.stdout.write("0 found; all is well.")
        self._visit(settings.HEARTBEAT_URL)

    def _visit(self, url: str) -> None:
        if not url:
            return
        try:
            urllib.request.urlopen(url, timeout=PATIENCE_SECONDS).close()  # noqa: S310 - http or https, by its setting
        except OSError as error:
            raise CommandError(f"All is well, but HEARTBEAT_URL did not answer: {type(error).__name__}.") from error
