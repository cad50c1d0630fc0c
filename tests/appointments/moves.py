"""A clock that stands still, an appointment in any state, and what a move left behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from appointments.models import Appointment, AppointmentLog, ReviewDecision, TimeSlot
from appointments.services import assignment, attendance, booking, reassign, rescheduling, review, sweeps
from appointments.transitions import State
from core.accounts.models import User
from core.outbox.draining import drain
from core.outbox.models import Lane, OutboxEntry
from realtime.recipients import audiences
from tests.support.cast import Cast

NOW = datetime(2031, 3, 3, 8, 0, tzinfo=UTC)
START = NOW + timedelta(hours=24)
DEADLINE = NOW + timedelta(minutes=30)
AT_DEADLINE = DEADLINE
SOON = NOW + timedelta(minutes=5)
LATER = NOW + timedelta(minutes=40)
AFTER = START + timedelta(hours=1)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def new(
    cast: Cast, therapist: User | None = None, *, start: datetime = START, by: User | None = None, now: datetime = NOW
) -> Appointment:
    """Pia's appointment, booked by Olive unless `by` says otherwise; an offer where a therapist is named."""
    asked = booking.Booking(patient=cast.pia, start=start, therapist_id=therapist.pk if therapist else None)
    return booking.book(asked, by or cast.olive, now)


def new_for(patient: User, actor: User, therapist: User | None = None, *, start: datetime = START) -> Appointment:
    """An appointment of any patient's."""
    asked = booking.Booking(patient=patient, start=start, therapist_id=therapist.pk if therapist else None)
    return booking.book(asked, actor, NOW)


def offered(cast: Cast, *, start: datetime = START, to: User | None = None) -> Appointment:
    """An operator's offer to Theo, with a full clock from NOW."""
    return assignment.assign(new(cast, start=start).pk, (to or cast.theo).pk, cast.olive, NOW)


def chosen(cast: Cast, *, start: datetime = START) -> Appointment:
    """A patient's request to Theo."""
    return new(cast, cast.theo, start=start, by=cast.pia)


def open_request(cast: Cast, *, start: datetime = START) -> Appointment:
    """A patient's request to whoever can come."""
    return new(cast, start=start, by=cast.pia)


def confirmed(cast: Cast, *, start: datetime = START) -> Appointment:
    return assignment.accept(offered(cast, start=start).pk, cast.theo, SOON)


def rejected(cast: Cast, *, start: datetime = START) -> Appointment:
    return assignment.reject(offered(cast, start=start).pk, "I am ill", cast.theo, SOON)


def denied(cast: Cast) -> Appointment:
    return review.review_rejection(rejected(cast).pk, ReviewDecision.DENY, cast.olive, SOON)


def missed(cast: Cast) -> Appointment:
    pk = confirmed(cast).pk
    sweeps.miss_due(START + minutes(30))
    return fresh(pk)


def auto_cancelled(cast: Cast) -> Appointment:
    """Expired by the operator's button; Theo is suspended."""
    pk = offered(cast).pk
    sweeps.expire_due(AT_DEADLINE, manual=True)
    return fresh(pk)


def _rescheduled(cast: Cast) -> Appointment:
    return rescheduling.reschedule(confirmed(cast).pk, START + minutes(90), cast.olive, SOON).old_appointment


IN_STATE: dict[State, Callable[[Cast], Appointment]] = {
    State.UNASSIGNED: new,
    State.OFFERED: offered,
    State.CONFIRMED: confirmed,
    State.ASSIGNED: denied,
    State.REJECTED: rejected,
    State.IN_PROGRESS: lambda cast: attendance.start(confirmed(cast).pk, cast.theo, START),
    State.COMPLETED: lambda cast: attendance.complete(confirmed(cast).pk, cast.theo, START),
    State.MISSED: missed,
    State.NO_SHOW: lambda cast: attendance.no_show(confirmed(cast).pk, cast.theo, START),
    State.CANCELLED: lambda cast: attendance.cancel(confirmed(cast).pk, "ill", cast.pia, SOON),
    State.AUTO_CANCELLED: auto_cancelled,
    State.RESCHEDULED: _rescheduled,
}


def moment(action: str, state: State) -> datetime:
    """A time at which only who asks and the state decide about an action."""
    if action in {"start", "complete", "no_show"}:
        return START
    if state in {State.IN_PROGRESS, State.COMPLETED, State.MISSED, State.NO_SHOW}:
        return AFTER
    return LATER if state is State.AUTO_CANCELLED else SOON


def act(action: str, cast: Cast, pk: int, actor: User, now: datetime) -> Any:
    """Call the service behind an action of the contract."""
    calls: dict[str, Callable[[], Any]] = {
        "assign": lambda: assignment.assign(pk, cast.tara.pk, actor, now),
        "unassign": lambda: assignment.unassign(pk, actor, now),
        "extend": lambda: assignment.extend(pk, 10, actor, now),
        "accept": lambda: assignment.accept(pk, actor, now),
        "reject": lambda: assignment.reject(pk, "I am ill", actor, now),
        "review: accept": lambda: review.review_rejection(pk, ReviewDecision.ACCEPT, actor, now),
        "review: deny": lambda: review.review_rejection(pk, ReviewDecision.DENY, actor, now),
        "reassign": lambda: reassign.reassign(pk, actor, now),
        "start": lambda: attendance.start(pk, actor, now),
        "complete": lambda: attendance.complete(pk, actor, now),
        "no_show": lambda: attendance.no_show(pk, actor, now),
        "cancel": lambda: attendance.cancel(pk, "no longer needed", actor, now),
        "reschedule": lambda: rescheduling.reschedule(pk, START + timedelta(days=2), actor, now),
        "mark_paid": lambda: attendance.mark_paid(pk, actor, now, "card", Decimal(60)),
        "claim": lambda: assignment.claim(pk, actor, now),
        "remind": lambda: assignment.remind(pk, actor, now),
        "handover_notes": lambda: attendance.hand_over(pk, "please call", actor, now),
        "update": lambda: attendance.update(pk, {"notes": "quiet room"}, actor, now),
        "delete": lambda: attendance.delete(pk, actor, now),
    }
    return calls[action]()


def fresh(pk: int) -> Appointment:
    return Appointment.objects.select_related("institution").get(pk=pk)


def slot_around(therapist: User, start: datetime, length: float = 30, *, places: int = 1) -> TimeSlot:
    """A published slot that begins with `start`; wall-clock columns are those of UTC."""
    end = start + minutes(length)
    return TimeSlot.objects.create(
        therapist=therapist,
        date=start.date(),
        start_time=start.time(),
        end_time=end.time(),
        start=start,
        end=end,
        max_appointments=places,
    )


class Left(NamedTuple):
    """What happened inside `watched`: audit rows, events by type, and promised tasks by kind."""

    logs: list[AppointmentLog]
    events: dict[str, set[int]]
    tasks: list[str]


@contextmanager
def watched() -> Iterator[Callable[[], Left]]:
    """Call the value to learn what was written since the block began; events name the people who are told."""
    last_log = AppointmentLog.objects.order_by("id").values_list("id", flat=True).last() or 0
    last_entry = OutboxEntry.objects.order_by("id").values_list("id", flat=True).last() or 0

    def left() -> Left:
        entries = list(OutboxEntry.objects.filter(id__gt=last_entry).order_by("id"))
        told = audiences([entry for entry in entries if entry.lane == Lane.REALTIME], NOW)
        return Left(
            list(AppointmentLog.objects.filter(id__gt=last_log).order_by("id")),
            {entry.kind: set(told[entry.pk].people) for entry in entries if entry.lane == Lane.REALTIME},
            [entry.kind for entry in entries if entry.lane == Lane.TASKS],
        )

    yield left


def tell_everybody() -> None:
    """Write the notifications that are promised, as the relay would on this clock."""
    while drain(Lane.REALTIME, NOW + timedelta(days=3), lambda: NOW).done:
        pass


def ids(*people: User) -> set[int]:
    return {person.pk for person in people}
