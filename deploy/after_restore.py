"""What a restored database needs before the processes start, in one Django process."""

import os
import sys
from pathlib import Path

import django
from django.core.management import call_command


def main() -> None:
    """Bring the schema up to date, and the restored world to the present moment."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    django.setup()
    from core.restoring import resume  # noqa: PLC0415 - needs the applications loaded

    call_command("migrate", verbosity=0)
    call_command("ensure_schedule")
    resume()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
