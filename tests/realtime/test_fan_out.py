"""Who gets which row, with which number."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments.events import EventType
from appointments.models import Assignment
from appointments.services import assignment, attendance, booking, suspension, sweeps
from core.accounts.models import User
from core.liveness.models import Outage, Part
from core.outbox.models import OutboxEntry
from realtime.models import Inbox, Notification
from tests.realtime.conftest import now
from tests.support.cast import Cast, at, book, drain_outbox, offer

pytestmark = pytest.mark.django_db


def types_of(user: User) -> list[str]:
    return list(Notification.objects.filter(recipient=user).order_by("seq").values_list("type", flat=True))


def seqs_of(user: User) -> list[int]:
    return list(Notification.objects.filter(recipient=user).order_by("seq").values_list("seq", flat=True))


def test_an_offer_reaches_operators_therapist_and_patient_and_nobody_else(cast: Cast) -> None:
    offer(cast)
    drain_outbox()
    assert types_of(cast.olive) == types_of(cast.otto) == [EventType.NEW_APPOINTMENT, EventType.ASSIGNED]
    assert types_of(cast.theo) == types_of(cast.pia) == [EventType.ASSIGNED]
    for other in (cast.tara, cast.pavel, cast.ada, cast.xander):
        assert types_of(other) == []


def test_numbers_have_no_gaps_and_the_counter_follows(cast: Cast) -> None:
    for day in range(1, 6):
        appointment = offer(cast, hours=24 * day)
        assignment.accept(appointment.pk, cast.theo, now())
    drain_outbox()
    assert seqs_of(cast.olive) == list(range(1, 16))
    assert Inbox.objects.get(pk=cast.olive.pk).last_seq == 15
    assert seqs_of(cast.theo) == list(range(1, 11))


def test_events_of_one_appointment_come_in_the_order_of_its_versions(cast: Cast) -> None:
    appointment = offer(cast)
    assignment.extend(appointment.pk, 5, cast.olive, now())
    assignment.accept(appointment.pk, cast.theo, now())
    drain_outbox()
    versions = list(Notification.objects.filter(recipient=cast.olive).order_by("seq").values_list("version", flat=True))
    assert versions == sorted(versions)


def test_a_row_holds_ids_and_facts_only(cast: Cast) -> None:
    User.objects.filter(pk=cast.pia.pk).update(first_name="Canary-name", phone="Canary-phone")
    appointment = offer(cast)
    assignment.reject(appointment.pk, "Canary-reason", cast.theo, now())
    drain_outbox()
    assert "canary" not in str(list(Notification.objects.values())).lower()


def test_nothing_is_left_in_the_outbox(cast: Cast) -> None:
    offer(cast)
    drain_outbox()
    assert not OutboxEntry.objects.filter(lane="realtime").exists()


def test_a_suspended_operator_gets_no_more_rows(cast: Cast) -> None:
    User.objects.filter(pk=cast.otto.pk).update(is_active=False)
    offer(cast)
    drain_outbox()
    assert types_of(cast.otto) == []


def test_a_suspended_therapist_still_gets_the_row_of_the_suspension(cast: Cast) -> None:
    suspension.disable(cast.theo.pk, "by hand", cast.olive, now())
    drain_outbox()
    assert types_of(cast.theo) == [EventType.THERAPIST_DISABLED]


def test_an_open_request_is_shown_to_whoever_could_take_it(cast: Cast) -> None:
    User.objects.filter(pk=cast.tara.pk).update(taking_appointments=False)
    book(cast.pia, cast.pia)
    drain_outbox()
    shown = Notification.objects.filter(open_request=True)
    assert list(shown.values_list("recipient_id", flat=True)) == [cast.theo.pk]
    assert types_of(cast.pia) == []


@pytest.mark.parametrize("reason", ["inactive", "away", "busy"])
def test_an_open_request_is_not_shown_to_who_cannot_come(cast: Cast, reason: str) -> None:
    if reason == "inactive":
        User.objects.filter(pk=cast.tara.pk).update(is_active=False)
    elif reason == "away":
        User.objects.filter(pk=cast.tara.pk).update(away_until=now() + timedelta(hours=1))
    else:
        book(cast.pavel, cast.olive, therapist=cast.tara)
        drain_outbox()
    before = types_of(cast.tara)
    book(cast.pia, cast.pia)
    drain_outbox()
    assert types_of(cast.tara) == before


def test_many_open_requests_find_their_own_therapists_in_one_batch(cast: Cast) -> None:
    book(cast.pavel, cast.olive, therapist=cast.tara, hours=24)
    drain_outbox()
    first, second = book(cast.pia, cast.pia, hours=24), book(cast.pia, cast.pia, hours=48)
    drain_outbox()
    shown = Notification.objects.filter(open_request=True).values_list("appointment_id", "recipient_id")
    assert set(shown) == {
        (first.pk, cast.theo.pk),
        (second.pk, cast.theo.pk),
        (second.pk, cast.tara.pk),
    }


def test_who_lost_an_open_request_is_told_and_the_taker_is_not(cast: Cast) -> None:
    request = book(cast.pia, cast.pia)
    drain_outbox()
    assignment.accept(request.pk, cast.theo, now())
    drain_outbox()
    assert types_of(cast.tara) == [EventType.NEW_APPOINTMENT, EventType.UPDATED]
    assert Notification.objects.get(recipient=cast.tara, seq=2).data == {"open": False}
    assert types_of(cast.theo) == [EventType.NEW_APPOINTMENT, EventType.ACCEPTED]


def test_an_offer_by_the_patient_that_expires_is_shown_as_an_open_request(cast: Cast) -> None:
    appointment = book(cast.pia, cast.pia, therapist=cast.theo)
    drain_outbox()
    later = now() + timedelta(minutes=31)
    sweeps.expire_due(later, manual=True)
    drain_outbox()
    shown = Notification.objects.filter(open_request=True, appointment=appointment)
    assert set(shown.values_list("recipient_id", flat=True)) == {cast.theo.pk, cast.tara.pk}
    assert types_of(cast.pia) == [EventType.UNASSIGNED]


def test_the_offer_is_noted_as_told_to_its_therapist(cast: Cast) -> None:
    appointment = offer(cast)
    assert Assignment.objects.get(appointment=appointment).notified_at is None
    drain_outbox()
    told = Assignment.objects.get(appointment=appointment)
    assert told.notified_at is not None
    row = Notification.objects.get(recipient=cast.theo, type=EventType.ASSIGNED)
    assert row.assignment_id == told.pk
    assert not Notification.objects.exclude(recipient=cast.theo).filter(assignment__isnull=False).exists()


def test_an_offer_told_again_after_an_outage_is_noted_as_told(cast: Cast) -> None:
    appointment = offer(cast)
    drain_outbox()
    Assignment.objects.filter(appointment=appointment).update(notified_at=None)
    begin = now() + timedelta(minutes=1)
    Outage.objects.create(part=Part.WEB, started_at=begin, ended_at=begin + timedelta(minutes=3))
    assert suspension.settle_outages(begin + timedelta(minutes=3)) == 1
    drain_outbox()
    assert types_of(cast.theo)[-1] == EventType.DEADLINE_EXTENDED
    assert Assignment.objects.get(appointment=appointment).notified_at is not None


def test_an_archived_appointment_leaves_the_numbering_whole(cast: Cast) -> None:
    offer(cast)
    drain_outbox()
    Notification.objects.filter(recipient=cast.olive, seq=1).update(appointment=None)
    assert seqs_of(cast.olive) == [1, 2]


def test_the_queries_of_a_batch_do_not_grow_with_its_events(cast: Cast) -> None:
    def queries(days: range) -> int:
        for day in days:
            book(cast.pia, cast.pia, hours=24 * day)
            attendance.cancel(book(cast.pavel, cast.olive, hours=24 * day + 5).pk, "x", cast.olive, now())
        with CaptureQueriesContext(connection) as captured:
            drain_outbox()
        return len(captured)

    queries(range(1, 2))  # everybody has an inbox now
    assert queries(range(2, 4)) == queries(range(4, 12))


def test_a_booking_with_a_therapist_is_an_offer_and_no_open_request(cast: Cast) -> None:
    wanted = booking.Booking(patient=cast.pia, start=at(30), therapist_id=cast.theo.pk)
    booking.book(wanted, cast.pia, now())
    drain_outbox()
    assert types_of(cast.theo) == [EventType.NEW_APPOINTMENT]
    assert types_of(cast.tara) == []
    assert not Notification.objects.get(recipient=cast.theo).open_request
