"""The manual commands: a line per object, a total, and nothing else running."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from appointments.management.commands import auto_cancel_overdue
from appointments.models import Appointment
from appointments.services.sweeps import Expired
from core.accounts.models import User
from tests.support.cast import Cast, offer


def run(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def overdue(cast: Cast) -> int:
    pk = offer(cast).pk
    Appointment.objects.filter(pk=pk).update(response_deadline=timezone.now() - timedelta(seconds=1))
    return pk


@pytest.fixture
def unattended(cast: Cast) -> int:
    pk = offer(cast).pk
    start = datetime.now(UTC) - timedelta(minutes=31)
    Appointment.objects.filter(pk=pk).update(
        status="confirmed", response_deadline=None, start=start, end=start + timedelta(minutes=30)
    )
    return pk


def status_of(pk: int) -> str:
    return Appointment.objects.get(pk=pk).status


def test_auto_cancel_overdue_names_what_it_did_and_the_total(cast: Cast, overdue: int) -> None:
    assert run("auto_cancel_overdue").splitlines() == [
        f"auto-cancelled appointment {overdue}",
        f"disabled therapist {cast.theo.pk}",
        "1 processed, 1 therapists disabled.",
    ]
    assert status_of(overdue) == "auto_cancelled"
    assert not User.objects.get(pk=cast.theo.pk).is_active


def test_auto_cancel_overdue_acts_where_nothing_expires_by_itself(overdue: int, settings: Settings) -> None:
    settings.AUTO_CANCEL_ENABLED = False
    run("auto_cancel_overdue")
    assert status_of(overdue) == "auto_cancelled"


def test_a_dry_run_names_what_is_overdue_and_changes_nothing(overdue: int) -> None:
    assert run("auto_cancel_overdue", "--dry-run").splitlines()[-1] == "1 overdue; nothing was changed."
    assert status_of(overdue) == "pending"


def test_what_could_not_be_processed_makes_the_command_fail(overdue: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_cancel_overdue, "expire_due", lambda now, **options: Expired([], []))
    with pytest.raises(SystemExit) as ended:
        run("auto_cancel_overdue")
    assert ended.value.code == 1


def test_check_missed_meetings_names_what_it_did_and_the_total(unattended: int) -> None:
    assert run("check_missed_meetings").splitlines() == [
        f"missed appointment {unattended}",
        "1 marked as missed.",
    ]
    assert status_of(unattended) == "missed"


def test_a_dry_run_names_what_was_missed_and_changes_nothing(unattended: int) -> None:
    assert run("check_missed_meetings", "--dry-run").splitlines()[-1] == "1 missed; nothing was changed."
    assert status_of(unattended) == "confirmed"


@pytest.mark.django_db
def test_demo_accounts_are_refused_in_production(settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError):
        run("seed_demo")
    assert not User.objects.exists()
