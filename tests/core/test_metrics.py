from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.models import Appointment, AppointmentReminder, Assignment, ReviewDecision, SuspensionBreaker
from appointments.services import assignment, review, suspension
from appointments.services.sweeps import expire_due
from core.liveness.models import Heartbeat, Part
from core.outbox.models import Lane, OutboxEntry
from tasks.sweeps import auto_cancel_overdue
from tests.conftest import Api
from tests.support.broker import publishing_to
from tests.support.cast import Cast, offer
from tests.tasks.conftest import broker, broker_server, database_let_go  # noqa: F401 - fixtures


def metrics() -> dict[str, float]:
    """Every published value by its name and labels."""
    lines = Client().get("/metrics").content.decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def test_every_name_begins_alike(db: None) -> None:
    assert metrics()
    assert all(name.startswith("appointments_") for name in metrics())


def test_without_an_overdue_offer_there_is_no_lag(cast: Cast) -> None:
    offer(cast)
    assert metrics()["appointments_deadline_lag_seconds"] == 0
    assert metrics()["appointments_offers_waiting"] == 1


def test_the_lag_is_that_of_the_oldest_overdue_offer(cast: Cast) -> None:
    late = offer(cast)
    Appointment.objects.filter(pk=late.pk).update(response_deadline=timezone.now() - timedelta(seconds=90))
    assert 90 <= metrics()["appointments_deadline_lag_seconds"] < 100


def test_what_the_outbox_still_owes_is_counted_by_lane(db: None) -> None:
    created = timezone.now() - timedelta(seconds=30)
    OutboxEntry.objects.create(lane=Lane.TASKS, stream="a:1", kind="k", created_at=created, available_at=created)
    found = metrics()
    assert found['appointments_outbox_entries{lane="tasks"}'] == 1
    assert found['appointments_outbox_entries{lane="realtime"}'] == 0
    assert 30 <= found['appointments_outbox_oldest_seconds{lane="tasks"}'] < 40


def test_the_silence_of_each_part_is_shown(db: None) -> None:
    Heartbeat.objects.create(part=Part.RELAY, beaten_at=timezone.now() - timedelta(seconds=20))
    assert metrics()['appointments_heartbeat_age_seconds{part="relay"}'] == pytest.approx(20, abs=5)


def test_an_overdue_offer_counts_as_unhandled_once_there_was_time_to_act(cast: Cast) -> None:
    late = offer(cast)
    for seconds, unhandled in ((5, 0), (20, 1)):
        Appointment.objects.filter(pk=late.pk).update(response_deadline=timezone.now() - timedelta(seconds=seconds))
        assert metrics()["appointments_overdue_offers"] == unhandled


def test_the_lag_of_todays_expiries_is_a_histogram(cast: Cast) -> None:
    for hours, seconds in ((24, 0.05), (30, 7)):
        late = offer(cast, hours=hours)
        Appointment.objects.filter(pk=late.pk).update(response_deadline=timezone.now() - timedelta(seconds=seconds))
        expire_due(timezone.now(), manual=True)
        suspension.enable(cast.theo.pk, cast.olive, timezone.now())
    found = metrics()
    assert found['appointments_expiry_lag_seconds_bucket{le="0.1"}'] <= 1
    assert found['appointments_expiry_lag_seconds_bucket{le="5.0"}'] == 1
    assert found['appointments_expiry_lag_seconds_bucket{le="10.0"}'] == 2
    assert found["appointments_expiry_lag_seconds_count"] == 2
    assert found["appointments_expiry_lag_seconds_sum"] == pytest.approx(7, abs=1)


def test_yesterdays_expiries_do_not_count(cast: Cast) -> None:
    late = offer(cast)
    Appointment.objects.filter(pk=late.pk).update(response_deadline=timezone.now())
    expire_due(timezone.now(), manual=True)
    Assignment.objects.update(ended_at=timezone.now() - timedelta(days=1))
    assert metrics()["appointments_expiry_lag_seconds_count"] == 0


def test_suspensions_are_counted_while_the_breaker_looks_at_them(cast: Cast) -> None:
    late = offer(cast)
    Appointment.objects.filter(pk=late.pk).update(response_deadline=timezone.now())
    expire_due(timezone.now(), manual=True)
    assert metrics()["appointments_suspensions_recent"] == 1
    assert metrics()["appointments_therapists_suspended"] == 1
    Assignment.objects.update(ended_at=timezone.now() - timedelta(minutes=11))
    assert metrics()["appointments_suspensions_recent"] == 0


def test_an_open_breaker_is_shown_until_it_is_closed(cast: Cast) -> None:
    SuspensionBreaker.objects.create(institution=cast.clinic, opened_at=timezone.now())
    name = f'appointments_breaker_open{{institution="{cast.clinic.pk}"}}'
    assert metrics()[name] == 1
    suspension.close_breaker(cast.clinic.pk, "looked at", cast.olive, timezone.now())
    assert name not in metrics()


def test_todays_reminders_are_counted_by_what_became_of_them(cast: Cast) -> None:
    now = timezone.now()
    common = {"appointment": offer(cast), "scheduled_for": now, "due_at": now, "created_at": now}
    for kind, status in (("email", "sent"), ("sms", "failed"), ("push", "sent")):
        sent_at = now if status == "sent" else None
        AppointmentReminder.objects.create(reminder_type=kind, status=status, sent_at=sent_at, **common)
    found = metrics()
    assert found['appointments_reminders_today{status="sent"}'] == 2
    assert found['appointments_reminders_today{status="failed"}'] == 1
    assert found['appointments_reminders_today{status="uncertain"}'] == 0


def test_rejections_wait_until_they_are_reviewed(cast: Cast) -> None:
    refused = offer(cast)
    assignment.reject(refused.pk, "ill", cast.theo, timezone.now())
    assert metrics()["appointments_rejections_waiting"] == 1
    review.review_rejection(refused.pk, ReviewDecision.DENY, cast.olive, timezone.now())
    assert metrics()["appointments_rejections_waiting"] == 0


def test_an_answer_is_measured_by_its_view_and_never_by_its_path(cast: Cast, api: Api) -> None:
    appointment = offer(cast)
    api(cast.olive).get(f"/api/scheduling/appointments/{appointment.pk}/")
    measured = [name for name in metrics() if name.startswith("appointments_request_seconds_count")]
    assert any('method="GET",status="200",view="' in name and "appointment" in name for name in measured)
    assert not any(f"/{appointment.pk}/" in name for name in measured)


def test_a_strange_method_or_path_makes_no_new_label(db: None) -> None:
    Client().generic("BREW", "/no/such/page-canary")
    measured = [name for name in metrics() if name.startswith("appointments_request_seconds_count")]
    assert any('method="other"' in name and 'view="none"' in name for name in measured)
    assert not any("canary" in name or "BREW" in name for name in measured)


@pytest.mark.usefixtures("db", "broker")
def test_what_waits_in_the_broker_is_counted_by_queue() -> None:
    auto_cancel_overdue.apply_async()
    auto_cancel_overdue.apply_async()
    found = metrics()
    assert found['appointments_queue_messages{queue="default"}'] == 2
    assert found['appointments_queue_messages{queue="deadlines"}'] == 0


def test_without_a_broker_the_other_metrics_are_there(cast: Cast) -> None:
    with publishing_to("redis://127.0.0.1:9/0"):
        found = metrics()
    assert found["appointments_overdue_offers"] == 0
    assert not any(name.startswith("appointments_queue_messages") for name in found)


def test_the_number_of_queries_does_not_grow_with_the_data(cast: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            metrics()
        return len(asked)

    few = queries()
    for day in range(2, 8):
        offer(cast, hours=24 * day)
    assert queries() == few


def test_no_metric_holds_a_name_of_a_person(cast: Cast) -> None:
    offer(cast)
    shown = Client().get("/metrics").content.decode().lower()
    assert not [person for person in ("olive", "theo", "pia") if person in shown]
