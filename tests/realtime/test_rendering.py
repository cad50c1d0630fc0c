"""What each reader is told, and what not."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.events import EventType
from appointments.models import Appointment, AppointmentStatus, ReviewDecision
from appointments.services import assignment, attendance, rescheduling, review, suspension, sweeps
from core.accounts.models import User
from realtime.models import Notification
from realtime.rendering import Told, told_to, told_to_many
from tests.realtime.conftest import now
from tests.support.cast import Cast, at, book, drain_outbox, offer

pytestmark = pytest.mark.django_db


def last_told(user: User, kind: EventType, **where: object) -> Told:
    row = Notification.objects.filter(recipient=user, type=kind, **where).latest("seq")
    return told_to(user, [row], timezone.now())[0]


def test_a_missed_appointment_reads_as_the_contract_has_it(cast: Cast) -> None:
    appointment = offer(cast, hours=1)
    assignment.accept(appointment.pk, cast.theo, now())
    sweeps.miss_due(at(3))
    drain_outbox()
    therapist, patient = last_told(cast.theo, EventType.MISSED), last_told(cast.pia, EventType.MISSED)
    assert f"{therapist.title} - {therapist.message}" == "Missed Appointment - Appointment with Pia was not attended"
    assert (
        f"{patient.title} - {patient.message}" == "Missed Appointment - Your appointment with Dr. Theo was not attended"
    )


def test_a_rescheduled_appointment_reads_as_the_contract_has_it(cast: Cast) -> None:
    appointment = offer(cast)
    assignment.accept(appointment.pk, cast.theo, now())
    moved = rescheduling.reschedule(appointment.pk, at(48), cast.olive, now())
    drain_outbox()
    told = last_told(cast.pia, EventType.RESCHEDULED, appointment=moved.new_appointment)
    assert (
        f"{told.title} - {told.message}"
        == "Appointment Rescheduled - Your appointment with Dr. Theo has been rescheduled"
    )
    assert told.data["old_appointment_id"] == appointment.pk
    assert told.data["appointment"]["id"] == moved.new_appointment.pk


def test_operators_and_the_patient_who_chose_read_the_reason_of_a_rejection(cast: Cast) -> None:
    appointment = book(cast.pia, cast.pia, therapist=cast.theo)
    assignment.reject(appointment.pk, "I am ill", cast.theo, now())
    drain_outbox()
    for reader in (cast.olive, cast.pia):
        told = last_told(reader, EventType.REJECTED)
        assert told.data["rejection_reason"] == "I am ill"
        assert told.data["appointment"]["rejection_reason"] == "I am ill"
        assert "I am ill" in told.message


def test_the_patient_hears_of_no_rejection_of_a_therapist_they_did_not_choose(cast: Cast) -> None:
    appointment = offer(cast)
    assignment.reject(appointment.pk, "I am ill", cast.theo, now())
    drain_outbox()
    assert not Notification.objects.filter(recipient=cast.pia, type=EventType.REJECTED).exists()


def test_a_suspension_names_the_therapist_and_the_reason(cast: Cast) -> None:
    suspension.disable(cast.theo.pk, "by hand", cast.olive, now())
    drain_outbox()
    for reader in (cast.olive, cast.theo):
        told = last_told(reader, EventType.THERAPIST_DISABLED)
        assert told.data == {
            "therapist": {"id": cast.theo.pk, "name": "Theo"},
            "reason": "by hand",
            "appointment": None,
        }
    assert "Theo" in last_told(cast.olive, EventType.THERAPIST_DISABLED).message


def test_a_suspension_by_silence_carries_the_appointment(cast: Cast) -> None:
    appointment = offer(cast)
    drain_outbox()
    sweeps.expire_due(at(2), manual=True)
    drain_outbox()
    told = last_told(cast.olive, EventType.THERAPIST_DISABLED)
    assert told.data["appointment"]["id"] == appointment.pk


def test_a_former_therapist_sees_it_cancelled_and_no_name(cast: Cast) -> None:
    appointment = offer(cast)
    assignment.unassign(appointment.pk, cast.olive, now())
    drain_outbox()
    told = last_told(cast.theo, EventType.UNASSIGNED)
    assert told.data["appointment"]["status"] == AppointmentStatus.CANCELLED
    assert told.data["appointment"]["patient_name"] is None
    assert "Pia" not in told.tail


def test_what_the_reader_no_longer_sees_is_null(cast: Cast) -> None:
    request = book(cast.pia, cast.pia)
    drain_outbox()
    assignment.accept(request.pk, cast.theo, now())
    drain_outbox()
    told = last_told(cast.tara, EventType.UPDATED)
    assert told.data == {"open": False, "appointment": None}
    assert told.message == "A request is no longer open."
    assert last_told(cast.tara, EventType.NEW_APPOINTMENT).data["appointment"] is None


def test_an_open_request_reads_as_one(cast: Cast) -> None:
    book(cast.pia, cast.pia)
    drain_outbox()
    told = last_told(cast.theo, EventType.NEW_APPOINTMENT)
    assert told.message == "Pia asks for an appointment that you could take."
    assert told.data["appointment"]["open"] is True


def test_a_review_says_how_it_ended(cast: Cast) -> None:
    appointment = offer(cast)
    assignment.reject(appointment.pk, "ill", cast.theo, now())
    review.review_rejection(appointment.pk, ReviewDecision.DENY, cast.olive, now())
    drain_outbox()
    assert last_told(cast.theo, EventType.REVIEWED).message == "Your rejection was denied."


def test_braces_in_a_name_are_only_a_name(cast: Cast) -> None:
    User.objects.filter(pk=cast.pia.pk).update(first_name="{reason}")
    offer(cast)
    drain_outbox()
    assert "{reason}" in last_told(cast.olive, EventType.ASSIGNED).message


def test_the_appointment_is_as_it_is_now_and_not_as_it_was(cast: Cast) -> None:
    appointment = offer(cast)
    drain_outbox()
    attendance.cancel(appointment.pk, "x", cast.olive, now())
    told = last_told(cast.pia, EventType.ASSIGNED)
    assert told.data["appointment"]["status"] == AppointmentStatus.CANCELLED


def test_another_institution_reads_nothing_even_with_a_row(cast: Cast) -> None:
    appointment = offer(cast)
    row = Notification(
        recipient=cast.xander,
        seq=1,
        outbox_id=1,
        type=EventType.ASSIGNED,
        appointment=appointment,
        data={},
        created_at=now(),
    )
    (told,) = told_to(cast.xander, [row], now())
    assert told.data == {"appointment": None}
    assert "Pia" not in told.message


@pytest.fixture
def queries_for() -> Callable[[list[User]], int]:
    def count(readers: list[User]) -> int:
        rows = list(Notification.objects.filter(recipient__in=readers))
        with CaptureQueriesContext(connection) as captured:
            told_to_many({reader.pk: reader for reader in readers}, rows, now())
        return len(captured)

    return count


def test_operators_of_one_institution_share_one_rendering(cast: Cast, queries_for: Callable[[list[User]], int]) -> None:
    more = [
        User.objects.create(username=f"operator{number}", role="operator", institution=cast.clinic)
        for number in range(20)
    ]
    offer(cast)
    drain_outbox()
    assert queries_for([cast.olive]) == queries_for([cast.olive, cast.otto, *more])


def test_many_events_of_one_reader_cost_no_more_queries_than_one(
    cast: Cast, queries_for: Callable[[list[User]], int]
) -> None:
    offer(cast)
    drain_outbox()
    one = queries_for([cast.theo])
    for day in range(2, 12):
        offer(cast, hours=24 * day)
    drain_outbox()
    assert queries_for([cast.theo]) == one
    assert Appointment.objects.count() == 11
