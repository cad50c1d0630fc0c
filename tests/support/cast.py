"""A named cast, and the few moves that most tests begin with."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from appointments.models import Appointment
from appointments.services import assignment, booking
from core.accounts.models import Institution, Role, User
from core.outbox.draining import drain
from core.outbox.models import Lane


@dataclass
class Cast:
    """Olive and Otto operate, Theo and Tara treat, Pia and Pavel are patients, Ada is the admin.

    Xander operates another institution, where Heiko treats and Heidi is a patient: they see nothing of the first.
    """

    clinic: Institution
    hill: Institution
    olive: User
    otto: User
    theo: User
    tara: User
    pia: User
    pavel: User
    ada: User
    xander: User
    heiko: User
    heidi: User


def make_cast() -> Cast:
    """Two statements: nearly every test begins with it."""
    clinic = Institution(name="Harbour", timezone="Asia/Karachi")
    hill = Institution(name="Hill", timezone="Europe/Berlin")
    Institution.objects.bulk_create([clinic, hill])

    def person(name: str, role: Role, institution: Institution | None = clinic) -> User:
        return User(
            username=name.lower(),
            first_name=name,
            role=role,
            institution=institution,
            email=f"{name.lower()}@clinic.example",
            phone="+491700000000",
            is_superuser=role == Role.ADMIN,
            is_staff=role == Role.ADMIN,
        )

    people = {
        "olive": person("Olive", Role.OPERATOR),
        "otto": person("Otto", Role.OPERATOR),
        "theo": person("Theo", Role.THERAPIST),
        "tara": person("Tara", Role.THERAPIST),
        "pia": person("Pia", Role.PATIENT),
        "pavel": person("Pavel", Role.PATIENT),
        "ada": person("Ada", Role.ADMIN, None),
        "xander": person("Xander", Role.OPERATOR, hill),
        "heiko": person("Heiko", Role.THERAPIST, hill),
        "heidi": person("Heidi", Role.PATIENT, hill),
    }
    User.objects.bulk_create(people.values())
    return Cast(clinic=clinic, hill=hill, **people)


def at(hours: float) -> datetime:
    """A full minute some hours ahead."""
    return (datetime.now(UTC) + timedelta(hours=hours)).replace(second=0, microsecond=0)


def book(patient: User, actor: User, *, therapist: User | None = None, hours: float = 24) -> Appointment:
    """A new appointment, an offer where a therapist is named."""
    asked = booking.Booking(patient=patient, start=at(hours), therapist_id=therapist.pk if therapist else None)
    return booking.book(asked, actor, timezone.now())


def offer(cast: Cast, *, hours: float = 24) -> Appointment:
    """An appointment of Pia's that Olive has offered to Theo."""
    appointment = book(cast.pia, cast.olive, hours=hours)
    return assignment.assign(appointment.pk, cast.theo.pk, cast.olive, timezone.now())


def drain_outbox(*lanes: Lane) -> int:
    """Carry out everything promised, as the relay would; returns how many rows."""
    total = 0
    for lane in lanes or (Lane.REALTIME,):
        while done := drain(lane, timezone.now() + timedelta(days=1), timezone.now).done:
            total += done
    return total


def client_of(user: User | None = None) -> APIClient:
    """An HTTP client with a real token, or none for a stranger."""
    client = APIClient()
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Token {AuthToken.objects.create(user)[1]}")
    return client
