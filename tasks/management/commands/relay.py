import signal
import threading
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError

from tasks.relay import Relay, StuckError


class Command(BaseCommand):
    requires_system_checks = (Tags.security,)
    help = "Carry out the outbox and act on due deadlines; several relays may run side by side."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("relay: running")
        try:
            Relay(stop).run()
        except StuckError as stuck:
            raise CommandError(f"relay: {stuck} hangs; ending, to be started again") from stuck
        self.stdout.write("relay: stopped")
