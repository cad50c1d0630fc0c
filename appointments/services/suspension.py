"""Suspending therapists with care: disable and enable, the breaker, and the grace after an outage."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from appointments import machine
from appointments.errors import Conflict, InvalidInput, InvalidTransition, NotFound
from appointments.events import EventFact, EventType, user_stream
from appointments.models import (
    Appointment,
    AppointmentStatus,
    Assignment,
    AssignmentStatus,
    SuspensionBreaker,
)
from appointments.policy import Policy, current_policy
from appointments.services.assignment import offer_to
from core.accounts import services as accounts
from core.accounts.models import Role, User
from core.liveness.models import Outage
from core.lookups import AnyOf, counted
from core.outbox.models import Lane
from core.outbox.writing import Effect, write_many
from core.prepared import prepared, prepared_update
from core.transactions import in_transaction

NO_ANSWER = "no answer to an offer in time"
WITHDRAWAL_BATCH = 500


@in_transaction
def disable(therapist_id: int, reason: str, actor: User, now: datetime) -> User:
    """Suspend a therapist by hand: they are signed out and their waiting offers go back. Raises NotFound, Conflict."""
    therapist = _lock_therapist_of(therapist_id, actor)
    if not accounts.suspend(therapist.pk, reason=reason, actor=actor, now=now):
        raise InvalidTransition("The therapist's account is already suspended.")
    withdraw_offers(therapist.pk, now)
    therapist.refresh_from_db()
    announce(EventType.THERAPIST_DISABLED, {therapist.pk: None}, therapist.institution_id, reason, now)
    return therapist


class Enabled(NamedTuple):
    """`refused` holds, by appointment, why it could not be restored."""

    therapist: User
    restored: list[Appointment]
    refused: dict[int, str]


@in_transaction
def enable(therapist_id: int, actor: User, now: datetime, restore: Iterable[int] = ()) -> Enabled:
    """Reinstate a therapist; within 72 h `restore` brings appointments back to them with a fresh clock."""
    policy = current_policy()
    wanted = [_restorable(appointment_id, therapist_id, actor, now, policy) for appointment_id in sorted(set(restore))]
    therapist = _lock_therapist_of(therapist_id, actor)
    if not accounts.reinstate(therapist.pk, actor=actor, now=now):
        raise InvalidTransition("The therapist's account is not suspended.")
    announce(EventType.THERAPIST_ENABLED, {therapist.pk: None}, therapist.institution_id, "", now)
    restored, refused = [], {}
    for appointment in wanted:
        try:
            with transaction.atomic():  # a refusal by the database must not end the others
                restored.append(offer_to(appointment, therapist.pk, actor, now))
        except Conflict as conflict:
            refused[appointment.pk] = conflict.code
    therapist.refresh_from_db()
    return Enabled(therapist, restored, refused)


def _restorable(appointment_id: int, therapist_id: int, actor: User, now: datetime, policy: Policy) -> Appointment:
    try:
        appointment = machine.lock(appointment_id, actor)
    except NotFound:
        raise InvalidInput(
            f"No such appointment: {appointment_id}.", code="does_not_exist", attr="restore_appointments"
        ) from None
    since = now - policy.undo_window
    expired = appointment.assignments.filter(
        therapist_id=therapist_id, status=AssignmentStatus.EXPIRED, ended_at__gte=since
    )
    if not expired.exists():
        raise InvalidInput(
            f"Appointment {appointment_id} did not expire on this therapist within the last 72 hours.",
            attr="restore_appointments",
        )
    return appointment


def _lock_therapist_of(therapist_id: int, actor: User) -> User:
    rows = User.objects.select_for_update(no_key=True).filter(pk=therapist_id, role=Role.THERAPIST)
    if actor.role != Role.ADMIN:
        rows = rows.filter(institution_id=actor.institution_id)
    therapist = rows.first()
    if therapist is None:
        raise NotFound("No such therapist.")
    return therapist


def withdraw_offers(therapist_id: int, now: datetime) -> list[Appointment]:
    """Take every waiting offer back from a suspended therapist; accepted appointments stay theirs."""
    return machine.apply_many("withdraw", now, limit=WITHDRAWAL_BATCH, where=Q(therapist_id=therapist_id))


def withdraw_stranded_offers(now: datetime) -> list[Appointment]:
    """Take offers back that reached a therapist at the moment of their suspension."""
    return machine.apply_many("withdraw", now, limit=WITHDRAWAL_BATCH, where=Q(therapist__is_active=False))


def announce(
    event: EventType,
    therapists: dict[int, int | None],
    institution_id: int | None,
    reason: str,
    now: datetime,
) -> None:
    """Tell operators and the therapists themselves, also by e-mail; `therapists` maps each to the appointment."""
    effects = []
    for therapist_id, appointment_id in therapists.items():
        fact = EventFact(
            type=event,
            appointment=appointment_id,
            version=None,
            operators=institution_id,
            people=[therapist_id],
            data={"therapist": therapist_id, "reason": reason},
        )
        effects.append(Effect(Lane.REALTIME, event, fact, user_stream(therapist_id)))
        mail = {"user": therapist_id, "event": event.value}
        effects.append(Effect(Lane.TASKS, "tell_account", mail, user_stream(therapist_id)))
    write_many(effects, now=now)


def suspend_for_silence(expired: Iterable[Appointment], policy: Policy, now: datetime) -> set[int]:
    """Suspend the active therapists of just expired offers, as far as each institution's breaker allows.

    `expired` still name their therapists. Returns who was suspended.
    """
    by_institution: dict[int, dict[int, int]] = defaultdict(dict)
    for appointment in expired:
        if appointment.therapist_id is not None:
            by_institution[appointment.institution_id].setdefault(appointment.therapist_id, appointment.pk)
    suspended: set[int] = set()
    for institution_id, silent in sorted(by_institution.items()):
        allowed = _allowed_by_breaker(institution_id, silent, policy, now)
        done = accounts.suspend_many(allowed, reason=NO_ANSWER, actor=None, now=now) if allowed else []
        if not done:
            continue
        announce(
            EventType.THERAPIST_DISABLED,
            {therapist_id: silent[therapist_id] for therapist_id in done},
            institution_id,
            NO_ANSWER,
            now,
        )
        _blame([silent[therapist_id] for therapist_id in done], done, now)
        suspended |= set(done)
    if suspended:
        machine.apply_many("withdraw", now, limit=WITHDRAWAL_BATCH, where=partial(_not_overdue, suspended, now))
    return suspended


def _not_overdue(therapist_ids: Collection[int], now: datetime) -> Q:
    """What is overdue as well is the sweep's to expire, whichever of a therapist's offers it came to first."""
    return Q(AnyOf("therapist_id", therapist_ids), response_deadline__gt=now)


@prepared_update
def _blame(
    appointment_ids: Collection[int], therapist_ids: Collection[int], now: datetime
) -> tuple[QuerySet[Assignment], dict[str, Any]]:
    rows = Assignment.objects.filter(AnyOf("appointment_id", appointment_ids), AnyOf("therapist_id", therapist_ids))
    return rows.filter(status=AssignmentStatus.EXPIRED, ended_at=now), {"suspended_therapist": True}


def _allowed_by_breaker(institution_id: int, silent: dict[int, int], policy: Policy, now: datetime) -> list[int]:
    """Those of `silent` who may still be suspended; opens the breaker when it is not all of them."""
    latest = next(iter(_latest_breaker(institution_id)), None)
    if latest is not None and latest.closed_at is None:
        return []
    recent = recent_suspensions(institution_id, latest, policy, now)
    if recent + len(silent) <= policy.breaker_min:  # which no limit is below, so it need not be counted
        return sorted(silent)
    allowed = sorted(silent)[: max(0, breaker_limit(institution_id, len(silent), policy) - recent)]
    if len(allowed) < len(silent):
        SuspensionBreaker.objects.get_or_create(
            institution_id=institution_id, closed_at=None, defaults={"opened_at": now}
        )
    return allowed


@prepared
def _latest_breaker(institution_id: int) -> QuerySet[SuspensionBreaker]:
    return SuspensionBreaker.objects.filter(institution_id=institution_id).order_by("-opened_at", "-id")[:1]


def recent_suspensions(institution_id: int, latest: SuspensionBreaker | None, policy: Policy, now: datetime) -> int:
    """Automatic suspensions within the breaker's window; closing the breaker begins the count anew."""
    closed_at = latest.closed_at if latest else None
    [number] = _suspensions(institution_id, max(filter(None, (now - policy.breaker_window, closed_at))))
    return number


@prepared
def _suspensions(institution_id: int, since: datetime) -> QuerySet[Assignment, int]:
    rows = Assignment.objects.filter(suspended_therapist=True, ended_at__gt=since)
    return counted(rows.filter(appointment__institution_id=institution_id))


def breaker_limit(institution_id: int, expiring: int, policy: Policy) -> int:
    """How many automatic suspensions ten minutes may bring; `expiring` therapists have just lost their offer."""
    [offered] = _with_an_offer(institution_id)
    return max(policy.breaker_min, int((offered + expiring) * policy.breaker_percent / 100))


@prepared
def _with_an_offer(institution_id: int) -> QuerySet[Appointment, int]:
    rows = Appointment.objects.filter(status=AppointmentStatus.PENDING, institution_id=institution_id)
    return counted(rows.filter(therapist__isnull=False), Count("therapist_id", distinct=True))


@in_transaction
def close_breaker(institution_id: int, reason: str, actor: User, now: datetime) -> SuspensionBreaker:
    """Let suspensions happen again. Raises InvalidTransition when the breaker is not open."""
    closed = SuspensionBreaker.objects.filter(institution_id=institution_id, closed_at__isnull=True).update(
        closed_at=now, closed_by=actor, reason=reason
    )
    if not closed:
        raise InvalidTransition("The breaker is not open.")
    return SuspensionBreaker.objects.get(institution_id=institution_id, closed_at=now)


def settle_outages(now: datetime) -> int:
    """Add every outage that was not yet settled to the running clocks; returns how many deadlines moved."""
    moved = 0
    for outage in _unsettled():
        moved += _settle(outage, now)
    return moved


@prepared
def _unsettled() -> QuerySet[Outage]:
    return Outage.objects.filter(settled_at__isnull=True).order_by("started_at")


@in_transaction
def _settle(outage: Outage, now: datetime) -> int:
    policy = current_policy()
    if not Outage.objects.filter(pk=outage.pk, settled_at__isnull=True).update(settled_at=now):
        return 0
    running = Q(assigned_at__lt=outage.ended_at) & (
        Q(pk__in=Assignment.objects.filter(_not_graced_over(outage)).values("appointment_id"))
    )
    graced = {
        row.appointment_id: row
        for row in Assignment.objects.filter(
            _not_graced_over(outage),
            appointment__status=AppointmentStatus.PENDING,
            assigned_at__lt=outage.ended_at,
        )
    }
    moved = machine.apply_many(
        "grace",
        now,
        limit=100_000,
        where=running,
        wait=True,
        planned=lambda appointment: _grace(appointment, graced[appointment.pk], outage, policy, now),
    )
    return len(moved)


def _not_graced_over(outage: Outage) -> Q:
    return Q(ended_at__isnull=True) & (Q(graced_until__isnull=True) | Q(graced_until__lt=outage.ended_at))


def _grace(
    appointment: Appointment, assignment: Assignment, outage: Outage, policy: Policy, now: datetime
) -> dict[str, object]:
    assert appointment.response_deadline is not None
    lost_from = max(filter(None, (outage.started_at, assignment.assigned_at, assignment.graced_until)))
    wanted = max(appointment.response_deadline + (outage.ended_at - lost_from), outage.ended_at + policy.outage_rest)
    deadline = min(wanted, appointment.start)
    return {
        "changes": {"response_deadline": deadline, "warn_at": max(now, deadline - policy.warning)},
        "assignment_values": {
            "graced_until": outage.ended_at,
            "full_clock": assignment.full_clock and deadline == wanted,
            "warned_at": None,
        },
        "notes": "outage",
        "data": {"reason": "outage"},
        "tasks": [("send_offer", {"assignment": assignment.pk, "occasion": "grace"})],
    }
