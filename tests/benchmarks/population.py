"""Large, plausible data, written past the services because there are hundreds of thousands of rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from appointments.models import Appointment, Assignment, AssignmentStatus, Origin
from core.accounts.models import Institution, Role, User

BATCH = 5_000
LENGTH = timedelta(minutes=30)


@dataclass
class Clinic:
    """An institution with its people; `places` numbers the periods that were given away."""

    institution: Institution
    operator: User
    therapists: list[User]
    patients: list[User]
    first: datetime
    places: "count[int]"

    def next_place(self) -> tuple[User, User, datetime]:
        """A therapist, a patient and a period that nobody has yet."""
        number = next(self.places)
        period, place = divmod(number, len(self.therapists))
        return self.therapists[place], self.patients[place], self.first + period * LENGTH


def make_clinic(people: int) -> Clinic:
    """A clinic with so many therapists and as many patients, whose appointments begin the day after tomorrow."""
    institution = Institution.objects.create(name="Bench", timezone="Europe/Berlin")
    operator = User.objects.create(username="bench_operator", role=Role.OPERATOR, institution=institution)

    def persons(role: Role) -> list[User]:
        rows = (
            User(username=f"{role}{number}", first_name=f"{role} {number}", role=role, institution=institution)
            for number in range(people)
        )
        return User.objects.bulk_create(rows, batch_size=BATCH)

    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + timedelta(days=2)
    return Clinic(institution, operator, persons(Role.THERAPIST), persons(Role.PATIENT), first, count())


def settled(clinic: Clinic, number: int) -> list[Appointment]:
    """Confirmed appointments, the bulk of any table."""
    return _insert(clinic, [None] * number, status="confirmed", confirmed_at=timezone.now())


def offers(clinic: Clinic, deadlines: list[datetime]) -> list[Appointment]:
    """One offer for each deadline, of which the therapists have been told."""
    made = _insert(clinic, list(deadlines), status="pending", origin=Origin.OPERATOR)
    now = timezone.now()
    Assignment.objects.bulk_create(
        (
            Assignment(
                appointment=appointment,
                therapist_id=appointment.therapist_id,
                origin=Origin.OPERATOR,
                status=AssignmentStatus.OFFERED,
                assigned_at=now,
                notified_at=now,
                warned_at=now,
            )
            for appointment in made
        ),
        batch_size=BATCH,
    )
    return made


def unassigned(clinic: Clinic, number: int) -> list[Appointment]:
    """Requests that wait for an operator."""
    return _insert(clinic, [None] * number, status="pending", held=False)


def _insert(
    clinic: Clinic, deadlines: list[datetime | None], *, held: bool = True, **columns: object
) -> list[Appointment]:
    zone = ZoneInfo(clinic.institution.timezone)
    rows = []
    for deadline in deadlines:
        therapist, patient, start = clinic.next_place()
        local = start.astimezone(zone)
        rows.append(
            Appointment(
                institution=clinic.institution,
                therapist=therapist if held else None,
                patient=patient,
                start=start,
                end=start + LENGTH,
                appointment_date=local.date(),
                appointment_time=local.time(),
                response_deadline=deadline,
                assigned_at=timezone.now() if deadline else None,
                **columns,
            )
        )
    return Appointment.objects.bulk_create(rows, batch_size=BATCH)


def fresh_statistics() -> None:
    """What autovacuum would have done by the time a real table is this large."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
