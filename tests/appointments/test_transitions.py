"""The contract's table of transitions, written out once more and held against what the services do."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import transaction

from appointments import guards
from appointments.errors import DeadlinePassed, InvalidTransition, NotFound, PermissionDenied
from appointments.machine import allowed_actions
from appointments.models import Appointment, AppointmentLog
from appointments.policy import current_policy
from appointments.transitions import TRANSITIONS, State, state_of
from core.accounts.models import Role, User
from core.errors import DomainError
from core.outbox.models import OutboxEntry
from tests.appointments.moves import (
    AFTER,
    IN_STATE,
    LATER,
    NOW,
    SOON,
    START,
    act,
    fresh,
    ids,
    minutes,
    moment,
    offered,
    watched,
)
from tests.support.cast import Cast

S = State
NONE, WITH = S.UNASSIGNED, S.OFFERED
EVERY = set(State)
HELD = {S.CONFIRMED, S.ASSIGNED}


@dataclass(frozen=True)
class Row:
    """`patient`, `therapist`, `operator`: the states from which each may; `to` None stays."""

    audit: str
    event: str | None = None
    to: State | None = None
    operator: frozenset[State] | set[State] = frozenset()
    therapist: frozenset[State] | set[State] = frozenset()
    patient: frozenset[State] | set[State] = frozenset()
    bumps: bool = True


CANCELLABLE = {NONE, WITH, *HELD, S.REJECTED, S.MISSED}
MOVABLE = {NONE, WITH, *HELD, S.MISSED, S.NO_SHOW}
COMPLETABLE = {S.IN_PROGRESS, *HELD, S.MISSED}
CONTRACT = {
    "assign": Row("assigned", "appointment_assigned", WITH, operator={NONE, S.AUTO_CANCELLED}),
    "unassign": Row("unassigned", "appointment_unassigned", NONE, operator={WITH, *HELD}),
    "extend": Row("extended", "deadline_extended", operator={WITH}, therapist={WITH}),
    "accept": Row("confirmed", "appointment_accepted", S.CONFIRMED, operator={WITH}, therapist={WITH}),
    "reject": Row("rejected", "appointment_rejected", S.REJECTED, therapist={WITH}),
    "review: accept": Row("rejection_accepted", "rejection_reviewed", NONE, operator={S.REJECTED}),
    "review: deny": Row("rejection_denied", "rejection_reviewed", S.ASSIGNED, operator={S.REJECTED}),
    "reassign": Row("unassigned", "appointment_unassigned", NONE, operator={NONE, WITH, *HELD, S.AUTO_CANCELLED}),
    "start": Row("started", "appointment_started", S.IN_PROGRESS, operator=HELD, therapist=HELD),
    "complete": Row("completed", "appointment_completed", S.COMPLETED, operator=COMPLETABLE, therapist=COMPLETABLE),
    "no_show": Row(
        "no_show", "appointment_no_show", S.NO_SHOW, operator={*HELD, S.MISSED}, therapist={*HELD, S.MISSED}
    ),
    "cancel": Row(
        "cancelled",
        "appointment_cancelled",
        S.CANCELLED,
        operator=CANCELLABLE,
        therapist=HELD,
        patient=CANCELLABLE,
    ),
    "reschedule": Row(
        "rescheduled",
        None,
        S.RESCHEDULED,
        operator=MOVABLE,
        therapist=MOVABLE - {NONE, WITH},
        patient=MOVABLE,
    ),
    "mark_paid": Row("paid", "appointment_updated", operator=EVERY - {S.CANCELLED}),
    "claim": Row("claimed", "appointment_claimed", operator={NONE, WITH, S.REJECTED}),
    "remind": Row("reminder_sent", None, operator={WITH}, bumps=False),
    "handover_notes": Row("noted", None, operator=EVERY, bumps=False),
    "update": Row(
        "updated",
        "appointment_updated",
        operator=EVERY,
        therapist=EVERY - {NONE, S.AUTO_CANCELLED},
        patient={NONE, WITH, S.CONFIRMED},
    ),
    "delete": Row(
        "deleted",
        None,
        operator={S.MISSED, S.NO_SHOW, S.CANCELLED, S.AUTO_CANCELLED, S.RESCHEDULED},
        therapist={S.MISSED, S.NO_SHOW},
    ),
}
ROLES = {Role.PATIENT: "patient", Role.THERAPIST: "therapist", Role.OPERATOR: "operator", Role.ADMIN: "operator"}
MOVES = [
    pytest.param(action, who, source, id=f"{who} {action}, {source.value}")
    for action, row in CONTRACT.items()
    for who in ("operator", "therapist", "patient")
    for source in sorted(getattr(row, who))
]
# A rejected one is reassigned by accepting the rejection: another audit row and event, tested with the service.
REASSIGNED_REJECTION = ("reassign", S.REJECTED)


def told(cast: Cast, action: str, event: str, source: State) -> set[int]:
    """Who learns of it, by the contract's table of events."""
    people = ids(cast.olive, cast.otto)
    if event == "appointment_claimed":
        return people
    if source not in {NONE, S.AUTO_CANCELLED}:
        people |= ids(cast.theo)
    if action == "assign":
        people |= ids(cast.tara)
    only_after_acceptance = event == "appointment_unassigned" and source not in HELD
    if event not in {"deadline_extended", "appointment_rejected", "rejection_reviewed"} and not only_after_acceptance:
        people |= ids(cast.pia)
    return people


@pytest.mark.parametrize(("action", "who", "source"), MOVES)
def test_whom_the_table_names_may_move_it_with_one_audit_row_and_its_event(
    cast: Cast, action: str, who: str, source: State
) -> None:
    row = CONTRACT[action]
    actor: User = {"operator": cast.olive, "therapist": cast.theo, "patient": cast.pia}[who]
    before = fresh(IN_STATE[source](cast).pk)
    now = moment(action, source)
    with watched() as left:
        act(action, cast, before.pk, actor, now)
    after = fresh(before.pk)
    assert state_of(after) is (row.to or source)
    assert after.version == before.version + row.bumps
    mine = [log for log in left().logs if log.appointment_id == before.pk]
    assert [(log.action, log.performed_by_id, log.timestamp) for log in mine] == [(row.audit, actor.pk, now)]
    events = left().events
    if action == "reschedule":
        assert set(events) == {"appointment_rescheduled"}
        assert events["appointment_rescheduled"] == ids(cast.olive, cast.otto, cast.pia) | (
            ids(cast.theo) if source is not NONE else set()
        )
    else:
        assert events == ({row.event: told(cast, action, row.event, source)} if row.event else {})


@pytest.mark.parametrize("source", State, ids=lambda state: state.value)
def test_everybody_else_is_refused_and_nothing_is_written(cast: Cast, source: State) -> None:
    appointment = fresh(IN_STATE[source](cast).pk)
    written = _written(appointment)
    everybody = (cast.pia, cast.pavel, cast.theo, cast.tara, cast.olive, cast.ada, cast.xander)
    for action, row in CONTRACT.items():
        for actor in everybody:
            named = {"operator": row.operator, "therapist": row.therapist, "patient": row.patient}
            own = actor not in {cast.pavel, cast.tara, cast.xander}
            allowed = own and source in named[ROLES[Role(actor.role)]]
            if allowed or ((action, source) == REASSIGNED_REJECTION and actor in {cast.olive, cast.ada}):
                continue
            expected = _refusal(cast, action, actor, bool(named[ROLES[Role(actor.role)]]), source)
            refused = _refused(action, cast, appointment.pk, actor, source)
            assert refused is expected, f"{actor.first_name}: {action} of what is {source.value}"
            assert _written(appointment) == written


def _refused(action: str, cast: Cast, pk: int, actor: User, source: State) -> type[DomainError] | None:
    try:
        with transaction.atomic():
            act(action, cast, pk, actor, moment(action, source))
    except DomainError as error:
        return type(error)
    return None


def _refusal(cast: Cast, action: str, actor: User, role_may: bool, source: State) -> type[Exception]:
    if actor == cast.xander:
        return NotFound
    if not role_may:
        return PermissionDenied
    if actor == cast.pavel:
        return NotFound
    late = source is S.AUTO_CANCELLED and action in {"accept", "reject", "extend"} and actor != cast.tara
    return DeadlinePassed if late else InvalidTransition


def _written(appointment: Appointment) -> tuple[Any, ...]:
    row = Appointment.objects.filter(pk=appointment.pk).values().get()
    return row, AppointmentLog.objects.count(), OutboxEntry.objects.count(), Appointment.objects.count()


@pytest.mark.parametrize("source", State, ids=lambda state: state.value)
def test_allowed_actions_are_those_that_would_succeed(cast: Cast, source: State) -> None:
    appointment = fresh(IN_STATE[source](cast).pk)
    for action, row in CONTRACT.items():
        for actor, states in ((cast.olive, row.operator), (cast.theo, row.therapist), (cast.pia, row.patient)):
            name = "review_rejection" if action.startswith("review") else action
            now = moment(action, source)
            shown = name in allowed_actions(appointment, actor, now, current_policy())
            special = (action, source) == REASSIGNED_REJECTION and actor == cast.olive
            assert shown == (source in states or special), f"{actor.first_name}: {action} from {source.value}"


def test_no_action_stands_in_the_table_without_a_test_of_its_contract() -> None:
    system = {"withdraw", "grace", "warn", "search_again", "search", "expire", "lapse", "miss"}
    ours = {"review_rejection" if action.startswith("review") else action for action in CONTRACT} | {"release"}
    ours |= {"delete_meeting", "send_reminder"}  # tests/appointments/api: test_meetings.py, test_reminders.py
    assert {row.action for row in TRANSITIONS.values()} == ours | system


def test_the_two_forms_of_every_guard_agree(cast: Cast) -> None:
    found = [value for value in vars(guards).values() if isinstance(value, guards.Guard)]
    rows = []
    for number, state in enumerate(State):
        with transaction.atomic():
            rows.append(IN_STATE[state](_another(cast, number)).pk)
    policy = current_policy()
    rows.append(offered(_another(cast, len(State)), start=NOW + minutes(20)).pk)
    for now in (SOON, LATER, START, AFTER):
        for guard in found:
            for pk in rows:
                by_sql = Appointment.objects.filter(guard.where(now, policy), pk=pk).exists()
                assert by_sql == guard.holds(fresh(pk), now, policy), f"{guard.name} on {state_of(fresh(pk)).value}"


def _another(cast: Cast, number: int) -> Cast:
    """The same clinic with a therapist and a patient of their own, whose time is free."""
    theo = User.objects.create(username=f"theo{number}", role=Role.THERAPIST, institution=cast.clinic)
    pia = User.objects.create(username=f"pia{number}", role=Role.PATIENT, institution=cast.clinic)
    return replace(cast, theo=theo, pia=pia)
