"""Two clinics to try things out with: accounts, services, slots."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password

from appointments.demo.history import History
from appointments.models import Appointment, Service, TimeOff, TimeSlot
from core.accounts import services as accounts
from core.accounts.models import Institution, Role, User
from core.transactions import in_transaction

PASSWORD: Final = "demo"  # noqa: S105 - the demo's, refused in production
SLOT_DAYS: Final = 14
SLOT_MINUTES: Final = 30
OPENS, CLOSES = time(9), time(17)
HARBOUR: Final = ("Harbour Clinic", "Asia/Karachi")
HILL: Final = ("Hill Clinic", "Europe/Berlin")
# User name, role, first and last name.
PEOPLE: Final = {
    HARBOUR[0]: (
        ("operator", Role.OPERATOR, "Omar", "Siddiqui"),
        ("operator2", Role.OPERATOR, "Olga", "Petrova"),
        ("therapist", Role.THERAPIST, "Thea", "Khan"),
        ("therapist2", Role.THERAPIST, "Tariq", "Aziz"),
        ("therapist3", Role.THERAPIST, "Tina", "Rossi"),
        ("therapist4", Role.THERAPIST, "Taha", "Malik"),
        ("therapist5", Role.THERAPIST, "Tess", "Moore"),
        ("therapist6", Role.THERAPIST, "Timur", "Aliyev"),
        ("therapist7", Role.THERAPIST, "Talia", "Haddad"),
        ("therapist8", Role.THERAPIST, "Tom", "Baker"),
        ("patient", Role.PATIENT, "Parveen", "Ahmed"),
        ("patient2", Role.PATIENT, "Paul", "Lindqvist"),
        ("patient3", Role.PATIENT, "Priya", "Nair"),
        ("patient4", Role.PATIENT, "Pedro", "Santos"),
        ("patient5", Role.PATIENT, "Petra", "Novak"),
        ("patient6", Role.PATIENT, "Peyman", "Karimi"),
    ),
    HILL[0]: (
        ("hill_operator", Role.OPERATOR, "Hanna", "Vogel"),
        ("hill_therapist", Role.THERAPIST, "Heiko", "Braun"),
        ("hill_patient", Role.PATIENT, "Heidi", "Keller"),
    ),
}
SERVICES: Final = (
    ("Physiotherapy", 30, Decimal(60)),
    ("Speech therapy", 45, Decimal(75)),
    ("Counselling", 60, Decimal(90)),
)


@in_transaction
def seed(now: datetime) -> list[str]:
    """Create what is missing and reinstate the demo accounts; a line for each object. Idempotent."""
    lines: list[str] = []
    password = make_password(PASSWORD)
    for name, zone in (HARBOUR, HILL):
        institution, created = Institution.objects.get_or_create(name=name, defaults={"timezone": zone})
        if created:
            lines.append(f"institution {name}")
        lines += _people(institution, password, now)
        lines += _services(institution)
        lines += _slots(institution, now)
    lines += _admin(password)
    harbour = Institution.objects.get(name=HARBOUR[0])
    if not Appointment.objects.filter(institution=harbour).exists():
        lines += History(harbour, now).told()
    return lines


def _people(institution: Institution, password: str, now: datetime) -> Iterator[str]:
    for username, role, first_name, last_name in PEOPLE[institution.name]:
        user, created = User.objects.get_or_create(
            username=username,
            defaults={
                "role": role,
                "institution": institution,
                "first_name": first_name,
                "last_name": last_name,
                "email": f"{username}@demo.example",
                "phone": "+920000000000" if institution.name == HARBOUR[0] else "+490000000000",
                "password": password,
            },
        )
        reinstated = not created and accounts.reinstate(user.pk, actor=None, now=now)
        User.objects.filter(pk=user.pk).update(taking_appointments=True, away_until=None)
        TimeOff.objects.filter(therapist=user, end__gt=now).delete()
        if created or reinstated:
            yield f"{role.value} {username}"


def _admin(password: str) -> Iterator[str]:
    _, created = User.objects.get_or_create(
        username="admin",
        defaults={"role": Role.ADMIN, "is_staff": True, "is_superuser": True, "password": password},
    )
    if created:
        yield "admin admin"


def _services(institution: Institution) -> Iterator[str]:
    therapists = institution.users.filter(role=Role.THERAPIST)
    for name, minutes, fee in SERVICES:
        service, created = Service.objects.get_or_create(
            institution=institution, name=name, defaults={"duration_minutes": minutes, "fee": fee}
        )
        service.therapists.add(*therapists)
        if created:
            yield f"service {name}"


def _slots(institution: Institution, now: datetime) -> Iterator[str]:
    """One place every thirty minutes for every therapist, on each of the next fourteen calendar days."""
    zone = ZoneInfo(institution.timezone)
    today = now.astimezone(zone).date()
    length = timedelta(minutes=SLOT_MINUTES)
    wanted: list[TimeSlot] = []
    for therapist in institution.users.filter(role=Role.THERAPIST).order_by("id"):
        have = list(TimeSlot.objects.filter(therapist=therapist, date__gte=today).values_list("start", "end"))
        for day in (today + timedelta(days=number) for number in range(SLOT_DAYS)):
            start, closes = _local(day, OPENS, zone), _local(day, CLOSES, zone)
            while start < closes:
                if not any(begin < start + length and start < end for begin, end in have):
                    wanted.append(_slot(therapist, day, start, start + length, zone))
                start += length
    TimeSlot.objects.bulk_create(wanted, batch_size=500)
    if wanted:
        yield f"{len(wanted)} time slots of {institution.name}"


def _slot(therapist: User, day: date, start: datetime, end: datetime, zone: ZoneInfo) -> TimeSlot:
    return TimeSlot(
        therapist=therapist,
        date=day,
        start_time=start.astimezone(zone).time(),
        end_time=end.astimezone(zone).time(),
        start=start,
        end=end,
    )


def _local(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(ZoneInfo("UTC"))
