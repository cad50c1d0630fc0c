from typing import Any

from celery import current_app
from django.core.checks import Tags
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    requires_system_checks = (Tags.security,)
    help = "Run beat; several may run, one of them ticks."

    def handle(self, *args: Any, **options: Any) -> None:
        current_app.Beat(scheduler="tasks.scheduler:SingleScheduler", loglevel="INFO", quiet=True, pidfile=None).run()
