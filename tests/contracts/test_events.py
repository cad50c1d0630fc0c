"""The same matrix for what comes by itself: each event reaches whom the contract names, with what they may see.

The socket and polling read the same rows through the same rendering; polling is asked here.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from appointments.events import EventType
from appointments.models import Appointment, ReviewDecision
from appointments.services import assignment, attendance, rescheduling, review, suspension, sweeps, vacancies
from core.accounts.models import User
from tests.contracts.test_authorization import leaked
from tests.contracts.world import World, canary, clients, make_world
from tests.support.cast import at, drain_outbox

Move = Callable[[World, Appointment], object]
STAFF = {"operator"}
BOTH = STAFF | {"therapist"}
ALL = BOTH | {"patient"}
REQUESTED = {"foreign_therapist": ["tara", "pavel", "pia.name", "pia.text", "theo.name", "harbour"]}
LOST = {"therapist": ["theo", "tara.name", "harbour"]}


class Row(NamedTuple):
    """After `move` in the state `given`, the `event` has reached just the columns `told`."""

    event: EventType
    given: str
    move: Move
    told: set[str]
    sees: Mapping[str, list[str]] = MappingProxyType({})


def nothing(world: World, subject: Appointment) -> None:
    """What is given has already sent the event."""


def by(name: str, service: Callable[..., object], *args: object) -> Move:
    return lambda world, subject: service(subject.pk, *args, world.people[name], timezone.now())


def expired(world: World, subject: Appointment) -> None:
    sweeps.expire_due(timezone.now(), manual=True)


def warned(world: World, subject: Appointment) -> None:
    assert subject.warn_at is not None
    sweeps.warn_due(subject.warn_at)


def enabled(world: World, subject: Appointment) -> None:
    suspension.enable(world.people["theo"].pk, world.people["olive"], timezone.now())


def later(world: World, subject: Appointment) -> None:
    rescheduling.reschedule(subject.pk, at(72), world.people["pia"], timezone.now())


def given_on(world: World, subject: Appointment) -> None:
    vacancies.expire_due(timezone.now() + timedelta(hours=1))


def missed(world: World, subject: Appointment) -> None:
    sweeps.miss_due(timezone.now())


def extended(pk: int, actor: User, now: datetime) -> None:
    assignment.extend(pk, 10, actor, now)


def reviewed(world: World, subject: Appointment) -> None:
    review.review_rejection(subject.pk, ReviewDecision.ACCEPT, world.people["olive"], timezone.now())


E = EventType
ROWS = [
    Row(E.NEW_APPOINTMENT, "unassigned", nothing, STAFF),
    Row(E.NEW_APPOINTMENT, "open", nothing, BOTH | {"foreign_therapist"}, REQUESTED),
    Row(E.ASSIGNED, "offered", nothing, ALL),
    Row(E.UNASSIGNED, "offered", by("olive", assignment.unassign), BOTH, LOST),
    Row(E.UNASSIGNED, "confirmed", by("olive", assignment.unassign), ALL, LOST),
    Row(
        E.DEADLINE_EXTENDED,
        "offered",
        lambda w, a: assignment.extend(a.pk, 10, w.people["olive"], timezone.now()),
        BOTH,
    ),
    Row(E.DEADLINE_APPROACHING, "offered", warned, BOTH),
    Row(E.ACCEPTED, "confirmed", nothing, ALL),
    Row(E.REJECTED, "rejected", nothing, BOTH),
    Row(E.REVIEWED, "rejected", reviewed, BOTH, LOST),
    Row(E.AUTO_CANCELLED, "overdue", expired, ALL, LOST),
    Row(E.THERAPIST_DISABLED, "disabled", nothing, BOTH),
    Row(E.THERAPIST_ENABLED, "disabled", enabled, BOTH),
    Row(E.CANCELLED, "confirmed", by("pia", attendance.cancel, "no longer needed"), ALL),
    Row(E.RESCHEDULED, "confirmed", later, ALL),
    Row(E.MISSED, "begun", missed, ALL),
    Row(E.NO_SHOW, "begun", by("theo", attendance.no_show), ALL),
    Row(E.STARTED, "near", by("theo", attendance.start), ALL),
    Row(E.COMPLETED, "begun", by("theo", attendance.complete), ALL),
    Row(E.UPDATED, "confirmed", by("olive", attendance.mark_paid), ALL),
    Row(E.WAITLIST_OFFER, "held", nothing, STAFF | {"patient"}),
    Row(E.WAITLIST_OFFER_EXPIRED, "held", given_on, STAFF | {"patient"}),
    Row(E.CLAIMED, "offered", by("olive", assignment.claim), STAFF),
]


def received(world: World, client: APIClient) -> dict[str, str]:
    """What the person was sent of Pia's appointment or of an account, the latest of each type, as text."""
    others = Appointment.objects.exclude(meeting_id=world.ids["meeting"]).values_list("pk", flat=True)
    page = client.get("/api/scheduling/notifications/", {"after": 0})
    results: list[dict[str, Any]] = page.json()["results"] if page.status_code == 200 else []
    return {event["type"]: str(event) for event in results if event["appointment"] not in others}


@pytest.mark.django_db
@pytest.mark.parametrize("row", ROWS, ids=[f"{row.event} after {row.given}" for row in ROWS])
def test_an_event_reaches_whom_the_contract_names_and_tells_nothing_of_others(row: Row, settings: Settings) -> None:
    settings.AUTO_DISABLE_THERAPISTS = False
    world = make_world(row.given)
    row.move(world, Appointment.objects.get(pk=world.ids["appointment"]))
    drain_outbox()
    User.objects.filter(pk=world.people["theo"].pk).update(is_active=True)  # so that he can read what he was sent
    told, secrets = set(), {}
    for column, client in clients(world).items():
        event = received(world, client).get(row.event)
        if event is not None:
            told.add(column)
            secrets[column] = leaked({"sees": row.sees}, column, event)
    assert told == row.told
    assert not any(secrets.values()), secrets


def test_every_event_has_a_row() -> None:
    assert {row.event for row in ROWS} == set(EventType)


@pytest.mark.django_db
def test_the_patients_name_stands_in_what_the_operator_is_sent() -> None:
    world = make_world("offered")
    assert canary("pia", "name") in received(world, clients(world)["operator"])[EventType.ASSIGNED]
