"""Emptying the database after a test that commits, which Django does in the most thorough way.

TRUNCATE makes the files of every table and index of PostgreSQL anew, and content types and permissions are looked
through again: a second for each such test, where deleting the few rows that it has left takes milliseconds.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate

KEPT = {"django_content_type", "auth_permission"}


def flush_gently() -> None:
    """Let `flush` delete rows, and leave alone what migrations made."""
    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    connection.ops.sql_flush = _deletes


def _deletes(style: Any, tables: Iterable[str], **kwargs: Any) -> list[str]:
    # Foreign keys are checked at the end of the transaction; the log gives rows up only to the archive.
    begin = ["SET LOCAL appointments.archiving = 'on'"] if connection.vendor == "postgresql" else []
    quote = connection.ops.quote_name
    return [*begin, *(f"DELETE FROM {quote(table)}" for table in tables if table not in KEPT)]
