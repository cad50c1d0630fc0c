"""Real workers, killed and watched: nothing is lost, nothing runs twice, many deadlines are one sweep."""

import io
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from pytest_celery import CeleryTestSetup
from redis import Redis

from appointments.models import Appointment, AppointmentLog, Assignment, Origin
from appointments.services.assignment import extend
from appointments.services.reassign import reassign
from core.celery import app
from core.outbox.models import Lane
from tasks.publishing import publish
from tasks.reassignment import reassign_appointment
from tests.celery.conftest import ProjectWorker
from tests.realtime.conftest import until
from tests.support.cast import Cast, drain_outbox, offer
from tests.support.flower import running_flower, workers_of
from tests.tasks.moves import audited, live, many_overdue, soon_overdue, status

pytestmark = [pytest.mark.celery, pytest.mark.once, pytest.mark.django_db(transaction=True)]
deadlines_worker = pytest.mark.parametrize("worker_kinds", [("deadlines_worker_container",)])
both_workers = pytest.mark.parametrize(
    "worker_kinds", [("project_worker_container", "deadlines_worker_container")], ids=["both"]
)
EXPIRE = "tasks.deadlines.expire_assignment"
# Seconds after which a message would have come again, by the timeout of 3 s and the look every 2 s; twice that.
PAST_REDELIVERY = 10


def redis_of(setup: CeleryTestSetup) -> Redis:
    return setup.broker.container.client


def seen(setup: CeleryTestSetup, what: str) -> list[dict[str, Any]]:
    """What the first worker answers to `inspect active` or `inspect scheduled`."""
    answer = getattr(app.control.inspect(timeout=1), what)() or {}
    return answer.get(setup.worker.hostname(), [])


def etas(setup: CeleryTestSetup) -> list[datetime]:
    """For which deadlines the first worker holds a task, in their order."""
    held = [task for task in seen(setup, "scheduled") if task["request"]["name"] == EXPIRE]
    return sorted(datetime.fromisoformat(task["eta"]) for task in held)


def received(setup: CeleryTestSetup) -> Counter[str]:
    """How often each deadline's task has reached a worker."""
    logs = "".join(node.logs() for node in setup.worker_cluster)
    return Counter(re.findall(rf"{EXPIRE}\[([\w-]+)\] received", logs))


def handled(setup: CeleryTestSetup) -> list[int]:
    """How many offers each finished task has acted on."""
    return [
        int(count) for count in re.findall(rf"{EXPIRE}\[[\w-]+\] succeeded in [\d.e-]+s: (\d+)", setup.worker.logs())
    ]


@contextmanager
def held(appointment: Appointment) -> Iterator[None]:
    """Somebody else holds the appointment's lock (on SQLite the database's), so that a task waits in its middle."""
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Appointment.objects.select_for_update().get(pk=appointment.pk)
                taken.set()
                done.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(10)
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("worker_settings", [{"VISIBILITY_SECONDS": 5}], ids=["short"])
def test_a_worker_killed_in_mid_task_loses_nothing(celery_setup: CeleryTestSetup, cast: Cast) -> None:
    appointment = reassign(offer(cast).pk, cast.olive, timezone.now())
    with held(appointment):
        publish(reassign_appointment, appointment.pk, str(appointment.search_id))
        until(lambda: len(seen(celery_setup, "active")) == 1)
        celery_setup.worker.kill()
    assert status(appointment) == "pending"
    assert redis_of(celery_setup).hlen("unacked") == 1
    celery_setup.worker.restart()
    until(lambda: Assignment.objects.filter(origin=Origin.SYSTEM).exists(), 20)
    assert live(appointment).therapist == cast.tara
    assert audited(appointment, "assigned") == 2  # by the operator before, by the search once


@deadlines_worker
def test_the_task_of_an_offer_is_seen_on_the_deadlines_worker_right_after_the_assign(
    celery_setup: CeleryTestSetup, cast: Cast
) -> None:
    pk = live(offer(cast)).pk
    drain_outbox(Lane.TASKS)
    until(lambda: len(seen(celery_setup, "scheduled")) == 2)
    found = [(task["request"]["name"], task["request"]["args"]) for task in seen(celery_setup, "scheduled")]
    assert sorted(found) == [(EXPIRE, [pk]), ("tasks.deadlines.warn_assignment", [pk])]


@deadlines_worker
def test_two_extensions_in_a_row_add_one_task_for_the_deadline_that_holds(
    celery_setup: CeleryTestSetup, cast: Cast
) -> None:
    appointment = offer(cast)
    drain_outbox(Lane.TASKS)
    for _ in range(2):
        extended = extend(appointment.pk, 5, cast.olive, timezone.now())
    drain_outbox(Lane.TASKS)
    until(lambda: len(etas(celery_setup)) == 2)
    time.sleep(1)  # a third would have come by now
    assert etas(celery_setup) == [appointment.response_deadline, extended.response_deadline]


@deadlines_worker
def test_two_hundred_deadlines_of_one_moment_are_handled_by_whoever_fires_first(
    celery_setup: CeleryTestSetup, cast: Cast
) -> None:
    ids = many_overdue(cast, [cast.theo, cast.tara], 200, timezone.now() + timedelta(minutes=1))
    deadline = timezone.now() + timedelta(seconds=6)
    Appointment.objects.filter(pk__in=ids).update(response_deadline=deadline, warn_at=None)
    drain_outbox(Lane.TASKS)
    assert timezone.now() < deadline, "too slow to say anything"
    until(lambda: len(handled(celery_setup)) == 200, 30)
    cancelled = Appointment.objects.filter(pk__in=ids, status="auto_cancelled")
    assert cancelled.count() == AppointmentLog.objects.filter(action="auto_cancelled").count() == 200
    assert sum(handled(celery_setup)) == 200
    assert len([count for count in handled(celery_setup) if count]) <= 2  # the worker's two threads
    lag = max(moment - deadline for moment in cancelled.values_list("auto_cancelled_at", flat=True))
    assert timedelta() <= lag <= timedelta(seconds=2)


@deadlines_worker
@pytest.mark.parametrize("worker_settings", [{"ETA_HORIZON_SECONDS": 4}], ids=["short"])
def test_a_deadline_that_a_killed_worker_held_is_acted_on_after_its_restart(
    celery_setup: CeleryTestSetup, cast: Cast
) -> None:
    appointment = soon_overdue(cast, timezone.now() + timedelta(seconds=5))
    drain_outbox(Lane.TASKS)
    until(lambda: len(seen(celery_setup, "scheduled")) > 0, 4)
    celery_setup.worker.kill()
    time.sleep(5)
    assert status(appointment) == "pending"
    celery_setup.worker.restart()
    until(lambda: status(appointment) == "auto_cancelled", 20)
    assert audited(appointment, "auto_cancelled") == 1


@both_workers
@pytest.mark.parametrize("worker_settings", [{"VISIBILITY_SECONDS": 3}], ids=["short"])
def test_a_worker_with_a_short_timeout_leaves_the_deadlines_of_the_other_alone(
    celery_setup: CeleryTestSetup, cast: Cast
) -> None:
    appointment = soon_overdue(cast, timezone.now() + timedelta(seconds=PAST_REDELIVERY))
    drain_outbox(Lane.TASKS)
    until(lambda: len(received(celery_setup)) == 1)
    client = redis_of(celery_setup)
    assert (client.hlen("deadlines.unacked") > 0, client.hlen("unacked")) == (True, 0)
    until(lambda: status(appointment) == "auto_cancelled", 2 * PAST_REDELIVERY)
    assert set(received(celery_setup).values()) == {1}


@pytest.mark.parametrize("worker_settings", [{"VISIBILITY_SECONDS": 3}], ids=["short"])
@pytest.mark.parametrize("project_command", [[*ProjectWorker.command(), "--queues", "deadlines"]], ids=["wrong queue"])
def test_on_the_keys_of_the_others_a_deadline_comes_again(celery_setup: CeleryTestSetup, cast: Cast) -> None:
    soon_overdue(cast, timezone.now() + timedelta(minutes=1))
    drain_outbox(Lane.TASKS)
    until(lambda: max(received(celery_setup).values(), default=0) > 1, PAST_REDELIVERY)


@both_workers
def test_flower_lists_the_workers_and_the_probe_hears_each(celery_setup: CeleryTestSetup, tmp_path: Path) -> None:
    nodes = {node.hostname() for node in celery_setup.worker_cluster}
    assert len(nodes) == 2
    with running_flower(tmp_path, celery_setup.broker.config()["host_url"]) as url:
        until(lambda: workers_of(url) == nodes, 20)
    for node in nodes:
        said = io.StringIO()
        call_command("ping_worker", node, stdout=said)
        assert said.getvalue() == f"{node} answers.\n"
