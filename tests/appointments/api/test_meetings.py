"""Meetings: appointments in the words of telehealth clients."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from appointments.models import Appointment, AppointmentLog, ReviewDecision
from appointments.services import assignment, attendance, booking, review, sweeps
from core.accounts.models import User
from tasks.sweeps import check_missed_meetings
from tests.conftest import Api
from tests.support.cast import Cast, at, book, client_of, drain_outbox, offer

MEETINGS = "/api/meetings/"
SCHEDULED = {"upcoming": 1, "missed": 0, "completed": 0}


def accepted(cast: Cast, *, hours: float = 24) -> Appointment:
    """Pia's appointment that Theo has accepted; a start in the past was agreed the day before."""
    now = timezone.now() if hours > 0 else timezone.now() - timedelta(days=1)
    asked = booking.Booking(patient=cast.pia, start=at(hours), therapist_id=cast.theo.pk)
    return assignment.accept(booking.book(asked, cast.olive, now).pk, cast.theo, now)


def missed(cast: Cast) -> Appointment:
    appointment = accepted(cast, hours=-2)
    sweeps.miss_due(timezone.now())
    return appointment


def address(appointment: Appointment, action: str = "") -> str:
    return f"{MEETINGS}{appointment.meeting_id}/{action}"


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["code"]


def status_of(appointment: Appointment) -> str:
    return Appointment.objects.get(pk=appointment.pk).status


def told(user: User) -> str:
    """The person's newest notification, as they read it by polling."""
    drain_outbox()
    newest = client_of(user).get("/api/scheduling/notifications/").json()["results"][0]
    return f"{newest['title']} - {newest['message']}"


@pytest.fixture
def scheduled(cast: Cast) -> Appointment:
    return accepted(cast)


def test_a_meeting_in_its_own_words(cast: Cast, api: Api, scheduled: Appointment) -> None:
    scheduled.video_url = "https://meet.example/1"
    scheduled.save(update_fields=["video_url"])
    assert api(cast.pia).get(address(scheduled)).json() == {
        "id": str(scheduled.meeting_id),
        "appointmentId": scheduled.pk,
        "title": "Therapy",
        "scheduledAt": scheduled.start.isoformat().replace("+00:00", "Z"),
        "durationMinutes": 30,
        "status": "scheduled",
        "videoUrl": "https://meet.example/1",
        "doctor": {"id": cast.theo.pk, "name": "Theo"},
        "patient": {"id": cast.pia.pk, "name": "Pia"},
    }


def test_what_waits_for_an_answer_or_a_review_is_no_meeting(cast: Cast, api: Api) -> None:
    offered = offer(cast)
    assert api(cast.pia).get(address(offered)).status_code == 404
    assignment.reject(offered.pk, "On leave.", cast.theo, timezone.now())
    assert api(cast.olive).get(address(offered)).status_code == 404
    assert api(cast.olive).get(MEETINGS).json()["count"] == 0


def test_a_denied_rejection_is_a_scheduled_meeting(cast: Cast, api: Api) -> None:
    rejected = assignment.reject(offer(cast).pk, "On leave.", cast.theo, timezone.now())
    review.review_rejection(rejected.pk, ReviewDecision.DENY, cast.olive, timezone.now())
    assert api(cast.theo).get(address(rejected)).json()["status"] == "scheduled"


@pytest.mark.parametrize(
    ("end", "status", "tab"),
    [
        (attendance.start, "in_progress", "upcoming"),
        (attendance.complete, "completed", "completed"),
        (attendance.no_show, "missed", "missed"),
    ],
    ids=["started", "completed", "no-show"],
)
def test_each_status_has_its_word_and_its_tab(cast: Cast, api: Api, end: Any, status: str, tab: str) -> None:
    meeting = accepted(cast, hours=-1)
    end(meeting.pk, cast.theo, timezone.now())
    assert api(cast.pia).get(address(meeting)).json()["status"] == status
    found = {name: api(cast.pia).get(MEETINGS, {"tab": name}).json()["count"] for name in SCHEDULED}
    assert found == {**dict.fromkeys(SCHEDULED, 0), tab: 1}


def test_a_cancelled_or_auto_cancelled_meeting_is_cancelled_and_in_no_tab(cast: Cast, api: Api) -> None:
    first = accepted(cast)
    attendance.cancel(first.pk, "Ill.", cast.pia, timezone.now())
    second = offer(cast)
    sweeps.expire_due(timezone.now() + timedelta(hours=1), manual=True)
    olive = api(cast.olive)
    assert [olive.get(address(one)).json()["status"] for one in (first, second)] == ["cancelled", "cancelled"]
    assert [olive.get(MEETINGS, {"tab": tab}).json()["count"] for tab in SCHEDULED] == [0, 0, 0]


def test_an_unknown_tab_is_refused(cast: Cast, api: Api) -> None:
    response = api(cast.pia).get(MEETINGS, {"tab": "soon"})
    assert (code_of(response), response.json()["errors"][0]["attr"]) == ((400, "invalid_choice"), "tab")


def test_an_address_that_is_no_uuid_is_not_found(cast: Cast, api: Api) -> None:
    assert code_of(api(cast.pia).get(f"{MEETINGS}7/")) == (404, "not_found")


@pytest.mark.parametrize("who", ["pavel", "tara", "xander", "heidi"])
def test_a_strangers_meeting_does_not_exist(cast: Cast, api: Api, scheduled: Appointment, who: str) -> None:
    client = api(getattr(cast, who))
    assert client.get(address(scheduled)).status_code == 404
    assert client.get(MEETINGS).json()["count"] == 0
    for action in ("start", "complete", "reschedule"):
        assert client.post(address(scheduled, action)).status_code == 404
    assert client.delete(address(scheduled)).status_code == 404
    assert status_of(scheduled) == "confirmed"


def test_a_former_therapist_sees_it_as_cancelled_and_without_the_patient(
    cast: Cast, api: Api, scheduled: Appointment
) -> None:
    assignment.unassign(scheduled.pk, cast.olive, timezone.now())
    shown = api(cast.theo).get(address(scheduled)).json()
    assert (shown["status"], shown["patient"], shown["videoUrl"], shown["doctor"]["id"]) == (
        "cancelled",
        None,
        None,
        cast.theo.pk,
    )
    late = api(cast.theo).post(address(scheduled, "complete"))
    assert (code_of(late), late.json()["current"]["patient"]) == ((409, "invalid_transition"), None)
    assert code_of(api(cast.theo).delete(address(scheduled))) == (409, "invalid_transition")


def test_one_click_brings_a_missed_meeting_back_under_the_same_id(cast: Cast, api: Api) -> None:
    meeting = missed(cast)
    assert api(cast.pia).get(address(meeting)).json()["status"] == "missed"
    response = api(cast.pia).post(address(meeting, "reschedule"), {"scheduledAt": at(48).isoformat()})
    assert response.status_code == 200
    moved = response.json()
    assert (moved["id"], moved["status"]) == (str(meeting.meeting_id), "scheduled")
    assert moved["scheduledAt"] == at(48).isoformat().replace("+00:00", "Z")
    assert moved["appointmentId"] != meeting.pk
    assert api(cast.theo).get(MEETINGS).json()["results"] == [moved]


def test_both_are_told_of_a_missed_and_of_a_moved_meeting(cast: Cast, api: Api) -> None:
    meeting = accepted(cast, hours=-2)
    assert check_missed_meetings() == 1
    assert told(cast.theo) == "Missed Appointment - Appointment with Pia was not attended"
    assert told(cast.pia) == "Missed Appointment - Your appointment with Dr. Theo was not attended"
    api(cast.theo).post(address(meeting, "reschedule"), {"scheduledAt": at(48).isoformat()})
    assert told(cast.pia) == "Appointment Rescheduled - Your appointment with Dr. Theo has been rescheduled"
    assert told(cast.theo).startswith("Appointment Rescheduled - ")


def test_the_sweep_waits_for_the_grace(cast: Cast) -> None:
    meeting = accepted(cast, hours=-1)
    grace = timedelta(minutes=30)
    assert sweeps.miss_due(meeting.start + grace - timedelta(microseconds=1)) == []
    assert sweeps.miss_due(meeting.start + grace) == [meeting.pk]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ({"scheduledAt": "soon"}, "invalid"),
        ({"scheduledAt": "2031-12-01T10:00:00"}, "no_offset"),
        ({"scheduledAt": "2001-12-01T10:00:00Z"}, "past"),
        ({"scheduledAt": "2999-12-01T10:00:00Z"}, "too_far"),
    ],
)
def test_a_bad_time_is_refused_by_its_own_name(
    cast: Cast, api: Api, scheduled: Appointment, body: dict[str, str], code: str
) -> None:
    response = api(cast.pia).post(address(scheduled, "reschedule"), body)
    assert (code_of(response), response.json()["errors"][0]["attr"]) == ((400, code), "scheduledAt")
    assert status_of(scheduled) == "confirmed"


def test_a_version_that_has_moved_on_is_stale(cast: Cast, api: Api, scheduled: Appointment) -> None:
    body = {"scheduledAt": at(48).isoformat(), "version": 1}
    response = api(cast.pia).post(address(scheduled, "reschedule"), body)
    assert (code_of(response), response.json()["current"]["status"]) == ((409, "stale_version"), "scheduled")


def test_a_meeting_is_started_and_completed(cast: Cast, api: Api) -> None:
    meeting = accepted(cast, hours=-1)
    assert api(cast.theo).post(address(meeting, "start")).json()["status"] == "in_progress"
    assert api(cast.theo).post(address(meeting, "complete")).json()["status"] == "completed"
    again = api(cast.theo).post(address(meeting, "complete"))
    assert (code_of(again), again.json()["current"]["status"]) == ((409, "invalid_transition"), "completed")


def test_a_patient_starts_and_deletes_nothing(cast: Cast, api: Api, scheduled: Appointment) -> None:
    assert code_of(api(cast.pia).post(address(scheduled, "start"))) == (403, "permission_denied")
    assert code_of(api(cast.pia).delete(address(scheduled))) == (403, "permission_denied")
    assert status_of(scheduled) == "confirmed"


@pytest.mark.parametrize("who", ["theo", "olive", "ada"])
def test_deleting_a_scheduled_meeting_cancels_and_hides_it(
    cast: Cast, api: Api, scheduled: Appointment, who: str
) -> None:
    actor: User = getattr(cast, who)
    assert api(actor).delete(address(scheduled)).status_code == 204
    gone = Appointment.objects.get(pk=scheduled.pk)
    assert (gone.status, gone.cancellation_reason) == ("cancelled", f"Deleted by {actor.first_name}")
    assert gone.hidden_at is not None
    for reader in (cast.pia, cast.theo, cast.olive):
        assert api(reader).get(address(scheduled)).status_code == 404
        assert api(reader).get(f"/api/scheduling/appointments/{scheduled.pk}/").status_code == 404
    logs = AppointmentLog.objects.filter(appointment=scheduled)[:2]
    assert [(log.action, log.performed_by_id) for log in logs] == [("deleted", actor.pk), ("cancelled", actor.pk)]


@pytest.mark.parametrize("who", ["theo", "olive"])
@pytest.mark.parametrize("make", [missed, lambda cast: attendance.cancel(accepted(cast).pk, "Ill.", cast.pia, at(0))])
def test_deleting_what_is_over_only_hides_it(cast: Cast, api: Api, make: Any, who: str) -> None:
    meeting = make(cast)
    before = status_of(meeting)
    assert api(getattr(cast, who)).delete(address(meeting)).status_code == 204
    assert status_of(meeting) == before
    assert api(cast.olive).get(MEETINGS).json()["count"] == 0
    assert code_of(api(cast.olive).delete(address(meeting))) == (404, "not_found")


@pytest.mark.parametrize("end", [attendance.start, attendance.complete])
def test_what_runs_or_was_completed_cannot_be_deleted(cast: Cast, api: Api, end: Any) -> None:
    meeting = accepted(cast, hours=-1)
    end(meeting.pk, cast.theo, timezone.now())
    response = api(cast.olive).delete(address(meeting))
    assert code_of(response) == (409, "invalid_transition")
    assert response.json()["current"]["id"] == str(meeting.meeting_id)
    assert Appointment.objects.get(pk=meeting.pk).hidden_at is None


def test_deleting_a_meeting_is_no_action_of_the_appointment(cast: Cast, api: Api, scheduled: Appointment) -> None:
    shown = api(cast.olive).get(f"/api/scheduling/appointments/{scheduled.pk}/").json()
    assert "delete_meeting" not in shown["allowed_actions"]


def test_a_list_takes_as_many_queries_for_one_meeting_as_for_many(
    cast: Cast, api: Api, scheduled: Appointment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = api(cast.olive)
    client.get(MEETINGS)
    with django_assert_num_queries(2):  # the token and the page
        client.get(MEETINGS)
    for hours in (30, 32, 34):
        assignment.accept(book(cast.pia, cast.olive, therapist=cast.theo, hours=hours).pk, cast.theo, timezone.now())
    with django_assert_num_queries(2):
        assert client.get(MEETINGS).json()["count"] == 4


def test_a_booking_gets_a_room_that_a_reschedule_keeps(cast: Cast, api: Api, settings: Settings) -> None:
    settings.VIDEO_URL_TEMPLATE = "https://meet.example.org/{meeting_id}?lobby=1"
    meeting = accepted(cast)
    room = f"https://meet.example.org/{meeting.meeting_id}?lobby=1"
    assert api(cast.theo).get(address(meeting)).json()["videoUrl"] == room
    moved = api(cast.theo).post(address(meeting, "reschedule"), {"scheduledAt": at(48).isoformat()})
    assert moved.json()["videoUrl"] == room


def test_without_a_template_there_is_no_room(cast: Cast, api: Api, scheduled: Appointment) -> None:
    assert api(cast.theo).get(address(scheduled)).json()["videoUrl"] is None


def test_the_room_of_an_open_request_is_not_shown_to_those_who_might_take_it(
    cast: Cast, api: Api, settings: Settings
) -> None:
    settings.VIDEO_URL_TEMPLATE = "https://meet.example.org/{meeting_id}"
    request = book(cast.pia, cast.pia)
    shown = f"/api/scheduling/appointments/{request.pk}/"
    assert api(cast.tara).get(shown).json()["video_url"] is None
    assert api(cast.pia).get(shown).json()["video_url"].endswith(str(request.meeting_id))
