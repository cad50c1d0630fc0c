"""Time in which a therapist cannot come, and giving a whole day of theirs to others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from appointments.errors import Conflict, InvalidInput
from appointments.models import HOLDS_THERAPIST, Appointment, AppointmentStatus, TimeOff
from appointments.policy import current_policy
from appointments.selectors.conflicts import visits_over
from appointments.selectors.free_therapists import Candidate, candidates
from appointments.services.offers import lock_own_therapist
from appointments.services.reassign import reassign
from core.accounts.models import User
from core.transactions import in_transaction

LONGEST: Final = timedelta(days=366)
# What another therapist can still take over.
MOVABLE: Final = (
    AppointmentStatus.PENDING,
    AppointmentStatus.CONFIRMED,
    AppointmentStatus.ASSIGNED,
    AppointmentStatus.REJECTED,
)


@dataclass(frozen=True, slots=True)
class Away:
    """A time off, unsaved in a preview, and the appointments that it hits."""

    time_off: TimeOff
    hit: list[int]


@dataclass(frozen=True, slots=True)
class Move:
    """One appointment of the day: who could take it over now, and why it was left alone, if it was."""

    appointment: Appointment
    candidate: Candidate | None
    refused: str | None = None


@in_transaction
def take(
    therapist_id: int,
    start: datetime,
    end: datetime,
    reason: str,
    actor: User,
    now: datetime,
    *,
    dry_run: bool = False,
) -> Away:
    """Keep the therapist free of new appointments over `[start, end)`; those already made stay until they are moved.

    Raises InvalidInput.
    """
    therapist = lock_own_therapist(therapist_id, actor)
    if end <= start:
        raise InvalidInput("The end lies before the beginning.", attr="end")
    if end <= now:
        raise InvalidInput("This time has already passed.", code="past", attr="end")
    if end - start > LONGEST:
        raise InvalidInput("Time off lasts a year at most.", code="too_long", attr="end")
    if start > now + current_policy().publishing_horizon:
        raise InvalidInput("This lies too far ahead.", code="too_far", attr="start")
    time_off = TimeOff(therapist=therapist, start=start, end=end, reason=reason, created_by=actor, created_at=now)
    if not dry_run:
        time_off.save()
    return Away(time_off, [row.pk for row in _held(therapist.pk, start, end)])


@in_transaction
def end_time_off(time_off_id: int, actor: User) -> None:
    """Take a time off back; the slots it hid show again. Raises PermissionDenied."""
    row = TimeOff.objects.get(pk=time_off_id)
    lock_own_therapist(row.therapist_id, actor)
    row.delete()


def redistribute(therapist: User, day: date, actor: User, now: datetime, *, dry_run: bool) -> list[Move]:
    """Give the therapist the day off and have somebody else searched for each of its appointments.

    `day` is on the institution's calendar. A preview names who would be asked first and changes nothing. Each step is
    a transaction of its own: what one appointment's state forbids holds no other up. Raises InvalidInput.
    """
    assert therapist.institution is not None
    start, end = day_of(day, ZoneInfo(therapist.institution.timezone))
    if end <= now:
        raise InvalidInput("This day has already passed.", code="past", attr="date")
    wanted = [row for row in _held(therapist.pk, start, end) if row.start > now and row.status in MOVABLE]
    moves = _planned(wanted, therapist, now)
    if dry_run:
        return moves
    if not TimeOff.objects.filter(therapist=therapist, start__lte=start, end__gte=end).exists():
        take(therapist.pk, start, end, "Redistributed", actor, now)
    return [_moved(move, actor, now) for move in moves]


def day_of(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants at which a calendar day begins and ends."""
    midnight = datetime.combine(day, time(), tzinfo=zone)
    return midnight, datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)


def _planned(wanted: Sequence[Appointment], therapist: User, now: datetime) -> list[Move]:
    """Who would be asked first for each, nobody for two that overlap."""
    asked: list[tuple[int, Appointment]] = []
    moves = []
    for row in wanted:
        free = [
            one
            for one in candidates(row, now, current_policy().answer_rate_over)
            if one.id != therapist.pk and one.published and not _asked_then(asked, one.id, row)
        ]
        best = free[0] if free else None
        if best is not None:
            asked.append((best.id, row))
        moves.append(Move(row, best))
    return moves


def _asked_then(asked: list[tuple[int, Appointment]], therapist_id: int, row: Appointment) -> bool:
    return any(
        asked_id == therapist_id and other.start < row.end and row.start < other.end for asked_id, other in asked
    )


def _moved(move: Move, actor: User, now: datetime) -> Move:
    """Start the search; what changed meanwhile is left alone and said so."""
    try:
        appointment = reassign(move.appointment.pk, actor, now)
    except Conflict as conflict:
        return Move(move.appointment, None, conflict.code)
    return Move(appointment, move.candidate)


def _held(therapist_id: int, start: datetime, end: datetime) -> list[Appointment]:
    rows = Appointment.objects.filter(HOLDS_THERAPIST, visits_over(start, end), therapist_id=therapist_id)
    return list(rows.select_related("institution", "patient", "service").order_by("start", "id"))
