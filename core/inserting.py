"""Many new rows in one statement, where nobody needs their keys."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, JSONField, Model

# `json.dumps` with options would make an encoder for each value.
_to_json = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


class Texts(dict[datetime | None, str | None]):
    """Instants as text, each formatted once: those of a batch are mostly the same."""

    def __missing__(self, instant: datetime | None) -> str | None:
        self[instant] = text = None if instant is None else instant.isoformat()
        return text


def insert_many(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert a row for each sequence of values; `columns` are attributes, all that the database has no default for.

    PostgreSQL takes them by COPY: objects and their INSERT take the sweeps longer than all else that they do. It
    works on the first rows while the next are made, so whatever makes them must not read the database.
    """
    if connection.vendor == "postgresql":
        _copy(model, columns, rows)
    else:
        made = [model(**dict(zip(columns, row, strict=True))) for row in rows]
        model._default_manager.bulk_create(made)


def _copy(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    quote = connection.ops.quote_name
    fields = [field for name in columns for field in model._meta.concrete_fields if field.attname == name]
    documents = [place for place, field in enumerate(fields) if isinstance(field, JSONField)]
    instants = [place for place, field in enumerate(fields) if isinstance(field, DateTimeField)]
    texts = Texts()
    names = ", ".join(quote(str(field.column)) for field in fields)
    command = f"COPY {quote(model._meta.db_table)} ({names}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(command) as copy:
        for row in rows:
            values = list(row)
            for place in documents:
                values[place] = _to_json(values[place])
            for place in instants:
                values[place] = texts[values[place]]
            copy.write_row(values)
