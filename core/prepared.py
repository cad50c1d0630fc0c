"""Queries of one shape, whose SQL is built once: to build it anew takes Django longer than the database to run it.

    @prepared
    def taken(room: int, now: datetime) -> QuerySet[Stay]:
        return Stay.objects.filter(room_id=room, start__gt=now - LONGEST)

    taken(3, now)  # a list of stays

The function is called once for each kind of database, with a `Given` for each argument. It may compare columns to them,
and add a time to them or take one away; a branch on their value would be taken once for all. Values come in the order
of the signature, none of them None.
"""

import inspect
from collections.abc import Callable, Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, QuerySet
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

P = ParamSpec("P")
R = TypeVar("R")


class Given(Expression):
    """An argument within the statement, with what is added to its value."""

    def __init__(self, name: str, later: timedelta | None = None) -> None:
        super().__init__()
        self.name, self.later = name, later

    def __add__(self, time: timedelta) -> "Given":  # type: ignore[override]  # of a time, not of SQL
        return Given(self.name, (self.later or timedelta()) + time)

    def __sub__(self, time: timedelta) -> "Given":  # type: ignore[override]
        return self + -time

    def as_sql(  # type: ignore[override]  # the parameter is known later
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        """A placeholder; `value` goes there."""
        return "%s", [self]

    def value(self, values: dict[str, Any], connection: BaseDatabaseWrapper) -> Any:
        """What the database is to compare with."""
        value = values[self.name]
        if self.later is not None:
            value += self.later
        return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


class Statement(NamedTuple):
    """What a queryset has become."""

    rows: QuerySet[Any]
    compiler: SQLCompiler
    sql: str
    params: Sequence[Any]


class Bound:
    """The query of one call, as far as the reading of its rows asks for it."""

    def __init__(self, query: Query, compiler: SQLCompiler) -> None:
        self._query, self._compiler = query, compiler

    def get_compiler(self, *_: Any, **__: Any) -> SQLCompiler:
        """One that has the statement already."""
        return self._compiler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._query, name)


class prepared(Generic[P, R]):  # noqa: N801 - a decorator
    """A function of a queryset, which called with values gives the rows. Raises what the query raises."""

    def __init__(self, build: Callable[P, QuerySet[Any, R]]) -> None:
        self.build = build
        self._names = tuple(inspect.signature(build).parameters)
        self._statements: dict[str, Statement] = {}

    def __call__(self, *args: P.args, **_: P.kwargs) -> list[R]:
        connection = connections[DEFAULT_DB_ALIAS]
        statement = self._statements.get(connection.vendor) or self._prepare(connection)
        if statement.rows.query.select_for_update and not connection.in_atomic_block:
            raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        return _rows(statement, dict(zip(self._names, args, strict=True)), connection)

    def _prepare(self, connection: BaseDatabaseWrapper) -> Statement:
        build: Callable[..., QuerySet[Any, R]] = self.build
        rows = build(*map(Given, self._names))
        compiler = rows.query.get_compiler(connection=connection)
        return self._statements.setdefault(connection.vendor, Statement(rows, compiler, *compiler.as_sql()))


def _rows(statement: Statement, values: dict[str, Any], connection: BaseDatabaseWrapper) -> list[Any]:
    given = [one.value(values, connection) if isinstance(one, Given) else one for one in statement.params]
    compiler: Any = copy(statement.compiler)  # they are not shared between threads
    compiler.connection = connection
    compiler.as_sql = lambda *_, **__: (statement.sql, given)
    query: Any = Bound(statement.rows.query, compiler)
    rows: Any = QuerySet(statement.rows.model, query=query, using=DEFAULT_DB_ALIAS)
    rows._iterable_class = statement.rows._iterable_class  # type: ignore[attr-defined]
    return list(rows)
