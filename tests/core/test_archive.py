"""What is long over leaves the database whole, into files that can be read back; everything else stays."""

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from appointments.models import Appointment, AppointmentLog
from appointments.services import assignment, attendance
from core import audit
from core.archive import Archive
from core.outbox.models import Lane, OutboxEntry
from core.web.models import IdempotencyKey
from realtime.models import Inbox, Notification
from tasks.sweeps import archive as archive_task
from tests.support.cast import Cast, drain_outbox, offer

YEAR = timedelta(days=365)


@pytest.fixture(autouse=True)
def files(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "archive"


def over(cast: Cast, age: timedelta) -> Appointment:
    """A cancelled appointment whose whole story lies `age` back."""
    appointment = offer(cast)
    assignment.accept(appointment.pk, cast.theo, timezone.now())
    attendance.cancel(appointment.pk, "ill", cast.olive, timezone.now())
    drain_outbox()
    grow_old(appointment, age)
    return appointment


def grow_old(appointment: Appointment, age: timedelta) -> None:
    then = timezone.now() - age
    rows = Appointment.objects.filter(pk=appointment.pk)
    rows.update(start=then, end=then + timedelta(minutes=30))
    Notification.objects.filter(appointment=appointment).update(created_at=then)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")  # no triggers
        AppointmentLog.objects.filter(appointment=appointment).update(timestamp=then)
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = origin")


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("archive", *arguments, stdout=out)
    return out.getvalue().splitlines()


def days_ago(days: int) -> str:
    return (timezone.localdate() - timedelta(days=days)).isoformat()


def logs_of(appointment: Appointment) -> list[tuple[int, str, datetime]]:
    rows = AppointmentLog.objects.filter(appointment=appointment).order_by("pk")
    return list(rows.values_list("pk", "action", "timestamp"))


def test_the_timeline_of_what_is_long_over_moves_into_a_file_and_comes_back_whole(cast: Cast, files: Path) -> None:
    old, young = over(cast, 2 * YEAR), over(cast, timedelta(days=2))
    before, kept = logs_of(old), logs_of(young)
    said = run("--before", days_ago(365))
    assert f"took away {len(before)} log rows of appointment {old.pk}" in said
    assert logs_of(old) == []
    assert logs_of(young) == kept
    (file,) = files.glob("appointmentlog-*.jsonl.gz")
    assert file.stat().st_mode & 0o777 == 0o600
    call_command("loaddata", str(file), verbosity=0)
    assert logs_of(old) == before


def test_a_second_run_on_the_same_day_adds_to_the_file(cast: Cast, files: Path) -> None:
    first = over(cast, 2 * YEAR)
    told = logs_of(first)
    run("--before", days_ago(365))
    second = over(cast, 3 * YEAR)
    told += logs_of(second)
    run("--before", days_ago(365))
    (file,) = files.glob("appointmentlog-*.jsonl.gz")
    call_command("loaddata", str(file), verbosity=0)
    assert logs_of(first) + logs_of(second) == told


def test_what_is_not_over_keeps_its_timeline_however_old(cast: Cast) -> None:
    live = offer(cast)
    grow_old(live, 2 * YEAR)
    run("--before", days_ago(365))
    assert len(logs_of(live)) == 2


def test_an_old_appointment_that_was_touched_lately_keeps_all_of_its_timeline(cast: Cast) -> None:
    old = over(cast, 2 * YEAR)
    attendance.hand_over(old.pk, "the family called", cast.olive, timezone.now())
    kept = logs_of(old)
    run("--before", days_ago(365))
    assert logs_of(old) == kept


def test_a_dry_run_counts_the_same_and_changes_nothing(cast: Cast, files: Path) -> None:
    old = over(cast, 2 * YEAR)
    kept, told = logs_of(old), Notification.objects.count()
    dry = run("--before", days_ago(365), "--dry-run")
    assert logs_of(old) == kept
    assert Notification.objects.count() == told
    assert not files.exists()
    wet = run("--before", days_ago(365))
    assert [line.removeprefix("would take away") for line in dry[:-1]] == [
        line.removeprefix("took away") for line in wet[:-1]
    ]


def test_old_notifications_go_and_the_numbering_goes_on(cast: Cast) -> None:
    over(cast, 2 * YEAR)
    last = Inbox.objects.get(pk=cast.olive.pk).last_seq
    run("--before", days_ago(365))
    assert not Notification.objects.filter(recipient=cast.olive).exists()
    offer(cast, hours=48)
    drain_outbox()
    assert Notification.objects.filter(recipient=cast.olive).earliest("seq").seq == last + 1


def test_an_effect_that_never_succeeded_moves_out_and_a_fresh_one_stays(cast: Cast, files: Path) -> None:
    then = timezone.now() - 2 * YEAR
    common = {"lane": Lane.TASKS, "kind": "k", "created_at": then, "available_at": then}
    OutboxEntry.objects.create(stream="a:1", attempts=40, **common)
    waiting = OutboxEntry.objects.create(stream="a:2", **common)
    run("--before", days_ago(365))
    assert list(OutboxEntry.objects.all()) == [waiting]
    assert len(list(files.glob("outboxentry-*"))) == 1


def test_spent_idempotency_keys_go(cast: Cast) -> None:
    IdempotencyKey.objects.create(user=cast.olive, key="a", started_at=timezone.now() - timedelta(days=2))
    fresh = IdempotencyKey.objects.create(user=cast.olive, key="b", started_at=timezone.now())
    run("--before", days_ago(365))
    assert list(IdempotencyKey.objects.all()) == [fresh]


def test_whatever_date_is_given_nothing_of_the_last_day_is_touched_and_the_auditor_stays_content(cast: Cast) -> None:
    appointment = offer(cast)
    assignment.accept(appointment.pk, cast.theo, timezone.now())
    attendance.cancel(appointment.pk, "ill", cast.olive, timezone.now())
    drain_outbox()
    OutboxEntry.objects.all().delete()
    kept, told = logs_of(appointment), Notification.objects.count()
    run("--before", "2999-01-01")
    assert logs_of(appointment) == kept
    assert Notification.objects.count() == told
    assert audit.findings(timezone.now() + timedelta(minutes=5)) == []


def test_rows_stay_where_the_file_cannot_be_written(cast: Cast, tmp_path: Path) -> None:
    old = over(cast, 2 * YEAR)
    kept = logs_of(old)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        list(Archive(timezone.now() - YEAR, tmp_path / "file" / "archive", timezone.now()).run())
    assert logs_of(old) == kept


def test_no_date_is_refused_by_name() -> None:
    with pytest.raises(CommandError, match="'soon' is no date"):
        call_command("archive", "--before", "soon")


def test_beat_s_job_keeps_what_is_younger_than_the_retention(cast: Cast, settings: Settings) -> None:
    settings.RETENTION_DAYS = 100
    old, young = over(cast, timedelta(days=102)), over(cast, timedelta(days=98))
    kept = logs_of(young)
    archive_task()
    assert logs_of(old) == []
    assert logs_of(young) == kept


def test_without_the_setting_of_archive_the_log_cannot_be_deleted(cast: Cast) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the trigger is PostgreSQL's")
    over(cast, 2 * YEAR)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AppointmentLog.objects.all().delete()
