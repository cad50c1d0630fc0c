"""A clinic's day, played through the real services on a clock of its own: how many offers are answered in time?"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID

from django.db.models import Count, Q

from appointments.errors import Conflict
from appointments.models import Appointment, AppointmentStatus, Assignment, AssignmentStatus, SuspensionBreaker
from appointments.policy import current_policy
from appointments.selectors.free_therapists import candidates, therapists_free_at
from appointments.services import assignment, booking, reassign, suspension, sweeps
from appointments.services.delivery import record_notified
from appointments.services.reassignment import search
from core.accounts.models import AccountLog, Institution, Role, User
from core.outbox.models import OutboxEntry

# Any day would do; a fixed one makes the same seed give the same day.
OPENING: Final = datetime(2031, 3, 3, 8, 0, tzinfo=UTC)
VISIT: Final = timedelta(minutes=30)
VISIT_DAYS: Final = 5
VISITS_A_DAY: Final = 16
TRIES: Final = 20
S = AppointmentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What is played; shares are 0..1, times in minutes."""

    therapists: int = 8
    bookings_per_hour: float = 25
    hours: float = 8
    answer_minutes: float = 12
    reject: float = 0.1
    silent: float = 0.05
    operator_minutes: float = 5
    reinstate_minutes: float = 60
    seed: int = 1


@dataclass(kw_only=True)
class Outcome:
    """What came of it; `waits` are the minutes from each booking to its acceptance, in ascending order."""

    bookings: int = 0
    turned_away: int = 0
    offers: int = 0
    accepted: int = 0
    rejected: int = 0
    timed_out: int = 0
    reassigned: int = 0
    nobody_left: int = 0
    unsettled: int = 0
    suspensions: int = 0
    reinstated: int = 0
    breaker_opened: int = 0
    waits: list[float] = field(default_factory=list)

    def wait(self, share: float) -> float | None:
        """The wait that this share of the accepted appointments did not exceed."""
        return self.waits[min(len(self.waits) - 1, int(share * len(self.waits)))] if self.waits else None


class Simulation:
    """One day as a queue of events, each with its moment; the database must be empty and is filled."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.random = random.Random(day.seed)  # noqa: S311 - must repeat itself
        self.outcome = Outcome()
        self._queue: list[tuple[datetime, int, Callable[[datetime], object]]] = []
        self._order = count()
        self._offers_seen = self._logs_seen = 0
        self._on_the_desk: set[tuple[int, int]] = set()
        self.clinic = Institution.objects.create(name="Simulated clinic", timezone="UTC")
        self.operator = self._person("operator", Role.OPERATOR)
        for number in range(day.therapists):
            self._person(f"therapist{number + 1}", Role.THERAPIST)

    def run(self) -> Outcome:
        """Play the day until nothing is left to happen."""
        self._plan_bookings()
        while self._queue:
            now, _, happens = heapq.heappop(self._queue)
            happens(now)
            self._carry_out(now)
            self._look_around(now)
        return self._summed_up()

    def _person(self, name: str, role: Role) -> User:
        return User.objects.create(username=name, role=role, institution=self.clinic)

    def _at(self, when: datetime, happens: Callable[[datetime], object]) -> None:
        heapq.heappush(self._queue, (when, next(self._order), happens))

    def _some_minutes(self, mean: float) -> timedelta:
        """A time as people take it: mostly short, sometimes long."""
        return timedelta(minutes=self.random.expovariate(1 / mean)) if mean else timedelta(0)

    # The patients ------------------------------------------------------------------------------------------------

    def _plan_bookings(self) -> None:
        closing = OPENING + timedelta(hours=self.day.hours)
        when = OPENING
        while (when := when + self._some_minutes(60 / self.day.bookings_per_hour)) < closing:
            self._at(when, self._book)

    def _book(self, now: datetime) -> None:
        """A patient calls; the operator finds a time and offers it to the best therapist who is free then."""
        self.outcome.bookings += 1
        patient = self._person(f"patient{self.outcome.bookings}", Role.PATIENT)
        for _ in range(TRIES):
            start = self._some_time(now)
            if therapists_free_at(self.clinic, start, start + VISIT, now).exists():
                asked = booking.Booking(patient=patient, start=start)
                booked = booking.book(asked, self.operator, now)
                best = candidates(booked, now, current_policy().answer_rate_over)[0]
                assignment.assign(booked.pk, best.id, self.operator, now)
                return
        self.outcome.turned_away += 1

    def _some_time(self, now: datetime) -> datetime:
        """A visit's start on one of the next days, between nine and five."""
        day = now.replace(hour=9, minute=0, second=0, microsecond=0)
        day += timedelta(days=self.random.randint(1, VISIT_DAYS))
        return day + VISIT * self.random.randrange(VISITS_A_DAY)

    # The therapists ----------------------------------------------------------------------------------------------

    def _consider(self, offer: Assignment) -> None:
        """Decide what the therapist will do about an offer, and when."""
        deadline = offer.appointment.response_deadline
        assert deadline is not None
        self.outcome.offers += 1
        self._at(deadline, sweeps.expire_due)
        chance, delay = self.random.random(), self._some_minutes(self.day.answer_minutes)
        if chance < self.day.silent:
            return
        rejects = chance < self.day.silent + (1 - self.day.silent) * self.day.reject
        self._at(offer.assigned_at + delay, lambda now: self._answer(offer, now, rejects=rejects))

    def _answer(self, offer: Assignment, now: datetime, *, rejects: bool) -> None:
        """Answer, or learn that it is too late."""
        therapist = User.objects.get(pk=offer.therapist_id)
        live = Assignment.objects.filter(pk=offer.pk, status=AssignmentStatus.OFFERED).exists()
        if not therapist.is_active or not live:
            return
        try:
            if rejects:
                assignment.reject(offer.appointment_id, "Cannot come.", therapist, now)
            else:
                assignment.accept(offer.appointment_id, therapist, now)
        except Conflict:  # the deadline was a moment ago, and nobody has swept yet
            return

    # The operator ------------------------------------------------------------------------------------------------

    def _look_around(self, now: datetime) -> None:
        """Put what needs an operator on the desk, and new offers before their therapists."""
        for offer in Assignment.objects.filter(pk__gt=self._offers_seen).select_related("appointment").order_by("pk"):
            self._offers_seen = offer.pk
            self._consider(offer)
        needs_one = Q(status__in=(S.REJECTED, S.AUTO_CANCELLED))
        needs_one |= Q(status=S.PENDING, therapist__isnull=True, search_id__isnull=True)
        for pk, version in Appointment.objects.filter(needs_one).order_by("pk").values_list("pk", "version"):
            if (pk, version) not in self._on_the_desk:
                self._on_the_desk.add((pk, version))
                when = now + self._some_minutes(self.day.operator_minutes)
                self._at(when, lambda then, pk=pk, version=version: self._find_another(pk, version, then))
        for suspended in AccountLog.objects.filter(pk__gt=self._logs_seen).order_by("pk"):
            self._logs_seen = suspended.pk
            if suspended.action == "disabled" and self.day.reinstate_minutes:
                after = now + timedelta(minutes=self.day.reinstate_minutes)
                self._at(after, lambda then, pk=suspended.user_id: self._reinstate(pk, then))

    def _find_another(self, pk: int, version: int, now: datetime) -> None:
        """Ask the search for somebody else: after a rejection, a silence, or the loss of the therapist."""
        if Appointment.objects.filter(pk=pk, version=version).exists():
            reassign.reassign(pk, self.operator, now)

    def _reinstate(self, therapist_id: int, now: datetime) -> None:
        """Give a suspended therapist their account back."""
        suspension.enable(therapist_id, self.operator, now)

    # What runs by itself -----------------------------------------------------------------------------------------

    def _carry_out(self, now: datetime) -> None:
        """Do at once what relay and workers would: tell of offers, and search."""
        while entries := list(OutboxEntry.objects.order_by("id")):
            OutboxEntry.objects.filter(pk__in=[entry.pk for entry in entries]).delete()
            record_notified([entry.payload["assignment"] for entry in entries if "assignment" in entry.payload], now)
            for entry in entries:
                if entry.kind == "reassign":
                    search(entry.payload["appointment"], UUID(entry.payload["search_id"]), now)

    def _summed_up(self) -> Outcome:
        found = self.outcome
        statuses = Appointment.objects.aggregate(
            accepted=Count("id", filter=Q(status=S.CONFIRMED)), nobody_left=Count("id", filter=Q(status=S.CANCELLED))
        )
        found.accepted, found.nobody_left = statuses["accepted"], statuses["nobody_left"]
        found.unsettled = found.bookings - found.turned_away - found.accepted - found.nobody_left
        found.rejected = Assignment.objects.filter(rejection__isnull=False).count()
        found.timed_out = Assignment.objects.filter(status=AssignmentStatus.EXPIRED).count()
        offered = Appointment.objects.annotate(offers=Count("assignments"))
        found.reassigned = offered.filter(offers__gt=1).count()
        found.suspensions = AccountLog.objects.filter(action="disabled").count()
        found.reinstated = AccountLog.objects.filter(action="enabled").count()
        found.breaker_opened = SuspensionBreaker.objects.count()
        accepted = Appointment.objects.filter(status=S.CONFIRMED).only("confirmed_at", "created_at")
        found.waits = sorted(
            (row.confirmed_at - row.created_at).total_seconds() / 60 for row in accepted if row.confirmed_at
        )
        return found


def simulate(day: Day) -> Outcome:
    """Play the day in the database at hand, which must be empty."""
    return Simulation(day).run()
