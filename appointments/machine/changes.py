"""A planned move: every column it touches, and what it leaves behind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

from appointments.models import (
    Appointment,
)
from appointments.transitions import State, Transition, state_of
from core.accounts.models import User

Task = tuple[str, Mapping[str, Any]]


# Columns that follow from a row's target are written here and nowhere else.
NO_OFFER: Mapping[str, Any] = {"response_deadline": None, "warn_at": None}


NO_SEARCH: Mapping[str, Any] = {"open": False, "search_id": None, "search_requested_at": None}


NO_THERAPIST: Mapping[str, Any] = {"therapist_id": None, "origin": None, "assigned_at": None, "time_slot_id": None}


CLAIMABLE = frozenset({State.UNASSIGNED, State.OFFERED, State.REJECTED})


_NAMES: Mapping[str, str] = {field.attname: field.name for field in Appointment._meta.concrete_fields}


class Values(dict[str, Any]):
    """What a move writes, by column; a sweep's rows share one, so what follows from it is worked out once."""

    @cached_property
    def key(self) -> tuple[tuple[str, Any], ...]:
        """Equal for moves that write the same."""
        return tuple(self.items())

    @cached_property
    def logged(self) -> Sequence[tuple[str, str, Any, Any]]:
        """Each column, what the log calls it, its value, and that as JSON."""
        return [(column, logged_name(column), value, plain(value)) for column, value in self.items()]


@dataclass(slots=True)
class Change:
    """One planned move of one appointment: `values`, the `before` of the same columns, and its effects.

    `version` and `updated_at` are not among the values: every row that bumps moves them.
    """

    row: Transition
    appointment: Appointment
    actor: User | None
    now: datetime
    values: Values
    notes: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    tasks: Sequence[Task] = ()
    assignment_values: Mapping[str, Any] = field(default_factory=dict)
    pk: int = field(init=False)
    before: dict[str, Any] = field(init=False)
    source: State = field(init=False)

    def __post_init__(self) -> None:
        appointment = self.appointment
        self.pk = appointment.pk
        self.before = {name: getattr(appointment, name) for name in self.values}
        self.before["version"] = appointment.version
        self.source = state_of(appointment)

    def was(self, name: str) -> Any:
        """The value a column had before the change."""
        return self.before[name] if name in self.before else getattr(self.appointment, name)

    def after(self, name: str) -> Any:
        """The value a column has once the change is carried out."""
        return self.values[name] if name in self.values else getattr(self.appointment, name)

    @property
    def log_values(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Old and new of every column that differs, as JSON; `updated_at` is the log's own timestamp."""
        old, new = {}, {}
        for column, name, value, shown in self.values.logged:
            was = self.before[column]
            if was != value:
                old[name], new[name] = plain(was), shown
        if self.row.bumps:
            old["version"], new["version"] = self.before["version"], self.before["version"] + 1
        return old, new

    def carry_over(self) -> None:
        """Bring the loaded appointment to what the database holds once the change is written."""
        for name, value in self.values.items():
            setattr(self.appointment, name, value)
        if self.row.bumps:
            self.appointment.version = self.before["version"] + 1
            self.appointment.updated_at = self.now


def logged_name(column: str) -> str:
    """What the log calls a column: `therapist` for `therapist_id`, while `search_id` is no reference."""
    return _NAMES.get(column, column)


def plain(value: Any) -> Any:
    """A column's value as JSON: instants in ISO 8601, money with its cents, what else JSON lacks as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


@cache
def _columns_of(target: State | None) -> Mapping[str, Any]:
    """What follows from a row's target, whichever appointment is moved."""
    if target is None:
        return MappingProxyType({})
    values: dict[str, Any] = {**NO_SEARCH, "status": target.status}
    if target is not State.OFFERED:
        values |= NO_OFFER
    if target is State.UNASSIGNED:
        values |= NO_THERAPIST
    if target is State.AUTO_CANCELLED:
        values["origin"] = None
    if target not in CLAIMABLE:
        values["claimed_by_id"] = None
    return MappingProxyType(values)


def plan(
    row: Transition,
    appointment: Appointment,
    actor: User | None,
    now: datetime,
    changes: Mapping[str, Any] | None = None,
    **effects: Any,
) -> Change:
    """Work out every column that the row of the table and the service's `changes` touch."""
    return Change(row, appointment, actor, now, _values(row, changes), **effects)


def plan_alike(
    row: Transition,
    appointments: Iterable[Appointment],
    now: datetime,
    changes: Mapping[str, Any] | None = None,
    **effects: Any,
) -> list[Change]:
    """The same move by the system for each of many."""
    values = _values(row, changes)
    return [Change(row, appointment, None, now, values, **effects) for appointment in appointments]


def _values(row: Transition, changes: Mapping[str, Any] | None) -> Values:
    return Values(_columns_of(row.to), **(changes or {}))
