"""Queries of one shape, whose SQL is built once: to build it anew takes Django longer than the database to run it.

    @prepared
    def taken(room: int, now: datetime) -> QuerySet[Stay]:
        return Stay.objects.filter(room_id=room, start__gt=now - LONGEST)

    taken(3, now)  # a list of stays

    @prepared_update
    def leave(room: int, now: datetime) -> tuple[QuerySet[Stay], dict[str, Any]]:
        return Stay.objects.filter(room_id=room), {"end": now}

    leave(3, now)  # how many have left

The function is called once for each kind of database, with a `Given` for each argument. It may compare columns to them
or write them there, and add a time to them or take one away; a branch on their value would be taken once for all.
Values come in the order of the signature, none of them None.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, QuerySet
from django.db.models.sql import Query, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError, mark_for_rollback_on_error

P = ParamSpec("P")
R = TypeVar("R")


class Given(Expression):
    """An argument within the statement, with what becomes of its value on the way there."""

    def __init__(self, name: str, *steps: Callable[[Any], Any]) -> None:
        super().__init__()
        self.name, self.steps = name, steps

    def then(self, step: Callable[[Any], Any]) -> "Given":
        """The same argument, and one more thing done to its value."""
        return Given(self.name, *self.steps, step)

    def part(self, key: Any) -> "Given":
        """What the argument holds at this place, or under this key."""
        return self.then(itemgetter(key))

    def __add__(self, time: timedelta) -> "Given":  # type: ignore[override]  # of a time, not of SQL
        return self.then(lambda value: value + time)

    def __sub__(self, time: timedelta) -> "Given":  # type: ignore[override]
        return self + -time

    def as_sql(  # type: ignore[override]  # the parameter is known later
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        """A placeholder; `value` goes there."""
        return "%s", [self]

    def value(self, values: Mapping[str, Any], connection: BaseDatabaseWrapper) -> Any:
        """What the database is given."""
        value = values[self.name]
        for step in self.steps:
            value = step(value)
        return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def parts(given: Any, columns: Iterable[tuple[str, bool]]) -> dict[str, Any]:
    """What a given mapping holds under each name; nothing where it is known to be empty."""
    return {name: None if empty else given.part(name) for name, empty in columns}


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


def _given(params: Sequence[Any], values: Mapping[str, Any], connection: BaseDatabaseWrapper) -> list[Any]:
    return [one.value(values, connection) if isinstance(one, Given) else one for one in params]


def _rows(statement: Statement, values: Mapping[str, Any], connection: BaseDatabaseWrapper) -> list[Any]:
    given = _given(statement.params, values, connection)
    compiler: Any = copy(statement.compiler)  # they are not shared between threads
    compiler.connection = connection
    compiler.as_sql = lambda *_, **__: (statement.sql, given)
    query: Any = Bound(statement.rows.query, compiler)
    rows: Any = QuerySet(statement.rows.model, query=query, using=DEFAULT_DB_ALIAS)
    rows._iterable_class = statement.rows._iterable_class  # type: ignore[attr-defined]
    return list(rows)


class prepared_update(Generic[P]):  # noqa: N801 - a decorator
    """A function of rows and of what to write, by field; called with values it writes, and says to how many rows.

    Raises what the database raises.
    """

    def __init__(self, build: Callable[P, tuple[QuerySet[Any], Mapping[str, Any]]]) -> None:
        self.build = build
        self._names = tuple(inspect.signature(build).parameters)
        self._statements: dict[str, tuple[str, Sequence[Any]]] = {}

    def __call__(self, *args: P.args, **_: P.kwargs) -> int:
        connection = connections[DEFAULT_DB_ALIAS]
        sql, params = self._statements.get(connection.vendor) or self._prepare(connection)
        given = _given(params, dict(zip(self._names, args, strict=True)), connection)
        with mark_for_rollback_on_error(DEFAULT_DB_ALIAS), connection.cursor() as cursor:
            cursor.execute(sql, given)
            return cursor.rowcount

    def _prepare(self, connection: BaseDatabaseWrapper) -> tuple[str, Sequence[Any]]:
        build: Callable[..., tuple[QuerySet[Any], Mapping[str, Any]]] = self.build
        rows, values = build(*map(Given, self._names))
        field_of = rows.model._meta.get_field
        written = {
            name: value.then(partial(field_of(name).get_db_prep_save, connection=connection))
            if isinstance(value, Given)
            else value
            for name, value in values.items()
        }
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(written)
        return self._statements.setdefault(connection.vendor, query.get_compiler(connection=connection).as_sql())
