"""What has to be done before the processes start, in one Django process because each costs seconds to load."""

import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError


def main() -> None:
    """Check the settings, bring the database up to date, collect static files, seed the demo where it is one."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("check", databases=["default"])
    call_command("ensure_schedule")
    call_command("collectstatic", interactive=False, verbosity=0)
    if settings.DEBUG:
        call_command("seed_demo", quiet=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    try:
        main()
    except (CommandError, DatabaseError, ImproperlyConfigured) as refusal:
        sys.exit(f"{type(refusal).__name__}: {refusal}")
