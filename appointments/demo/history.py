"""Appointments as they come about: each is booked, answered and ended by the services, at its own time."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import F, Q
from django.test.utils import override_settings

from appointments import machine
from appointments.models import (
    Appointment,
    AppointmentStatus,
    AppointmentType,
    BookingMethod,
    ReminderStatus,
    ReviewDecision,
)
from appointments.policy import current_policy
from appointments.services import assignment, attendance, booking, rescheduling, review, sweeps, waiting_list
from core.accounts.models import Institution, User

S = AppointmentStatus
HOUR: Final = timedelta(hours=1)
# A seeded offer waits long enough for whoever looks around first, whatever the clinic's own rules are.
RULES: Final = {"DEFAULT_RESPONSE_TIMEOUT_MINUTES": 24 * 60, "BOOKING_HORIZON_DAYS": 365, "OPEN_REQUESTS": True}


class Visit(NamedTuple):
    """What it has come to, days from today and hour on the clinic's clock, and whose it is."""

    status: AppointmentStatus
    days: int
    hour: int
    therapist: str | None
    patient: str
    reason: str = "A first look"


PAST: Final = (
    Visit(S.COMPLETED, -6, 9, "therapist", "patient", "Back pain after a fall"),
    Visit(S.COMPLETED, -5, 10, "therapist2", "patient2", "Stiff shoulder"),
    Visit(S.COMPLETED, -3, 11, "therapist", "patient3", "Knee, after surgery"),
    Visit(S.MISSED, -2, 12, "therapist3", "patient4"),
    Visit(S.NO_SHOW, -2, 14, "therapist4", "patient5"),
    Visit(S.CANCELLED, -1, 9, "therapist2", "patient6"),
    Visit(S.AUTO_CANCELLED, -1, 11, "therapist5", "patient"),
)
# Moved from yesterday at this hour to tomorrow.
MOVED_FROM: Final = 13
TOMORROW: Final = (
    Visit(S.RESCHEDULED, 1, 10, "therapist6", "patient2", "Stiff shoulder, second visit"),
    Visit(S.CONFIRMED, 1, 9, "therapist", "patient", "Back pain, second visit"),
    Visit(S.ASSIGNED, 1, 11, "therapist2", "patient3", "Knee, second visit"),
    Visit(S.REJECTED, 1, 12, "therapist3", "patient4"),
    Visit(S.PENDING, 1, 14, "therapist", "patient5", "Wrist, since last week"),
    Visit(S.PENDING, 1, 15, "therapist2", "patient6"),
    Visit(S.PENDING, 1, 16, None, "patient", "Asked for by phone"),
)
# Patient, therapist, from and until on tomorrow's clock, priority: each wants a place that a visit above takes.
WAITING: Final = (
    ("patient6", "therapist", time(9), time(10), 2),
    ("patient5", "therapist6", time(10), time(11), 5),
)


class History:
    """Fills one clinic; `now` is the end of the story."""

    def __init__(self, clinic: Institution, now: datetime) -> None:
        self.clinic, self.now = clinic, now
        self.zone = ZoneInfo(clinic.timezone)
        self.today = now.astimezone(self.zone).date()
        self.people: Mapping[str, User] = {user.username: user for user in clinic.users.all()}
        self.operator = self.people["operator"]
        self.service = clinic.services.order_by("id").first()

    def told(self) -> Iterator[str]:
        """Make every appointment and who waits for a place; a line for each."""
        with override_settings(**RULES):
            for visit in (*PAST, *TOMORROW):
                made = MAKE[visit.status](self, visit)
                yield f"{visit.status.value} appointment {made.pk}"
            yield f"{S.IN_PROGRESS.value} appointment {self._running().pk}"
        yield from self._waiting()

    def start_of(self, visit: Visit) -> datetime:
        local = datetime.combine(self.today + timedelta(days=visit.days), time(visit.hour), tzinfo=self.zone)
        return local.astimezone(ZoneInfo("UTC"))

    def book(self, visit: Visit, start: datetime, now: datetime, *, by: User | None = None) -> Appointment:
        """An offer to the visit's therapist, or a request that needs one."""
        asked = booking.Booking(
            patient=self.people[visit.patient],
            start=start,
            therapist_id=self.people[visit.therapist].pk if visit.therapist else None,
            service=self.service,
            appointment_type=AppointmentType.THERAPY,
            reason_for_visit=visit.reason,
            booking_method=BookingMethod.PHONE if by else BookingMethod.ONLINE,
        )
        return booking.book(asked, by or self.people[visit.patient], now)

    def accepted(self, visit: Visit, start: datetime, *, until: datetime | None = None) -> Appointment:
        """Booked by phone two days ahead, accepted an hour later, and reminded of until it ended or began."""
        booked_at = start - timedelta(days=2)
        offer = self.book(visit, start, booked_at, by=self.operator)
        accepted = assignment.accept(offer.pk, self.therapist(visit), booked_at + HOUR)
        past = accepted.reminders.filter(scheduled_for__lt=until or start)
        past.update(status=ReminderStatus.SENT, attempts=1, sent_at=F("scheduled_for"), claimed_at=F("scheduled_for"))
        return accepted

    def therapist(self, visit: Visit) -> User:
        assert visit.therapist is not None
        return self.people[visit.therapist]

    def _running(self) -> Appointment:
        """A visit that has just begun."""
        visit = Visit(S.IN_PROGRESS, 0, 0, "therapist7", "patient3")
        start = self.now.replace(minute=0, second=0, microsecond=0)
        return attendance.start(self.accepted(visit, start).pk, self.therapist(visit), start)

    def _waiting(self) -> Iterator[str]:
        """Those who get a message as soon as a place is given up."""
        for patient, therapist, since, until, priority in WAITING:
            wish = waiting_list.Wish(
                patient=self.people[patient],
                therapist_id=self.people[therapist].pk,
                preferred_date=self.today + timedelta(days=1),
                preferred_time_start=since,
                preferred_time_end=until,
                priority=priority,
                reason="Sooner than next week, please",
            )
            yield f"waiting-list entry {waiting_list.join(wish, self.operator, self.now).pk}"


def _completed(history: History, visit: Visit) -> Appointment:
    start = history.start_of(visit)
    pk, therapist = history.accepted(visit, start).pk, history.therapist(visit)
    attendance.start(pk, therapist, start)
    attendance.complete(pk, therapist, start + HOUR / 2, "Went well; exercises for two weeks.")
    return attendance.mark_paid(pk, history.operator, start + HOUR, "card", Decimal(60))


def _missed(history: History, visit: Visit) -> Appointment:
    start = history.start_of(visit)
    pk, noticed = history.accepted(visit, start).pk, start + current_policy().missed_grace
    return machine.apply("miss", machine.lock(pk, None), None, noticed, changes={"missed_at": noticed})


def _no_show(history: History, visit: Visit) -> Appointment:
    start = history.start_of(visit)
    return attendance.no_show(history.accepted(visit, start).pk, history.therapist(visit), start + HOUR / 3)


def _cancelled(history: History, visit: Visit) -> Appointment:
    start = history.start_of(visit)
    rings = start - 4 * HOUR
    pk, patient = history.accepted(visit, start, until=rings).pk, history.people[visit.patient]
    return attendance.cancel(pk, "I am ill", patient, rings)


def _auto_cancelled(history: History, visit: Visit) -> Appointment:
    """Offered so late that its silence suspended nobody."""
    start = history.start_of(visit)
    offer = history.book(visit, start, start - HOUR / 3, by=history.operator)
    sweeps.expire_due(start, manual=True, where=Q(pk=offer.pk))
    return offer


def _rescheduled(history: History, visit: Visit) -> Appointment:
    old_start = history.start_of(visit._replace(days=-1, hour=MOVED_FROM))
    rings = old_start - 3 * HOUR
    pk, patient = history.accepted(visit, old_start, until=rings).pk, history.people[visit.patient]
    moved = rescheduling.reschedule(pk, history.start_of(visit), patient, rings, "I work that day")
    return moved.old_appointment


def _confirmed(history: History, visit: Visit) -> Appointment:
    booked = history.book(visit, history.start_of(visit), history.now - 3 * HOUR)
    return assignment.accept(booked.pk, history.therapist(visit), history.now - 2 * HOUR)


def _rejected(history: History, visit: Visit) -> Appointment:
    booked = history.book(visit, history.start_of(visit), history.now - 3 * HOUR)
    reason = "I am at another clinic that morning."
    return assignment.reject(booked.pk, reason, history.therapist(visit), history.now - 2 * HOUR)


def _assigned(history: History, visit: Visit) -> Appointment:
    pk = _rejected(history, visit).pk
    notes = "Nobody else knows the case."
    return review.review_rejection(pk, ReviewDecision.DENY, history.operator, history.now - HOUR, notes)


def _pending(history: History, visit: Visit) -> Appointment:
    by = None if visit.therapist else history.operator
    return history.book(visit, history.start_of(visit), history.now, by=by)


MAKE: Final[Mapping[AppointmentStatus, Callable[[History, Visit], Appointment]]] = {
    S.COMPLETED: _completed,
    S.MISSED: _missed,
    S.NO_SHOW: _no_show,
    S.CANCELLED: _cancelled,
    S.AUTO_CANCELLED: _auto_cancelled,
    S.RESCHEDULED: _rescheduled,
    S.CONFIRMED: _confirmed,
    S.REJECTED: _rejected,
    S.ASSIGNED: _assigned,
    S.PENDING: _pending,
}
