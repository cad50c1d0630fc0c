"""P13: Outbox rows that relays carry out in a second, beside the smallest transactions that the database can make."""

import os
import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from appointments.events import EventFact, EventType, appointment_stream
from appointments.models import Appointment
from core.outbox.models import Lane, OutboxEntry
from core.outbox.writing import Effect, write_many
from tasks.notifications import send_waiting_offer
from tests.benchmarks.measuring import Figure, Row, timed
from tests.benchmarks.population import fresh_statistics
from tests.benchmarks.workers import READY_SECONDS, command_of, process, redis_of_broker, wait_for
from tests.support.crowd import make_crowd

CLIENTS = 8
ROUNDS = 3
ACCOUNTS = 100_000
INSTITUTIONS = 50
PUBLISHED = 1_000
LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN outbox'"
# The tables of `pgbench --initialize`, as far as its simple update needs them.
TABLES = f"""
CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84));
CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88));
CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
INSERT INTO pgbench_accounts SELECT aid, 1, 0, '' FROM generate_series(1, {ACCOUNTS}) AS aid;
INSERT INTO pgbench_branches VALUES (1, 0, '')
"""
SIMPLE_UPDATE = (
    "UPDATE pgbench_accounts SET abalance = abalance + %(delta)s WHERE aid = %(aid)s",
    "SELECT abalance FROM pgbench_accounts WHERE aid = %(aid)s",
    "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, %(aid)s, %(delta)s, CURRENT_TIMESTAMP)",
)


def run(quick: bool) -> list[Figure]:
    """In turns, over many institutions: events for three people each, tasks for the broker, and simple updates."""
    each, seconds = (60, 3) if quick else (200, 5)
    for therapists in range(5, 5 + INSTITUTIONS):
        make_crowd(therapists, each)
    works = {
        "events": lambda: _relayed(Lane.REALTIME, 1),
        "twice": lambda: _relayed(Lane.REALTIME, 2),
        "tasks": lambda: _relayed(Lane.TASKS, 1),
        "published": _published,
        "updates": lambda: _simple_updates(seconds),
    }
    rates = dict.fromkeys(works, 0.0)
    with _accounts():
        fresh_statistics()
        for _ in range(ROUNDS):
            for name, work in works.items():
                rates[name] += work() / ROUNDS
    beside = f"simple updates {rates['updates']:,.0f}/s from {CLIENTS} clients"
    tasks = f"{rates['tasks']:,.0f}; Celery does nothing but publish {rates['published']:,.0f}/s"
    return [
        Figure("events/s of one relay", rates["events"] / rates["updates"], 0.5, f"{rates['events']:,.0f}; {beside}"),
        Figure("tasks/s of one relay", rates["tasks"] / rates["updates"], 0.5, tasks),
        Figure("two relays against one", rates["twice"] / rates["events"], 1.5, f"{rates['twice']:,.0f} events/s"),
    ]


def _relayed(lane: Lane, relays: int) -> float:
    """Rows a second, from the commit that promises one for every appointment until the last is gone."""
    effects = [_effect(lane, appointment) for appointment in Appointment.objects.order_by("pk")]
    random.Random(1).shuffle(effects)
    env = dict(os.environ)
    with ExitStack() as running:
        for _ in range(relays):
            running.enter_context(process(command_of("relay", env), env))
        wait_for(lambda: _listening() == relays, READY_SECONDS)
        with transaction.atomic():
            write_many(effects, now=timezone.now())
        with timed() as watch:
            wait_for(lambda: not OutboxEntry.objects.exists(), 120)
    redis_of_broker().flushdb()
    return len(effects) / watch.seconds


def _effect(lane: Lane, appointment: Appointment) -> Effect:
    stream = appointment_stream(appointment.pk)
    if lane is Lane.TASKS:
        return Effect(lane, "send_waiting_offer", {"offer": appointment.pk}, stream)
    fact = EventFact(
        type=EventType.UPDATED,
        appointment=appointment.pk,
        version=appointment.version,
        operators=appointment.institution_id,
        people=[pk for pk in (appointment.therapist_id, appointment.patient_id) if pk],
        data={},
    )
    return Effect(lane, EventType.UPDATED, fact, stream)


def _listening() -> int:
    with connection.cursor() as cursor:
        cursor.execute(LISTENING)
        return int(cursor.fetchone()[0])


def _published() -> float:
    """Tasks a second that Celery hands to the broker, for nothing else."""
    with timed() as watch:
        for number in range(PUBLISHED):
            send_waiting_offer.apply_async(args=(number,))
    redis_of_broker().flushdb()
    return PUBLISHED / watch.seconds


@contextmanager
def _accounts() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        try:
            yield
        finally:
            cursor.execute("DROP TABLE pgbench_accounts, pgbench_branches, pgbench_history")


def _simple_updates(seconds: int) -> float:
    """Transactions a second of pgbench's simple update; where it is not there, of the same statements."""
    if (pgbench := shutil.which("pgbench")) is None:
        return _simple_updates_from_here(seconds)
    own = connection.settings_dict
    names = {"PGHOST": own["HOST"], "PGPORT": str(own["PORT"]), "PGUSER": own["USER"], "PGPASSWORD": own["PASSWORD"]}
    env = {**os.environ, **{name: value for name, value in names.items() if value}, "PGDATABASE": own["NAME"]}
    load = ["--client", str(CLIENTS), "--jobs", "2", "--time", str(seconds)]
    command = [pgbench, "--no-vacuum", "--skip-some-updates", *load]
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    assert found, said
    return float(found[1])


def _simple_updates_from_here(seconds: int) -> float:
    done: list[int] = []
    end = time.monotonic() + seconds
    database: Any = connection

    def client() -> None:
        number = 0
        with database.Database.connect(**database.get_connection_params(), autocommit=True) as own:
            while time.monotonic() < end:
                facts = {"aid": random.randint(1, ACCOUNTS), "delta": random.randint(-5_000, 5_000)}
                with own.transaction():
                    for statement in SIMPLE_UPDATE:
                        own.execute(statement, facts)
                number += 1
        done.append(number)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


ROW = Row("P13", "Outbox rows carried out by relays, 50 institutions", run)
