"""Who may do what: role → version → state → guards, read from the table."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from django.db.models import QuerySet

from appointments.errors import (
    DeadlinePassed,
    InvalidTransition,
    NotFound,
    PermissionDenied,
    StaleVersion,
)
from appointments.guards import not_hidden
from appointments.models import (
    Appointment,
    AppointmentStatus,
    AssignmentStatus,
)
from appointments.policy import Policy
from appointments.transitions import TRANSITIONS, State, Transition, Who, rows_for, state_of
from core.accounts.models import Role, User
from core.errors import DomainError
from core.prepared import prepared

CAPACITIES: Mapping[str, frozenset[Who]] = {
    Role.PATIENT: frozenset({Who.PATIENT}),
    Role.THERAPIST: frozenset({Who.HOLDER, Who.CANDIDATE}),
    Role.OPERATOR: frozenset({Who.OPERATOR}),
    Role.ADMIN: frozenset({Who.OPERATOR}),
}


def lock(appointment_id: int, actor: User | None) -> Appointment:
    """The appointment, locked until the transaction ends. Raises NotFound, also across institutions."""
    appointment = next(iter(_locked(appointment_id)), None)
    foreign = (
        appointment is not None
        and actor is not None
        and actor.role != Role.ADMIN
        and actor.institution_id != appointment.institution_id
    )
    if appointment is None or foreign:
        raise NotFound("No such appointment.")
    return appointment


@prepared
def _locked(appointment_id: int) -> QuerySet[Appointment]:
    rows = Appointment.objects.select_for_update(of=("self",)).select_related("institution", "patient", "service")
    return rows.filter(pk=appointment_id).order_by()


def check_role(action: str, actor: User) -> None:
    """Refuse an action that the actor's role never may take. Raises PermissionDenied."""
    wanted = {who for row in rows_for(action) for who in row.by}
    if not wanted & CAPACITIES[actor.role]:
        raise PermissionDenied(f"A {actor.get_role_display().lower()} may not {action.replace('_', ' ')}.")


def capacity(appointment: Appointment, actor: User | None) -> Who:
    """In which capacity `actor` meets this appointment."""
    if actor is None:
        return Who.SYSTEM
    if actor.role == Role.THERAPIST:
        held = appointment.therapist_id == actor.pk and appointment.status != AppointmentStatus.AUTO_CANCELLED
        return Who.HOLDER if held else Who.CANDIDATE
    who = next(iter(CAPACITIES[actor.role]))
    if who is Who.PATIENT and appointment.patient_id != actor.pk:
        raise NotFound("No such appointment.")
    return who


def check(
    row: Transition,
    appointment: Appointment,
    actor: User | None,
    now: datetime,
    policy: Policy,
    version: int | None = None,
) -> None:
    """Refuse what the table does not allow.

    Raises PermissionDenied, StaleVersion, InvalidTransition, DeadlinePassed.
    """
    if actor is not None:
        check_role(row.action, actor)
    if version is not None and version != appointment.version:
        raise StaleVersion(f"The appointment has moved on to version {appointment.version}.")
    refused = refusal(row, appointment, actor, now, policy)
    if refused is not None and actor is not None and _answers_too_late(row, appointment, actor):
        raise DeadlinePassed("The time to answer this offer has passed.")
    if refused is not None:
        raise refused


def refusal(
    row: Transition, appointment: Appointment, actor: User | None, now: datetime, policy: Policy
) -> DomainError | None:
    """Why the table does not allow this row now, or None; reads no database."""
    if not not_hidden.holds(appointment, now, policy):
        return InvalidTransition(not_hidden.refusal)
    state = state_of(appointment)
    if state not in row.by.get(capacity(appointment, actor), frozenset()):
        return InvalidTransition(f"Cannot {row.action.replace('_', ' ')}: the appointment is {state.status.value}.")
    for guard in row.guards:
        if not guard.holds(appointment, now, policy):
            return guard.error(guard.refusal)
    return None


def allowed_actions(appointment: Appointment, actor: User, now: datetime, policy: Policy) -> list[str]:
    """The actions that `actor` may take on this appointment now, in the order of the table; reads no database."""
    rows = _listed(capacity(appointment, actor), state_of(appointment))
    return list(dict.fromkeys(row.action for row in rows if refusal(row, appointment, actor, now, policy) is None))


@cache
def _listed(who: Who, state: State) -> tuple[Transition, ...]:
    """The few rows that may be open to somebody: a page of a list asks for every appointment."""
    return tuple(row for row in TRANSITIONS.values() if row.listed and state in row.by.get(who, frozenset()))


def _answers_too_late(row: Transition, appointment: Appointment, actor: User) -> bool:
    """Tell whether the actor answers an offer of theirs that has already expired."""
    if row.action not in {"accept", "reject", "extend"}:
        return False
    if actor.role == Role.THERAPIST:
        last = appointment.assignments.filter(therapist=actor).order_by("-id").first()
        return last is not None and last.status == AssignmentStatus.EXPIRED
    return appointment.status == AppointmentStatus.AUTO_CANCELLED
