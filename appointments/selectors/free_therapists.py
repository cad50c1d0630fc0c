"""Who can come? One query finds them, two more rank them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from appointments.models import (
    HOLDS_THERAPIST,
    Appointment,
    AppointmentStatus,
    Assignment,
    AssignmentStatus,
    OpenRequestDecline,
    Service,
    TimeOff,
    TimeSlot,
)
from appointments.selectors.conflicts import overlapping, slots_around, visits_over
from core.accounts.models import Institution, Role, User, shown_name

ANSWERED = (
    AssignmentStatus.ACCEPTED,
    AssignmentStatus.REJECTED,
    AssignmentStatus.UPHELD,
    AssignmentStatus.RELEASED,
)
REFUSED = (AssignmentStatus.REJECTED, AssignmentStatus.RELEASED, AssignmentStatus.EXPIRED)


# What the ranking says, for none, one and more.
OFFERS: Final = (gettext_noop("No open offers"), gettext_noop("1 open offer"), gettext_noop("{number} open offers"))
VISITS: Final = (
    gettext_noop("No appointments that day"),
    gettext_noop("1 appointment that day"),
    gettext_noop("{number} appointments that day"),
)
LAST_OFFER: Final = (
    gettext_noop("Last offer within a day"),
    gettext_noop("Last offer 1 day ago"),
    gettext_noop("Last offer {number} days ago"),
)


class Free(NamedTuple):
    """A therapist who could come; `published`: the time lies inside what they publish."""

    id: int
    name: str
    published: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A therapist who can come, with what the ranking looked at; `answer_rate` is 0..1, None without history."""

    id: int
    name: str
    published: bool
    treated_patient: bool
    open_offers: int
    appointments_that_day: int
    answer_rate: float | None
    last_offer_at: datetime | None

    @property
    def rank(self) -> tuple[object, ...]:
        """Sorts the best first; somebody without history counts as reliable."""
        return (
            not self.published,
            not self.treated_patient,
            self.open_offers,
            self.appointments_that_day,
            -(1.0 if self.answer_rate is None else self.answer_rate),
            self.last_offer_at.timestamp() if self.last_offer_at else 0.0,
            self.id,
        )

    @property
    def warning(self) -> str | None:
        """What an operator should know before assigning, in the active language."""
        return None if self.published else _("Outside the published time.")

    def reasons(self, now: datetime) -> list[str]:
        """Why this therapist stands where they stand, for people, in the active language."""
        reasons = [_("Has treated this patient")] if self.treated_patient else []
        reasons.append(_counted(OFFERS, self.open_offers))
        reasons.append(_counted(VISITS, self.appointments_that_day))
        if self.answer_rate is not None:
            reasons.append(_("Answers {percent} of offers").format(percent=f"{self.answer_rate:.0%}"))
        if self.last_offer_at is None:
            return [*reasons, _("No offer yet")]
        return [*reasons, _counted(LAST_OFFER, (now - self.last_offer_at).days)]


def _counted(none_one_many: tuple[str, str, str], number: int) -> str:
    return _(none_one_many[min(number, 2)]).format(number=number)


def therapists_for(reader: User) -> QuerySet[User]:
    """The therapists that `reader` may know of: the institution's, and only active ones unless they are staff."""
    rows = User.objects.filter(role=Role.THERAPIST)
    if reader.role == Role.ADMIN:
        return rows
    rows = rows.filter(institution_id=reader.institution_id)
    return rows if reader.role == Role.OPERATOR else rows.filter(is_active=True)


def therapists_free_at(
    institution: Institution, start: datetime, end: datetime, now: datetime, *, service_id: int | None = None
) -> QuerySet[User]:
    """Active, available, qualified therapists with free time over `[start, end)`; one query.

    Each carries `published`: whether the time lies inside what they publish (or they publish nothing for that day).
    """
    rows = User.objects.filter(
        unoccupied(start, end, now), institution=institution, role=Role.THERAPIST, is_active=True
    )
    if service_id is not None:
        own = Service.therapists.through.objects.filter(user_id=OuterRef("pk"))
        rows = rows.filter(~Exists(own) | Exists(own.filter(service_id=service_id)))
    day = start.astimezone(ZoneInfo(institution.timezone)).date()
    return rows.annotate(published=published_over(start, end, day))


def named(therapists: QuerySet[User]) -> list[Free]:
    """Those of `therapists_free_at`; whole accounts would take longer to build than the database to find them."""
    rows = therapists.values_list("pk", "published", "first_name", "last_name", "username")
    return [Free(pk, shown_name(*names), published) for pk, published, *names in rows]


def unoccupied(start: datetime, end: datetime, now: datetime) -> Any:
    """Therapists who take appointments, are not away, and have neither appointment nor time off over `[start, end)`."""
    off = TimeOff.objects.filter(overlapping(start, end), therapist_id=OuterRef("pk"))
    busy = Appointment.objects.filter(HOLDS_THERAPIST, visits_over(start, end), therapist_id=OuterRef("pk"))
    here = Q(away_until__isnull=True) | Q(away_until__lte=now)
    return here & Q(taking_appointments=True) & ~Exists(busy) & ~Exists(off)


def free_among(
    rows: QuerySet[User], institutions: QuerySet[Institution], start: datetime, end: datetime, now: datetime
) -> QuerySet[User]:
    """Narrow therapists to those who could come over `[start, end)`, inside their published time."""
    published = Q(pk__in=[])
    for zone in institutions.values_list("timezone", flat=True).distinct().order_by():
        day = start.astimezone(ZoneInfo(zone)).date()
        published |= Q(institution__timezone=zone) & published_over(start, end, day)
    return rows.filter(unoccupied(start, end, now), published, is_active=True)


def published_over(start: datetime, end: datetime, day: date) -> Any:
    """Inside published time with a place left; who publishes nothing on or after `day` is not bound."""
    slots = TimeSlot.objects.filter(therapist_id=OuterRef("pk"))
    inside = Exists(slots.filter(slots_around(start, end), is_available=True, is_booked=False))
    return inside | ~Exists(slots.filter(date__gte=day))


def candidates(appointment: Appointment, now: datetime, answer_rate_over: timedelta) -> list[Candidate]:
    """Who can be offered this appointment, best first, in three queries; who refused or let it expire is left out."""
    free = therapists_free_at(
        appointment.institution, appointment.start, appointment.end, now, service_id=appointment.service_id
    )
    return rank(named(free.exclude(pk__in=refusers(appointment))), appointment, now, answer_rate_over)


def refusers(appointment: Appointment) -> QuerySet[User, Any]:
    """Therapists who once rejected this appointment, whatever came of it, let it expire or declined it while open."""
    refused = Assignment.objects.filter(Q(status__in=REFUSED) | Q(rejection__isnull=False), appointment=appointment)
    declined = OpenRequestDecline.objects.filter(appointment=appointment)
    return User.objects.filter(
        Q(pk__in=refused.values("therapist_id")) | Q(pk__in=declined.values("therapist_id"))
    ).values("pk")


def rank(
    therapists: Sequence[Free], appointment: Appointment, now: datetime, answer_rate_over: timedelta
) -> list[Candidate]:
    """Order free therapists by continuity, open offers, load, reliability and time since the last offer."""
    ids = [therapist.id for therapist in therapists]
    load = {row["therapist_id"]: row for row in _load(ids, appointment)}
    history = {row["therapist_id"]: row for row in answer_history(ids, now - answer_rate_over)}
    found = []
    for therapist in therapists:
        mine, past = load.get(therapist.id, {}), history.get(therapist.id, {})
        found.append(
            Candidate(
                **therapist._asdict(),
                treated_patient=mine.get("treated", 0) > 0,
                open_offers=mine.get("open_offers", 0),
                appointments_that_day=mine.get("that_day", 0),
                answer_rate=answer_rate(past.get("answered", 0), past.get("expired", 0)),
                last_offer_at=past.get("last_offer_at"),
            )
        )
    return sorted(found, key=lambda candidate: candidate.rank)


def answer_rate(answered: int, expired: int) -> float | None:
    """The share of offers that were answered at all, or None when there was none."""
    return round(answered / (answered + expired), 3) if answered + expired else None


def answer_history(therapist_ids: Iterable[int], since: datetime) -> QuerySet[Assignment, Any]:
    """Per therapist: offers answered and expired since then, and the time of the last offer."""
    return (
        Assignment.objects.filter(therapist_id__in=therapist_ids, assigned_at__gte=since)
        .values("therapist_id")
        .annotate(
            answered=Count("id", filter=Q(status__in=ANSWERED)),
            expired=Count("id", filter=Q(status=AssignmentStatus.EXPIRED)),
            last_offer_at=Max("assigned_at"),
        )
        .order_by()
    )


def _load(therapist_ids: Iterable[int], appointment: Appointment) -> QuerySet[Appointment, Any]:
    offered = Q(status=AppointmentStatus.PENDING)
    that_day = HOLDS_THERAPIST & Q(appointment_date=appointment.appointment_date)
    treated = Q(status=AppointmentStatus.COMPLETED, patient_id=appointment.patient_id)
    return (
        Appointment.objects.filter(offered | that_day | treated, therapist_id__in=therapist_ids)
        .values("therapist_id")
        .annotate(
            open_offers=Count("id", filter=offered),
            that_day=Count("id", filter=that_day),
            treated=Count("id", filter=treated),
        )
        .order_by()
    )
