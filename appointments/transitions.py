"""The table: who may move an appointment from where to where, under which guards, and what it leaves behind.

The machine, `allowed_actions`, the admin, the sweeps, TRANSITIONS.md and the tests all read it; no rule about
a status stands anywhere else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db.models import Q

from appointments import guards
from appointments.events import EventType
from appointments.guards import Guard
from appointments.models import Appointment, AppointmentStatus, AssignmentStatus
from appointments.policy import Policy


class State(StrEnum):
    """A status, with pending split by whether an offer waits for its answer."""

    UNASSIGNED = "pending (none)"
    OFFERED = "pending (with)"
    CONFIRMED = "confirmed"
    ASSIGNED = "assigned"
    REJECTED = "rejected"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    MISSED = "missed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    AUTO_CANCELLED = "auto_cancelled"
    RESCHEDULED = "rescheduled"

    @property
    def status(self) -> AppointmentStatus:
        if self in {State.UNASSIGNED, State.OFFERED}:
            return AppointmentStatus.PENDING
        return AppointmentStatus(self.value)

    @property
    def where(self) -> Q:
        """The rows in this state."""
        if self.status is AppointmentStatus.PENDING:
            return Q(status=AppointmentStatus.PENDING, therapist__isnull=self is State.UNASSIGNED)
        return Q(status=self.status)


def state_of(appointment: Appointment) -> State:
    """The state of a loaded appointment."""
    if appointment.status == AppointmentStatus.PENDING:
        return State.UNASSIGNED if appointment.therapist_id is None else State.OFFERED
    return State(appointment.status)


class Who(StrEnum):
    """In which capacity somebody acts; admins act as operators of every institution."""

    PATIENT = "patient (own)"
    HOLDER = "therapist (holder)"
    CANDIDATE = "therapist (qualified)"
    OPERATOR = "operator"
    SYSTEM = "system"


Sources = frozenset[State]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row. `to` None keeps the status; `bumps` false keeps the version (nothing on the appointment changes).

    `listed` false keeps it out of `allowed_actions`: a move that only resources of their own name have.

    `assignment` is what becomes of the live assignment: OFFERED, or ACCEPTED from no assignment, makes a new one.
    """

    name: str
    action: str
    by: Mapping[Who, Sources]
    to: State | None
    audit: str
    event: EventType | None = None
    guards: tuple[Guard, ...] = ()
    assignment: AssignmentStatus | None = None
    bumps: bool = True
    listed: bool = True
    effect: str = ""

    @property
    def sources(self) -> Sources:
        return frozenset().union(*self.by.values())

    def where(self, now: datetime, policy: Policy) -> Q:
        """The rows that the system may move by this row of the table, now."""
        condition = Q()
        for source in sorted(self.by[Who.SYSTEM]):
            condition |= source.where
        for guard in (guards.not_hidden, *self.guards):
            condition &= guard.where(now, policy)
        return condition


def _from(*states: State) -> Sources:
    return frozenset(states)


S, A, E = State, AssignmentStatus, EventType
HELD: Final = _from(S.CONFIRMED, S.ASSIGNED)
EVERY: Final = frozenset(State)
CANCELLABLE: Final = _from(S.UNASSIGNED, S.OFFERED, S.CONFIRMED, S.ASSIGNED, S.REJECTED, S.MISSED)
MOVABLE: Final = _from(S.UNASSIGNED, S.OFFERED, S.CONFIRMED, S.ASSIGNED, S.MISSED, S.NO_SHOW)
OVER: Final = _from(S.MISSED, S.NO_SHOW, S.CANCELLED, S.AUTO_CANCELLED, S.RESCHEDULED)

_ROWS: Final = (
    Transition(
        name="assign",
        action="assign",
        by={Who.OPERATOR: _from(S.UNASSIGNED, S.AUTO_CANCELLED)},
        to=S.OFFERED,
        guards=(guards.before_start,),
        assignment=A.OFFERED,
        audit="assigned",
        event=E.ASSIGNED,
        effect="a new offer with its deadline and ETA task",
    ),
    Transition(
        name="unassign",
        action="unassign",
        by={Who.OPERATOR: _from(S.OFFERED, S.CONFIRMED, S.ASSIGNED)},
        to=S.UNASSIGNED,
        assignment=A.WITHDRAWN,
        audit="unassigned",
        event=E.UNASSIGNED,
    ),
    Transition(
        name="withdraw",
        action="withdraw",
        by={Who.SYSTEM: _from(S.OFFERED)},
        to=S.UNASSIGNED,
        assignment=A.WITHDRAWN,
        audit="unassigned",
        event=E.UNASSIGNED,
        effect="the therapist was suspended while the offer waited",
    ),
    Transition(
        name="extend",
        action="extend",
        by={Who.OPERATOR: _from(S.OFFERED), Who.HOLDER: _from(S.OFFERED)},
        to=None,
        guards=(guards.before_deadline, guards.extendable),
        audit="extended",
        event=E.DEADLINE_EXTENDED,
        effect="the ETA task is armed anew",
    ),
    Transition(
        name="grace",
        action="grace",
        by={Who.SYSTEM: _from(S.OFFERED)},
        to=None,
        audit="extended",
        event=E.DEADLINE_EXTENDED,
        effect="an outage is added to the clock",
    ),
    Transition(
        name="warn",
        action="warn",
        by={Who.SYSTEM: _from(S.OFFERED)},
        to=None,
        guards=(guards.warning_due, guards.before_deadline),
        audit="warned",
        event=E.DEADLINE_APPROACHING,
        bumps=False,
        effect="also on the second channel",
    ),
    Transition(
        name="accept",
        action="accept",
        by={Who.HOLDER: _from(S.OFFERED), Who.OPERATOR: _from(S.OFFERED)},
        to=S.CONFIRMED,
        guards=(guards.before_deadline,),
        assignment=A.ACCEPTED,
        audit="confirmed",
        event=E.ACCEPTED,
        effect="the deadline is cleared",
    ),
    Transition(
        name="accept_open",
        action="accept",
        by={Who.CANDIDATE: _from(S.UNASSIGNED)},
        to=S.CONFIRMED,
        guards=(guards.is_open, guards.before_start),
        assignment=A.ACCEPTED,
        audit="confirmed",
        event=E.ACCEPTED,
        effect="the first wins; the others see it closed",
    ),
    Transition(
        name="reject",
        action="reject",
        by={Who.HOLDER: _from(S.OFFERED)},
        to=S.REJECTED,
        guards=(guards.before_deadline,),
        assignment=A.REJECTED,
        audit="rejected",
        event=E.REJECTED,
        effect="a rejection waits for review",
    ),
    Transition(
        name="reject_open",
        action="reject",
        by={Who.CANDIDATE: _from(S.UNASSIGNED)},
        to=None,
        guards=(guards.is_open, guards.before_start),
        audit="declined",
        bumps=False,
        effect="hidden from that therapist; the last one declining is told to the operators",
    ),
    Transition(
        name="review_accept",
        action="review_rejection",
        by={Who.OPERATOR: _from(S.REJECTED)},
        to=S.UNASSIGNED,
        guards=(guards.before_start,),
        assignment=A.RELEASED,
        audit="rejection_accepted",
        event=E.REVIEWED,
        effect="the reassignment task starts",
    ),
    Transition(
        name="review_deny",
        action="review_rejection",
        by={Who.OPERATOR: _from(S.REJECTED)},
        to=S.ASSIGNED,
        guards=(guards.before_start,),
        assignment=A.UPHELD,
        audit="rejection_denied",
        event=E.REVIEWED,
        effect="the therapist must come",
    ),
    Transition(
        name="reassign",
        action="reassign",
        by={Who.OPERATOR: _from(S.OFFERED, S.UNASSIGNED, S.CONFIRMED, S.ASSIGNED, S.AUTO_CANCELLED)},
        to=S.UNASSIGNED,
        guards=(guards.before_start, guards.not_searching),
        assignment=A.WITHDRAWN,
        audit="unassigned",
        event=E.UNASSIGNED,
        effect="the reassignment task starts",
    ),
    Transition(
        name="reassign_rejected",
        action="reassign",
        by={Who.OPERATOR: _from(S.REJECTED)},
        to=S.UNASSIGNED,
        guards=(guards.before_start,),
        assignment=A.RELEASED,
        audit="rejection_accepted",
        event=E.REVIEWED,
        effect="an accepted review; the reassignment task starts",
    ),
    Transition(
        name="search_again",
        action="search_again",
        by={Who.SYSTEM: _from(S.AUTO_CANCELLED)},
        to=S.UNASSIGNED,
        guards=(guards.before_start,),
        audit="unassigned",
        effect="AUTO_REASSIGN_ON_TIMEOUT: the reassignment task starts",
    ),
    Transition(
        name="search_found",
        action="search",
        by={Who.SYSTEM: _from(S.UNASSIGNED)},
        to=S.OFFERED,
        guards=(guards.before_start,),
        assignment=A.OFFERED,
        audit="assigned",
        event=E.ASSIGNED,
        effect="only for the search that was asked for last",
    ),
    Transition(
        name="search_empty",
        action="search",
        by={Who.SYSTEM: _from(S.UNASSIGNED)},
        to=S.CANCELLED,
        audit="cancelled",
        event=E.CANCELLED,
        effect='reason "no therapist available"',
    ),
    Transition(
        name="expire",
        action="expire",
        by={Who.SYSTEM: _from(S.OFFERED)},
        to=S.AUTO_CANCELLED,
        guards=(guards.deadline_reached, guards.not_chosen_by_patient),
        assignment=A.EXPIRED,
        audit="auto_cancelled",
        event=E.AUTO_CANCELLED,
        effect="the therapist is suspended",
    ),
    Transition(
        name="expire_request",
        action="expire",
        by={Who.SYSTEM: _from(S.OFFERED)},
        to=S.UNASSIGNED,
        guards=(guards.deadline_reached, guards.chosen_by_patient),
        assignment=A.EXPIRED,
        audit="unassigned",
        event=E.UNASSIGNED,
        effect="becomes an open request; nobody is suspended",
    ),
    Transition(
        name="lapse",
        action="lapse",
        by={Who.SYSTEM: _from(S.UNASSIGNED, S.REJECTED)},
        to=S.CANCELLED,
        guards=(guards.start_reached,),
        assignment=A.CANCELLED,
        audit="cancelled",
        event=E.CANCELLED,
        effect='reason "not staffed in time"',
    ),
    Transition(
        name="start",
        action="start",
        by={Who.HOLDER: HELD, Who.OPERATOR: HELD},
        to=S.IN_PROGRESS,
        guards=(guards.start_near,),
        audit="started",
        event=E.STARTED,
    ),
    Transition(
        name="complete",
        action="complete",
        by={Who.HOLDER: HELD | {S.IN_PROGRESS, S.MISSED}, Who.OPERATOR: HELD | {S.IN_PROGRESS, S.MISSED}},
        to=S.COMPLETED,
        guards=(guards.start_reached,),
        audit="completed",
        event=E.COMPLETED,
    ),
    Transition(
        name="no_show",
        action="no_show",
        by={Who.HOLDER: HELD | {S.MISSED}, Who.OPERATOR: HELD | {S.MISSED}},
        to=S.NO_SHOW,
        guards=(guards.start_reached,),
        audit="no_show",
        event=E.NO_SHOW,
    ),
    Transition(
        name="miss",
        action="miss",
        by={Who.SYSTEM: HELD},
        to=S.MISSED,
        guards=(guards.grace_over,),
        audit="missed",
        event=E.MISSED,
    ),
    Transition(
        name="cancel",
        action="cancel",
        by={Who.PATIENT: CANCELLABLE, Who.OPERATOR: CANCELLABLE, Who.HOLDER: HELD},
        to=S.CANCELLED,
        assignment=A.CANCELLED,
        audit="cancelled",
        event=E.CANCELLED,
        effect="the time is free again",
    ),
    Transition(
        name="reschedule",
        action="reschedule",
        by={Who.PATIENT: MOVABLE, Who.OPERATOR: MOVABLE, Who.HOLDER: HELD | {S.MISSED, S.NO_SHOW}},
        to=S.RESCHEDULED,
        assignment=A.CANCELLED,
        audit="rescheduled",
        effect="a successor takes its place and tells appointment_rescheduled",
    ),
    Transition(
        name="mark_paid",
        action="mark_paid",
        by={Who.OPERATOR: EVERY - {S.CANCELLED}},
        to=None,
        guards=(guards.not_paid,),
        audit="paid",
        event=E.UPDATED,
    ),
    Transition(
        name="claim",
        action="claim",
        by={Who.OPERATOR: _from(S.UNASSIGNED, S.OFFERED, S.REJECTED)},
        to=None,
        audit="claimed",
        event=E.CLAIMED,
        effect='"I\'m on it"',
    ),
    Transition(
        name="release",
        action="release",
        by={Who.OPERATOR: _from(S.UNASSIGNED, S.OFFERED, S.REJECTED)},
        to=None,
        guards=(guards.is_claimed,),
        audit="released",
        event=E.CLAIMED,
    ),
    Transition(
        name="remind",
        action="remind",
        by={Who.OPERATOR: _from(S.OFFERED)},
        to=None,
        guards=(guards.before_deadline,),
        audit="reminder_sent",
        bumps=False,
        effect="the offer again on the second channel",
    ),
    Transition(
        name="send_reminder",
        action="send_reminder",
        by={Who.OPERATOR: HELD},
        to=None,
        guards=(guards.before_start,),
        audit="reminder_sent",
        bumps=False,
        listed=False,
        effect="a planned reminder goes out at once",
    ),
    Transition(
        name="handover_notes",
        action="handover_notes",
        by={Who.OPERATOR: EVERY},
        to=None,
        audit="noted",
        bumps=False,
    ),
    Transition(
        name="update",
        action="update",
        by={Who.OPERATOR: EVERY, Who.PATIENT: _from(S.UNASSIGNED, S.OFFERED, S.CONFIRMED), Who.HOLDER: EVERY},
        to=None,
        audit="updated",
        event=E.UPDATED,
    ),
    Transition(
        name="delete",
        action="delete",
        by={Who.OPERATOR: OVER, Who.HOLDER: _from(S.MISSED, S.NO_SHOW)},
        to=None,
        audit="deleted",
        effect="hidden; the audit stays",
    ),
    Transition(
        name="delete_meeting",
        action="delete_meeting",
        by={Who.OPERATOR: OVER - {S.RESCHEDULED}, Who.HOLDER: _from(S.MISSED, S.NO_SHOW, S.CANCELLED)},
        to=None,
        audit="deleted",
        listed=False,
        effect="hidden; a scheduled meeting is cancelled first",
    ),
)

TRANSITIONS: Final[Mapping[str, Transition]] = {row.name: row for row in _ROWS}


def rows_for(action: str) -> Iterable[Transition]:
    """The rows that share an action's name; they differ in capacity, source or guard."""
    return tuple(row for row in _ROWS if row.action == action)
