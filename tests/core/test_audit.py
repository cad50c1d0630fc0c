"""The auditor is silent about a healthy system and names every promise that is broken."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from appointments.models import Appointment, AppointmentLog, Assignment, WaitingOffer
from appointments.services import assignment, attendance, suspension, waiting_list
from appointments.services.waiting_list import Wish
from core import audit
from core.outbox.models import Lane, OutboxEntry
from realtime import inbox
from realtime.models import Inbox, Notification
from tests.appointments.moves import slot_around
from tests.support.cast import Cast, at, book, drain_outbox, offer

LATER = timedelta(minutes=5)


def found(after: timedelta = LATER) -> list[tuple[str, str]]:
    return [(finding.invariant, finding.subject) for finding in audit.findings(timezone.now() + after)]


@pytest.fixture
def lively(cast: Cast) -> Appointment:
    """A clinic in which every kind of thing has happened and every effect was carried out; its newest appointment."""
    done = offer(cast, hours=1)
    assignment.accept(done.pk, cast.theo, timezone.now())
    attendance.cancel(done.pk, "ill", cast.olive, timezone.now())
    suspension.disable(cast.tara.pk, "on leave", cast.olive, timezone.now())
    newest = offer(cast, hours=48)
    drain_outbox()
    OutboxEntry.objects.all().delete()  # the tasks lane, whose broker is away here
    Assignment.objects.filter(ended_at__isnull=True).update(armed_for=newest.response_deadline)
    return newest


def test_a_healthy_system_gives_no_finding(lively: Appointment) -> None:
    assert found() == []


def test_i1_an_offer_past_its_deadline_is_named(lively: Appointment) -> None:
    Appointment.objects.filter(pk=lively.pk).update(response_deadline=timezone.now() - timedelta(seconds=20))
    assert found(timedelta()) == [("I1", f"appointment {lively.pk}")]


def test_i1_a_deadline_that_has_just_passed_is_at_work(lively: Appointment) -> None:
    Appointment.objects.filter(pk=lively.pk).update(response_deadline=timezone.now() - timedelta(seconds=5))
    assert found(timedelta()) == []


def test_i1_where_nothing_expires_by_itself_an_old_offer_is_no_finding(lively: Appointment, settings: Settings) -> None:
    settings.AUTO_CANCEL_ENABLED = False
    Appointment.objects.filter(pk=lively.pk).update(response_deadline=timezone.now() - timedelta(seconds=20))
    assert found(timedelta()) == []


def test_i1_a_request_that_nobody_took_by_its_start_is_named(cast: Cast) -> None:
    request = book(cast.pavel, cast.olive, hours=1)
    drain_outbox()
    assert found(timedelta(hours=2)) == [("I1", f"appointment {request.pk}")]


def test_i1_a_place_held_past_its_time_is_named(cast: Cast) -> None:
    start = at(72)
    entry = waiting_list.join(Wish(patient=cast.pavel, preferred_date=start.date()), cast.pavel, timezone.now())
    held = waiting_list.notify(entry.pk, timezone.now(), slot_around(cast.theo, start).pk)
    drain_outbox()
    OutboxEntry.objects.all().delete()
    assert held is not None
    assert found(timedelta()) == []
    WaitingOffer.objects.filter(pk=held.pk).update(expires_at=timezone.now() - timedelta(seconds=20))
    assert found(timedelta()) == [("I1", f"waiting-list offer {held.pk}")]


def test_i7_a_gap_in_an_inbox_is_named(lively: Appointment, cast: Cast) -> None:
    Notification.objects.filter(recipient=cast.olive, seq=2).delete()
    assert ("I7", f"inbox of user {cast.olive.pk}") in found()


def test_i7_a_counter_that_ran_ahead_is_named(lively: Appointment, cast: Cast) -> None:
    Inbox.objects.filter(pk=cast.olive.pk).update(last_seq=100)
    assert ("I7", f"inbox of user {cast.olive.pk}") in found()


def test_i7_events_against_the_order_of_versions_are_named(lively: Appointment, cast: Cast) -> None:
    told = Notification.objects.filter(recipient=cast.olive, appointment=lively)
    Notification.objects.filter(pk=told.earliest("seq").pk).update(version=99)
    assert ("I7", f"notification {told.latest('seq').seq} of user {cast.olive.pk}") in found()


def test_what_was_archived_leaves_no_gap(lively: Appointment) -> None:
    Notification.objects.filter(seq=1).update(created_at=timezone.now() - timedelta(days=30))
    inbox.forget(timezone.now() - timedelta(days=1))
    assert [finding for finding in found() if finding[0] == "I7"] == []


def test_i9_an_effect_that_nobody_carries_out_is_named(lively: Appointment, cast: Cast) -> None:
    assignment.unassign(lively.pk, cast.olive, timezone.now())
    entry = OutboxEntry.objects.get(lane=Lane.REALTIME)
    assert ("I9", f"outbox entry {entry.pk}") in found()


def test_i9_a_fresh_effect_is_at_work(lively: Appointment, cast: Cast) -> None:
    assignment.unassign(lively.pk, cast.olive, timezone.now())
    assert found(timedelta(seconds=20)) == []


def test_i9_a_change_whose_effect_was_lost_is_named(lively: Appointment, cast: Cast) -> None:
    assignment.unassign(lively.pk, cast.olive, timezone.now())
    attendance.cancel(lively.pk, "ill", cast.olive, timezone.now())
    OutboxEntry.objects.all().delete()
    lost = AppointmentLog.objects.get(appointment=lively, action="cancelled")
    assert ("I9", f"log {lost.pk}") in found()


def test_i9_an_offer_whose_eta_task_was_never_published_is_named(lively: Appointment) -> None:
    Assignment.objects.update(armed_for=None)
    live = Assignment.objects.get(ended_at__isnull=True)
    assert ("I9", f"assignment {live.pk}") in found()


def test_i9_a_search_that_does_not_end_is_named(cast: Cast) -> None:
    request = book(cast.pavel, cast.olive)
    assignment.claim(request.pk, cast.olive, timezone.now())
    drain_outbox()
    Appointment.objects.filter(pk=request.pk).update(
        search_id="c0ffee00-0000-4000-8000-000000000000", search_requested_at=timezone.now() - timedelta(minutes=1)
    )
    assert found() == [("I9", f"appointment {request.pk}")]


def test_the_number_of_queries_does_not_grow_with_the_data(cast: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            found(timedelta())
        return len(asked)

    few = queries()
    for day in range(2, 8):
        offer(cast, hours=24 * day)
    drain_outbox()
    assert queries() == few


class Visits(HTTPServer):
    """Counts those who come."""

    count = 0


@pytest.fixture
def visits(settings: Settings) -> Iterator[Visits]:
    class Count(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.count += 1
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = Visits(("127.0.0.1", 0), Count)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.HEARTBEAT_URL = f"http://127.0.0.1:{server.server_port}/ping"
    yield server
    server.shutdown()
    server.server_close()


def test_the_command_visits_the_heartbeat_when_all_is_well(db: None, visits: Visits) -> None:
    out = StringIO()
    call_command("audit", stdout=out)
    assert out.getvalue() == "0 found; all is well.\n"
    assert visits.count == 1


def test_the_command_fails_with_the_ids_and_stays_away_otherwise(lively: Appointment, visits: Visits) -> None:
    Appointment.objects.filter(pk=lively.pk).update(response_deadline=timezone.now() - timedelta(seconds=90))
    out = StringIO()
    with pytest.raises(CommandError, match="1 found"):
        call_command("audit", stdout=out)
    assert f"I1 appointment {lively.pk}: its deadline passed 9" in out.getvalue()
    assert visits.count == 0


def test_the_command_says_when_the_heartbeat_does_not_answer(db: None, settings: Settings) -> None:
    settings.HEARTBEAT_URL = "http://127.0.0.1:9/"
    with pytest.raises(CommandError, match="HEARTBEAT_URL did not answer"):
        call_command("audit", stdout=StringIO())
