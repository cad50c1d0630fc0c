"""Carrying changes out as a whole: UPDATE, places, assignment, audit row, Outbox rows."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial, reduce
from inspect import signature
from operator import or_
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from appointments.errors import (
    InvalidTransition,
)
from appointments.events import EventType
from appointments.machine.changes import Change, Values, logged_name, plain, plan, plan_alike
from appointments.machine.checks import check, refusal
from appointments.machine.holding import (
    holds_therapist,
    move_places,
    refuse_overlap,
    refuse_taken,
    refusing_conflicts,
    take_places,
)
from appointments.machine.reminding import REMINDED, follow, plan_reminders
from appointments.machine.telling import effects_of, effects_of_creation
from appointments.models import (
    Appointment,
    AppointmentLog,
    Assignment,
    AssignmentStatus,
)
from appointments.models.assignment import ENDED
from appointments.policy import Policy, current_policy
from appointments.transitions import TRANSITIONS, State, state_of
from core.accounts.models import User
from core.inserting import insert_many
from core.lookups import AnyOf
from core.outbox.writing import write_many
from core.prepared import parts, prepared, prepared_update

Planned = Mapping[str, Any] | Callable[[Appointment], Mapping[str, Any]]
Where = Q | partial[Q]
# What an UPDATE writes, by name, and whether it becomes empty.
Columns = tuple[tuple[str, bool], ...]

_CREATED_COLUMNS = (
    *("status", "version", "patient_id", "therapist_id", "service_id", "appointment_type", "start", "end"),
    *("duration_minutes", "time_slot_id", "origin", "open", "assigned_at", "response_deadline", "warn_at"),
    *("booking_method", "rescheduled_from_id", "consultation_fee", "confirmed_at"),
)

_LOG_COLUMNS = ("appointment_id", "action", "performed_by_id", "timestamp", "notes", "old_values", "new_values")

# What no move by the system reads or writes; a wide row costs more to load than to move.
_UNTOUCHED = (
    *("appointment_id", "meeting_id", "service", "appointment_type", "appointment_date", "appointment_time"),
    *("duration_minutes", "reason_for_visit", "symptoms", "notes", "booking_method", "booked_by", "video_url"),
    *("confirmed_at", "started_at", "completed_at", "cancelled_by", "consultation_fee", "is_paid", "paid_at"),
    *("payment_method", "rescheduled_from", "created_at", "updated_at"),
)


def apply(
    name: str,
    appointment: Appointment,
    actor: User | None,
    now: datetime,
    *,
    version: int | None = None,
    policy: Policy | None = None,
    **planned: Any,
) -> Appointment:
    """Move one locked appointment by one row of the table, whole or not at all.

    `planned` are the fields of `Change`: `changes` (columns beside those that follow from the row), `notes`, `data`
    (facts of the event), `tasks`, `assignment_values`. Raises what `check` raises, DoubleBooked and SlotFull.
    """
    row = TRANSITIONS[name]
    check(row, appointment, actor, now, policy or current_policy(), version)
    carry_out([plan(row, appointment, actor, now, **planned)])
    return appointment


def apply_many(
    name: str,
    now: datetime,
    *,
    limit: int,
    where: Where | None = None,
    planned: Planned = MappingProxyType({}),
    also: Mapping[str, Planned] = MappingProxyType({}),
    policy: Policy | None = None,
    wait: bool = False,
    order: str = "id",
) -> list[Appointment]:
    """Move up to `limit` rows that the system may move by this row now, the first by `order`.

    `planned` is what `apply` takes, the same for all rows or, which costs more, a function of each; `also` are further
    rows of the table, for appointments that `name` does not move, with what is planned for those. `where` is a further
    condition; as a function with its values (`partial`) its statement is built once.
    Rows locked by others are left to them, or with `wait` waited for.
    """
    policy = policy or current_policy()
    moves = [(TRANSITIONS[each], plans) for each, plans in {name: planned, **also}.items()]
    # Within a sweep's transaction the batch stands or falls as a whole: no savepoint, no round trips for it.
    with transaction.atomic(savepoint=False):
        asked = (name, *also), policy, limit, order, wait
        if isinstance(where, partial):
            rows = _due(*asked, where=where.func)(now, where.args)
        else:
            rows = list(_locked(now, where, *asked)) if where else _due(*asked)(now, ())
        changes: list[Change] = []
        for row, plans in moves:
            theirs = [each for each in rows if refusal(row, each, None, now, policy) is None] if also else rows
            if callable(plans):
                changes += [plan(row, appointment, None, now, **plans(appointment)) for appointment in theirs]
            else:
                changes += plan_alike(row, theirs, now, **plans)
        if changes:
            carry_out(changes)
    return [change.appointment for change in changes]


@lru_cache(maxsize=128)
def _due(*asked: Any, where: Callable[..., Q] | None = None) -> prepared[[datetime, tuple[Any, ...]], Appointment]:
    """What a sweep asks each time."""

    @prepared
    def due(now: datetime, given: Any) -> QuerySet[Appointment]:
        further = where(*map(given.part, range(len(signature(where).parameters)))) if where else Q()
        return _locked(now, further, *asked)

    return due


def _locked(
    now: datetime, where: Q, names: tuple[str, ...], policy: Policy, limit: int, order: str, wait: bool
) -> QuerySet[Appointment]:
    condition = reduce(or_, (TRANSITIONS[name].where(now, policy) for name in names))
    rows = Appointment.objects.filter(condition, where).defer(*_UNTOUCHED)
    return rows.select_for_update(skip_locked=not wait, of=("self",)).order_by(order)[:limit]


def carry_out(changes: Sequence[Change]) -> None:
    """Write planned changes of locked appointments with everything that belongs to them."""
    for change in changes:
        refuse_overlap(change)
    _update_appointments(changes)
    move_places(changes)
    for change in changes:
        change.carry_over()
    _end_or_answer_assignments(changes)
    offered = {change.pk: _open_assignment(change) for change in changes if _opens(change)}
    follow(changes)
    insert_many(AppointmentLog, _LOG_COLUMNS, map(_log, changes))
    effects = (effect for change in changes for effect in effects_of(change, offered.get(change.pk)))
    write_many(effects, now=changes[0].now)


def create(
    appointment: Appointment,
    actor: User | None,
    now: datetime,
    *,
    event: EventType = EventType.NEW_APPOINTMENT,
    data: Mapping[str, Any] | None = None,
    full_clock: bool = True,
    audience: Mapping[str, Any] | None = None,
) -> Appointment:
    """Insert an unsaved appointment, with its assignment if it has a therapist; raises DoubleBooked and SlotFull.

    `audience` overrides who is told (the keys of `EventFact`).
    """
    refuse_taken(appointment)
    with refusing_conflicts():
        appointment.save(force_insert=True)
    assignment = None
    if holds_therapist(appointment.status, appointment.therapist_id):
        if appointment.time_slot_id is not None:
            take_places(appointment.time_slot_id, 1)
        assert appointment.therapist_id and appointment.origin
        offered = appointment.response_deadline is not None
        assignment = Assignment.objects.create(
            appointment=appointment,
            therapist_id=appointment.therapist_id,
            origin=appointment.origin,
            status=AssignmentStatus.OFFERED if offered else AssignmentStatus.ACCEPTED,
            assigned_at=now,
            answered_at=None if offered else now,
            full_clock=full_clock,
        )
    if state_of(appointment) in REMINDED:
        plan_reminders([appointment], now)
    values = {logged_name(name): plain(getattr(appointment, name)) for name in _CREATED_COLUMNS}
    performed_by = actor.pk if actor else None
    insert_many(AppointmentLog, _LOG_COLUMNS, [(appointment.pk, "created", performed_by, now, "", {}, values)])
    write_many(effects_of_creation(appointment, assignment, event, data or {}, audience or {}), now=now)
    return appointment


def _update_appointments(changes: Sequence[Change]) -> None:
    """The guarded UPDATE: one statement for all changes that write the same values."""
    for values, group in _alike(changes):
        sources = frozenset(change.source for change in group)
        versions = {change.before["version"] for change in group}
        move = _guarded(sources, _columns(values), group[0].row.bumps)
        with refusing_conflicts():
            moved = move([change.pk for change in group], versions, values, group[0].now)
        if moved != len(group):
            raise InvalidTransition("Somebody else was faster; nothing was changed.")


def _columns(values: Mapping[str, Any]) -> Columns:
    return tuple((name, value is None) for name, value in values.items())


@lru_cache(maxsize=256)
def _guarded(
    sources: frozenset[State], columns: Columns, bumps: bool
) -> prepared_update[[Collection[int], Collection[int], Mapping[str, Any], datetime]]:
    @prepared_update
    def move(
        ids: Collection[int], versions: Collection[int], values: Mapping[str, Any], now: datetime
    ) -> tuple[QuerySet[Appointment], Mapping[str, Any]]:
        where = reduce(or_, (source.where for source in sorted(sources)))
        rows = Appointment.objects.filter(where, AnyOf("pk", ids), AnyOf("version", versions))
        bumped = {"version": F("version") + 1, "updated_at": now} if bumps else {}
        return rows, parts(values, columns) | bumped

    return move


def _alike(changes: Sequence[Change]) -> Iterable[tuple[Values, list[Change]]]:
    """The changes that write something, by what they write."""
    shared: dict[int, list[Change]] = defaultdict(list)
    for change in changes:
        shared[id(change.values)].append(change)
    groups: dict[tuple[tuple[str, Any], ...], list[Change]] = defaultdict(list)
    for group in shared.values():
        if group[0].values or group[0].row.bumps:
            groups[group[0].values.key] += group
    return [(group[0].values, group) for group in groups.values()]


def _opens(change: Change) -> bool:
    """Tell whether the change begins an assignment: an offer, or an open request taken."""
    return change.row.assignment is AssignmentStatus.OFFERED or (
        change.row.assignment is AssignmentStatus.ACCEPTED and change.source is State.UNASSIGNED
    )


def _end_or_answer_assignments(changes: Sequence[Change]) -> None:
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for change in changes:
        if _opens(change) or not (change.row.assignment or change.assignment_values):
            continue
        values = dict(change.assignment_values)
        if change.row.assignment:
            values["status"] = change.row.assignment
            if change.row.assignment in ENDED:
                values["ended_at"] = change.now
            elif change.source is State.OFFERED:
                values["answered_at"] = change.now
        groups[tuple(sorted(values.items()))].append(change.pk)
    for group, ids in groups.items():
        _live_assignments(_columns(dict(group)))(ids, dict(group))


@lru_cache(maxsize=64)
def _live_assignments(columns: Columns) -> prepared_update[[Collection[int], Mapping[str, Any]]]:
    @prepared_update
    def update(ids: Collection[int], values: Mapping[str, Any]) -> tuple[QuerySet[Assignment], Mapping[str, Any]]:
        rows = Assignment.objects.filter(AnyOf("appointment_id", ids), ended_at__isnull=True)
        return rows, parts(values, columns)

    return update


def _open_assignment(change: Change) -> Assignment:
    appointment = change.appointment
    accepted = change.row.assignment is AssignmentStatus.ACCEPTED
    assert appointment.therapist_id and appointment.origin and change.row.assignment
    return Assignment.objects.create(
        appointment=appointment,
        therapist_id=appointment.therapist_id,
        origin=appointment.origin,
        status=change.row.assignment,
        assigned_at=change.now,
        answered_at=change.now if accepted else None,
        **change.assignment_values,
    )


def _log(change: Change) -> tuple[Any, ...]:
    actor_id = change.actor.pk if change.actor else None
    return (change.pk, change.row.audit, actor_id, change.now, change.notes, *change.log_values)
