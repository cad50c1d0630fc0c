"""An empty database in memory, to try things out in without touching the real one."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.sqlite3.base import DatabaseWrapper


@contextmanager
def scratch_database() -> Iterator[None]:
    """Let this thread's queries go to a migrated SQLite database in memory, in one transaction that never commits.

    So nothing that waits for a commit happens: no relay is woken, no socket hears of it.
    """
    real = connections[DEFAULT_DB_ALIAS]
    kept = {
        name: value for name, value in real.settings_dict.items() if name not in {"HOST", "PORT", "USER", "PASSWORD"}
    }
    scratch = DatabaseWrapper(
        {**kept, "ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "OPTIONS": {}}, DEFAULT_DB_ALIAS
    )
    connections[DEFAULT_DB_ALIAS] = scratch
    try:
        call_command("migrate", verbosity=0, interactive=False)
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        connections[DEFAULT_DB_ALIAS] = real
        ContentType.objects.clear_cache()
