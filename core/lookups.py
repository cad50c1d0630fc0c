"""Conditions that Django's own lookups cannot say well."""

import json
from collections.abc import Collection
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func
from django.db.models.sql.compiler import SQLCompiler


class AnyOf(Func):
    """`column` is one of `ids`, however many: one parameter, where `__in` has one for each."""

    output_field = BooleanField()
    empty_result_set_value = False

    def __init__(self, column: str, ids: Collection[int]) -> None:
        super().__init__(F(column))
        self.ids = ids

    def as_sql(  # type: ignore[override]  # there is nothing to set about it
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        """One text of all ids, which the database takes apart. Raises EmptyResultSet."""
        if not self.ids:
            raise EmptyResultSet  # the condition is left out: PostgreSQL would plan an empty array as if it held
        column, before = compiler.compile(self.source_expressions[0])
        if connection.vendor == "postgresql":
            return f"{column} = ANY (%s::bigint[])", [*before, "{" + ",".join(map(str, self.ids)) + "}"]
        each = f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - the column's quoted name
        return each, [*before, json.dumps(list(self.ids))]
