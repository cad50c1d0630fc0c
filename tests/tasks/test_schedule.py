"""The periodic tasks that we ship, and what an admin makes of them."""

from io import StringIO

import pytest
from django.core.management import call_command
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from core.celery import app
from tasks.schedule import ENTRIES, ensure_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def deployed() -> None:
    ensure_schedule()


def sweep() -> PeriodicTask:
    return PeriodicTask.objects.get(task="tasks.sweeps.auto_cancel_overdue")


def test_the_first_deploy_creates_every_entry() -> None:
    assert {row.task for row in PeriodicTask.objects.all()} == {entry.task for entry in ENTRIES}


def test_every_entry_names_a_task_that_a_worker_knows() -> None:
    app.loader.import_default_modules()
    assert {entry.task for entry in ENTRIES} <= set(app.tasks)


def test_every_sweep_has_an_entry() -> None:
    app.loader.import_default_modules()
    sweeps = {name for name in app.tasks if name.startswith("tasks.sweeps.")}
    assert sweeps == {entry.task for entry in ENTRIES}


def test_the_next_deploy_changes_nothing() -> None:
    assert ensure_schedule() == []


def test_a_deploy_keeps_an_interval_that_an_admin_chose() -> None:
    row = sweep()
    row.interval = IntervalSchedule.objects.create(every=5, period=IntervalSchedule.MINUTES)
    row.save()
    ensure_schedule()
    assert (sweep().interval.every, sweep().interval.period) == (5, "minutes")


def test_a_deploy_keeps_an_entry_stopped_that_an_admin_stopped() -> None:
    row = sweep()
    row.enabled = False
    row.save()
    ensure_schedule()
    assert not sweep().enabled


def test_a_deploy_does_not_double_an_entry_that_an_admin_renamed() -> None:
    row = sweep()
    row.name = "Our own sweep"
    row.save()
    ensure_schedule()
    assert sweep().name == "Our own sweep"


def test_a_deploy_leaves_an_entry_alone_whose_task_an_admin_replaced() -> None:
    row = sweep()
    row.task = "somebody.elses"
    row.save()
    assert ensure_schedule() == []


def test_a_deploy_brings_a_deleted_entry_back() -> None:
    sweep().delete()
    assert ensure_schedule() == ["created: Auto-cancel overdue offers"]


def test_a_deploy_takes_an_entry_out_whose_task_we_no_longer_have() -> None:
    interval = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.DAYS)
    PeriodicTask.objects.create(name="Of old", task="tasks.sweeps.of_old", interval=interval)
    PeriodicTask.objects.create(name="Theirs", task="somebody.elses", interval=interval)
    assert ensure_schedule() == ["removed: Of old"]
    assert PeriodicTask.objects.filter(name="Theirs").exists()


def test_the_command_says_what_it_did() -> None:
    sweep().delete()
    said = StringIO()
    call_command("ensure_schedule", stdout=said)
    assert said.getvalue().splitlines() == [
        "created: Auto-cancel overdue offers",
        "1 periodic tasks created or removed.",
    ]
