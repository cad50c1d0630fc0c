"""What a process of the project needs to work on the test's own database."""

import os
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent


def database_url() -> str:
    """The database that the test is using, as another process names it."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    user = f"{database['USER']}:{database['PASSWORD']}" if database["PASSWORD"] else database["USER"]
    if database["HOST"].startswith("/"):
        return f"postgres://{user}@/{database['NAME']}?host={database['HOST']}"
    return f"postgres://{user}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"


def environment(scratch: Path, broker: str, **settings: object) -> dict[str, str]:
    """Variables for a process beside the test; `settings` are added."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "core.settings",
        "DJANGO_DEBUG": "true",
        "DJANGO_SECRET_KEY": "only-for-tests-" + "x" * 40,
        "DATA_DIR": str(scratch),
        "DATABASE_URL": database_url(),
        "CELERY_BROKER_URL": broker,
        "CHANNEL_LAYER_HOST": broker.rpartition("/")[0] + "/1",
        **{name: str(value) for name, value in settings.items()},
    }
