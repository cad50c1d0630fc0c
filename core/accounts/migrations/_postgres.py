"""What only PostgreSQL offers: an index by which any part of a name is found; SQLite reads all people for it."""

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# As Django asks for `icontains`.
NAMES = """
CREATE INDEX user_names ON accounts_user USING gin (
    upper(first_name::text) gin_trgm_ops, upper(last_name::text) gin_trgm_ops, upper(username::text) gin_trgm_ops
)
"""


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Add the index."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        schema_editor.execute(NAMES)


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Leave it to the table, which takes its indexes with it."""
