"""Conditions that Django's own lookups cannot say well."""

import json
from collections.abc import Collection
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Count, F, Func, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

from core.prepared import Given


def counted(rows: QuerySet[Any], count: Count | None = None) -> QuerySet[Any, int]:
    """The number of rows as the only row of a queryset, where `count()` would ask at once."""
    one_group = rows.order_by().values(_=Value(1))
    return one_group.annotate(number=count or Count("*")).values_list("number", flat=True)


class AnyOf(Func):
    """`column` is one of `ids`, however many: one parameter, where `__in` has one for each.

    Of a prepared query `ids` is what will be given, and must not be empty.
    """

    output_field = BooleanField()
    empty_result_set_value = False

    def __init__(self, column: str, ids: Collection[int] | Given) -> None:
        super().__init__(F(column))
        self.ids = ids

    def as_sql(  # type: ignore[override]  # there is nothing to set about it
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        """One text of all ids, which the database takes apart. Raises EmptyResultSet."""
        if not self.ids:
            raise EmptyResultSet  # the condition is left out: PostgreSQL would plan an empty array as if it held
        column, before = compiler.compile(self.source_expressions[0])
        postgresql = connection.vendor == "postgresql"
        text = _as_array if postgresql else _as_json
        given = self.ids.then(text) if isinstance(self.ids, Given) else text(self.ids)
        if postgresql:
            return f"{column} = ANY (%s::bigint[])", [*before, given]
        return f"{column} IN (SELECT value FROM json_each(%s))", [*before, given]  # noqa: S608 - a quoted name


def _as_array(ids: Collection[int]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"


def _as_json(ids: Collection[int]) -> str:
    return json.dumps(list(ids))
