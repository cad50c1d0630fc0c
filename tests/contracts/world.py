"""Everybody with canaries in what is personal, and one appointment of Pia's in the state that a row asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from appointments.models import Appointment, ReviewDecision, Service, SuspensionBreaker, TimeOff, TimeSlot, WaitingList
from appointments.services import assignment, attendance, booking, review, suspension, sweeps, waiting_list
from appointments.services.waiting_list import Wish
from core.accounts.models import Institution, Role, User
from tests.support.cast import at, drain_outbox, make_cast

PASSWORD = "a-long-enough-password"
HASHED = make_password(PASSWORD)
PARTS = ("name", "contact", "text")
COLUMNS = {
    "anonymous": None,
    "suspended": "sam",
    "patient": "pia",
    "foreign_patient": "pavel",
    "therapist": "theo",
    "foreign_therapist": "tara",
    "operator": "olive",
    "admin": "ada",
    "other_patient": "heidi",
    "other_therapist": "heiko",
    "other_operator": "xander",
}


def canary(person: str, part: str) -> str:
    """The word that stands in this part of a person's data and nowhere else."""
    return f"{person}-{part}-canary"


@dataclass
class World:
    """`people` by name; `ids` are what a row's path, query and body may name with a dollar sign."""

    people: dict[str, User]
    ids: dict[str, Any] = field(default_factory=dict)


def make_world(given: str) -> World:
    """The cast, an appointment of somebody else's in each institution, and Pia's own as `given`."""
    cast = make_cast()
    people = {name: value for name, value in vars(cast).items() if isinstance(value, User)}
    people["sam"] = User.objects.create(
        username="sam", role=Role.OPERATOR, institution=cast.clinic, is_active=False, suspended_at=timezone.now()
    )
    for name, person in people.items():
        _mark(name, person)
    services = {home: _service(home, of) for home, of in (("harbour", cast.clinic), ("hill", cast.hill))}
    world = World(people)
    elsewhere = _booked(world, "pavel", "olive", hours=48)
    assignment.assign(elsewhere.pk, cast.tara.pk, cast.olive, timezone.now())
    assignment.accept(elsewhere.pk, cast.tara, timezone.now())
    away = _booked(world, "heidi", "xander", hours=48)
    assignment.assign(away.pk, cast.heiko.pk, cast.xander, timezone.now())
    entry = _entry(people["pia"])
    subject = GIVEN[given](world)
    drain_outbox()
    world.ids = {
        **{name: person.pk for name, person in people.items()},
        "appointment": subject.pk,
        "meeting": str(subject.meeting_id),
        "reminder": subject.reminders.values_list("pk", flat=True).first(),
        "service": services["harbour"].pk,
        "clinic": cast.clinic.pk,
        "slot": _slot(cast.theo).pk,
        "time_off": _time_off(cast.theo).pk,
        "entry": entry.pk,
        "tomorrow": (timezone.now() + timedelta(hours=30)).date().isoformat(),
        "soon": at(1).isoformat(),
        "later": at(72).isoformat(),
        "much_later": at(75).isoformat(),
        "seq": 1,
    }
    return world


def clients(world: World) -> dict[str, APIClient]:
    """A client for each column; the suspended person's token is still there, as after a race with its deletion."""
    made = {}
    for column, name in COLUMNS.items():
        made[column] = APIClient()
        if name is not None:
            token = AuthToken.objects.create(world.people[name])[1]
            made[column].credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return made


def snapshot() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for the counter of failed logins."""
    tables = [model._meta.db_table for model in apps.get_models() if model._meta.app_label != "axes"]
    return {table: _rows_of(table) for table in tables}


def _rows_of(table: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}" ORDER BY 1')
        return list(cursor.fetchall())


def _mark(name: str, person: User) -> None:
    person.first_name, person.last_name = name.title(), canary(name, "name")
    person.phone = canary(name, "contact")
    person.email = f"{person.phone}@example.org"
    person.password = HASHED
    person.save()


def _service(home: str, institution: Institution) -> Service:
    return Service.objects.create(institution=institution, name=canary(home, "name"))


def _slot(therapist: User) -> TimeSlot:
    """On a day on which nothing else is: who publishes binds patients to it."""
    start = at(-24 * 30)
    clock = {"date": start.date(), "start_time": start.time(), "end_time": at(-24 * 30 + 1).time()}
    return TimeSlot.objects.create(therapist=therapist, start=start, end=at(-24 * 30 + 1), **clock)


def _time_off(therapist: User) -> TimeOff:
    times = {"start": at(24 * 300), "end": at(24 * 300 + 1), "created_at": timezone.now()}
    return TimeOff.objects.create(therapist=therapist, created_by=therapist, reason=canary("theo", "text"), **times)


def _entry(patient: User) -> WaitingList:
    wish = Wish(patient=patient, preferred_date=_vacancy().date(), reason=canary("pia", "text"))
    return waiting_list.join(wish, patient, timezone.now())


def _vacancy() -> datetime:
    """When the place begins that is held for Pia: noon, so that it is one day on every clock."""
    return at(24 * 10).replace(hour=12, minute=0)


def _held(world: World) -> Appointment:
    """The place that Pavel gave up is held for Pia, who waits for one."""
    start, theo, pavel = _vacancy(), world.people["theo"], world.people["pavel"]
    end = start + timedelta(minutes=30)
    clock = {"date": start.date(), "start_time": start.time(), "end_time": end.time()}
    slot = TimeSlot.objects.create(therapist=theo, start=start, end=end, **clock)
    given_up = booking.book(booking.Booking(patient=pavel, start=start, time_slot_id=slot.pk), pavel, timezone.now())
    attendance.cancel(given_up.pk, "ill", pavel, timezone.now())
    return _unassigned(world)


def _booked(world: World, patient: str, actor: str, *, hours: float = 24, now: datetime | None = None) -> Appointment:
    text = canary(patient, "text")
    asked = booking.Booking(
        patient=world.people[patient], start=at(hours), reason_for_visit=text, symptoms=text, notes=text
    )
    return booking.book(asked, world.people[actor], now or timezone.now())


def _unassigned(world: World, **when: Any) -> Appointment:
    return _booked(world, "pia", "olive", **when)


def _offered(world: World, **when: Any) -> Appointment:
    now = when.get("now") or timezone.now()
    return assignment.assign(_unassigned(world, **when).pk, world.people["theo"].pk, world.people["olive"], now)


def _confirmed(world: World, **when: Any) -> Appointment:
    now = when.get("now") or timezone.now()
    return assignment.accept(_offered(world, **when).pk, world.people["theo"], now)


def _near(world: World) -> Appointment:
    return _confirmed(world, hours=0.2)


def _begun(world: World) -> Appointment:
    return _confirmed(world, hours=-1, now=timezone.now() - timedelta(days=1))


def _missed(world: World) -> Appointment:
    begun = _begun(world)
    sweeps.miss_due(timezone.now())
    return begun


def _claimed(world: World) -> Appointment:
    return assignment.claim(_offered(world).pk, world.people["olive"], timezone.now())


def _rejected(world: World) -> Appointment:
    return assignment.reject(_offered(world).pk, canary("theo", "text"), world.people["theo"], timezone.now())


def _lost(world: World) -> Appointment:
    rejected = _rejected(world)
    return review.review_rejection(rejected.pk, ReviewDecision.ACCEPT, world.people["olive"], timezone.now())


def _open(world: World) -> Appointment:
    return _booked(world, "pia", "pia")


def _overdue(world: World) -> Appointment:
    return _offered(world, now=timezone.now() - timedelta(hours=2))


def _disabled(world: World) -> Appointment:
    subject = _unassigned(world)
    suspension.disable(world.people["theo"].pk, canary("theo", "text"), world.people["olive"], timezone.now())
    return subject


def _halted(world: World) -> Appointment:
    for home in Institution.objects.all():
        SuspensionBreaker.objects.create(institution=home, opened_at=timezone.now())
    return _unassigned(world)


GIVEN: dict[str, Callable[[World], Appointment]] = {
    "unassigned": _unassigned,
    "offered": _offered,
    "confirmed": _confirmed,
    "near": _near,
    "begun": _begun,
    "missed": _missed,
    "claimed": _claimed,
    "rejected": _rejected,
    "lost": _lost,
    "open": _open,
    "overdue": _overdue,
    "disabled": _disabled,
    "halted": _halted,
    "held": _held,
}
