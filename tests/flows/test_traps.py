"""The traps that the systems this one grew from had fallen into, one test each, over HTTP."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from appointments.models import Appointment, AppointmentLog, AppointmentRejection, AppointmentStatus
from appointments.services import sweeps as deadlines
from appointments.services.reassignment import search
from core.accounts.models import User
from realtime.models import Notification
from tasks import relay, sweeps
from tasks.deadlines import expire_assignment
from tests.conftest import Api
from tests.contracts.world import snapshot
from tests.support.cast import Cast, at, book, drain_outbox, offer
from tests.tasks.moves import audited, live, overdue, status

pytestmark = pytest.mark.django_db
URL = "/api/appointments/appointments/"


def one(appointment: Appointment, action: str = "") -> str:
    return f"{URL}{appointment.pk}/{action}{'/' if action else ''}"


@pytest.mark.parametrize("decision", ["accept", "deny"])
def test_a_review_leaves_the_appointment_where_it_is(cast: Cast, api: Api, decision: str) -> None:
    appointment = offer(cast)
    api(cast.theo).post(one(appointment, "reject"), {"rejection_reason": "A funeral"})
    answer = api(cast.olive).post(one(appointment, "review_rejection"), {"review_decision": decision})
    assert answer.status_code == 200
    for reader in (cast.olive, cast.pia, cast.theo):
        assert api(reader).get(one(appointment)).json()["id"] == appointment.pk
    assert AppointmentRejection.objects.get().review_decision == decision


def test_a_second_rejection_is_a_rejection_like_the_first(cast: Cast, api: Api) -> None:
    appointment, olive = offer(cast), api(cast.olive)
    api(cast.theo).post(one(appointment, "reject"), {"rejection_reason": "A funeral"})
    twice = api(cast.theo).post(one(appointment, "reject"), {"rejection_reason": "A funeral"})
    assert (twice.status_code, twice.json()["errors"][0]["code"]) == (409, "invalid_transition")
    olive.post(one(appointment, "reassign"), {"therapist": cast.tara.pk})
    second = api(cast.tara).post(one(appointment, "reject"), {"rejection_reason": "On holiday"})
    assert (second.status_code, second.json()["status"]) == (200, "rejected")
    assert [row["rejection_reason"] for row in olive.get(one(appointment)).json()["rejections"]] == [
        "On holiday",
        "A funeral",
    ]


def _assigned_again(cast: Cast, api: Api, appointment: Appointment) -> None:
    api(cast.olive).post(one(appointment, "unassign"))
    api(cast.olive).post(one(appointment, "assign"), {"therapist": cast.tara.pk})


def _reassigned(cast: Cast, api: Api, appointment: Appointment) -> None:
    api(cast.olive).post(one(appointment, "reassign"), {"therapist": cast.tara.pk})


def _found_by_the_search(cast: Cast, api: Api, appointment: Appointment) -> None:
    api(cast.theo).post(one(appointment, "reject"), {"rejection_reason": "A funeral"})
    api(cast.olive).post(one(appointment, "review_rejection"), {"review_decision": "accept"})
    appointment.refresh_from_db()
    assert appointment.search_id is not None
    search(appointment.pk, appointment.search_id, timezone.now())


@pytest.mark.parametrize("again", [_assigned_again, _reassigned, _found_by_the_search])
def test_every_new_offer_has_a_clock_of_its_own(
    cast: Cast, api: Api, again: Callable[[Cast, Api, Appointment], None]
) -> None:
    appointment = offer(cast)
    Appointment.objects.filter(pk=appointment.pk).update(response_deadline=timezone.now() + timedelta(minutes=1))
    before = timezone.now()
    again(cast, api, appointment)
    appointment.refresh_from_db()
    assert appointment.therapist == cast.tara
    assert appointment.response_deadline is not None
    assert appointment.response_deadline >= before + timedelta(minutes=30)


def _by_the_task(cast: Cast, api: Api, appointment: Appointment) -> None:
    expire_assignment(live(appointment).pk)


def _by_the_relay(cast: Cast, api: Api, appointment: Appointment) -> None:
    for sweep in relay.SWEEPS:
        sweep(timezone.now())


def _by_beat(cast: Cast, api: Api, appointment: Appointment) -> None:
    sweeps.auto_cancel_overdue()


def _by_the_command(cast: Cast, api: Api, appointment: Appointment) -> None:
    call_command("auto_cancel_overdue")


def _by_the_button(cast: Cast, api: Api, appointment: Appointment) -> None:
    api(cast.olive).post(f"{URL}auto_cancel_overdue/")


HANDS = [_by_the_task, _by_the_relay, _by_beat, _by_the_command, _by_the_button]


@pytest.mark.parametrize("hand", HANDS)
def test_all_sweepers_agree_on_what_is_due_and_what_becomes_of_it(
    cast: Cast, api: Api, settings: Settings, hand: Callable[[Cast, Api, Appointment], None]
) -> None:
    settings.AUTO_DISABLE_THERAPISTS = False
    waiting, late = offer(cast, hours=48), overdue(cast)
    hand(cast, api, late)
    assert (status(late), status(waiting)) == ("auto_cancelled", "pending")
    for other in HANDS[1:]:
        other(cast, api, late)
    assert (audited(late, "auto_cancelled"), audited(waiting, "auto_cancelled")) == (1, 0)


def test_a_disabled_therapist_is_offered_to_nobody_and_nobody_to_them(cast: Cast, api: Api) -> None:
    appointment, olive = book(cast.pia, cast.olive), api(cast.olive)
    assert cast.theo.pk in {row["id"] for row in olive.get(one(appointment, "available_therapists")).json()}
    olive.post(f"/api/scheduling/therapists/{cast.theo.pk}/disable/", {"reason": "Left"})
    assert {row["id"] for row in olive.get(one(appointment, "available_therapists")).json()} == {cast.tara.pk}
    assert cast.theo.pk not in {row["id"] for row in api(cast.pia).get("/api/scheduling/therapists/").json()["results"]}
    refused = olive.post(one(appointment, "assign"), {"therapist": cast.theo.pk})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "therapist_unavailable")
    body = {"therapist": cast.theo.pk, "start": at(72).isoformat()}
    assert api(cast.pia).post(URL, body, format="json").status_code == 409


@pytest.mark.parametrize(("minutes", "code"), [(-30, 201), (30, 201), (-29, 409), (29, 409), (0, 409)])
def test_back_to_back_is_no_overlap(cast: Cast, api: Api, minutes: int, code: int) -> None:
    start = at(48)
    olive = api(cast.olive)
    body = {"patient": cast.pia.pk, "therapist": cast.theo.pk, "start": start.isoformat()}
    assert olive.post(URL, body, format="json").status_code == 201
    body = {
        "patient": cast.pavel.pk,
        "therapist": cast.theo.pk,
        "start": (start + timedelta(minutes=minutes)).isoformat(),
    }
    assert olive.post(URL, body, format="json").status_code == code


def test_an_event_reaches_only_those_it_concerns(cast: Cast) -> None:
    appointment = offer(cast)
    drain_outbox()
    told = set(Notification.objects.filter(appointment=appointment).values_list("recipient", flat=True))
    assert told == {person.pk for person in (cast.olive, cast.otto, cast.theo, cast.pia)}


def test_one_bad_row_does_not_stop_a_sweep(cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AUTO_DISABLE_THERAPISTS = False
    good, bad = overdue(cast, hours=24), overdue(cast, hours=48)
    write = deadlines.machine.apply_many

    def failing(*args: object, **kwargs: object) -> list[Appointment]:
        moved = write(*args, **kwargs)  # type: ignore[arg-type]
        if any(row.pk == bad.pk for row in moved):
            raise RuntimeError
        return moved

    monkeypatch.setattr(deadlines.machine, "apply_many", failing)
    deadlines.expire_due(timezone.now(), manual=True)
    assert (status(good), status(bad)) == ("auto_cancelled", "pending")


def test_a_time_without_a_zone_is_refused_and_every_time_given_has_one(cast: Cast, api: Api) -> None:
    olive, naive = api(cast.olive), at(72).replace(tzinfo=None).isoformat()
    refused = olive.post(URL, {"patient": cast.pia.pk, "start": naive}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["attr"]) == (400, "start")
    made = olive.post(URL, {"patient": cast.pia.pk, "start": at(72).isoformat()}, format="json").json()
    for name in ("start", "end", "created_at", "updated_at"):
        assert datetime.fromisoformat(made[name]).utcoffset() == timedelta(0)


@pytest.mark.parametrize("stranger", ["pavel", "heidi"])
@pytest.mark.parametrize(
    "method_and_action",
    ["post accept", "post confirm", "post cancel", "post reschedule", "delete ", "patch ", "get "],
)
def test_strangers_can_do_nothing_with_a_patients_appointment(
    cast: Cast, api: Api, stranger: str, method_and_action: str
) -> None:
    appointment = offer(cast)
    method, action = method_and_action.split(" ")
    client = api(getattr(cast, stranger))
    before = snapshot()
    body = {"cancellation_reason": "mine now", "start": at(72).isoformat(), "notes": "mine now"}
    assert getattr(client, method)(one(appointment, action), body).status_code == 404
    assert snapshot() == before


def test_a_patient_can_neither_confirm_nor_delete_their_own(cast: Cast, api: Api) -> None:
    appointment, pia = offer(cast), api(cast.pia)
    for action in ("accept", "confirm", "complete", "mark_paid"):
        assert pia.post(one(appointment, action)).status_code == 403
    pia.post(one(appointment, "cancel"), {"cancellation_reason": "ill"})
    assert pia.delete(one(appointment)).status_code == 403
    assert status(appointment) == AppointmentStatus.CANCELLED
    assert AppointmentLog.objects.filter(appointment=appointment, performed_by=cast.pia).count() == 1
    assert User.objects.filter(pk=cast.pia.pk, is_active=True).exists()
