"""One winner each, whoever comes at the same instant; with a guard taken out, the race shows."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.db import connection, transaction
from django.db.models import F, Q
from pytest_django.fixtures import Settings

from appointments import machine
from appointments.errors import Conflict, InvalidTransition
from appointments.machine import checks, holding, writing
from appointments.migrations._postgres import THERAPIST_TIME
from appointments.models import Appointment, AppointmentLog, Assignment, ReviewDecision, TimeSlot
from appointments.services import assignment, attendance, reassign, review
from appointments.services.suspension import settle_outages
from appointments.services.sweeps import expire_due
from core.accounts.models import Role, User
from core.liveness.models import Outage, Part
from tests.appointments.moves import AT_DEADLINE, NOW, SOON, START, new_for, slot_around
from tests.support.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

# Long runs: RACES=10.
SCALE = int(os.environ.get("RACES", "1"))
SEED = 20_310_303
only_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")


@pytest.fixture(autouse=True)
def _quiet_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    """No relay listens here, so none is woken."""
    monkeypatch.setattr("core.outbox.writing.wake_relay", lambda: None)


class Outcome(NamedTuple):
    """What each racer of one round came to: None for success, else the refusal."""

    results: list[BaseException | None]

    @property
    def winners(self) -> int:
        return self.results.count(None)


class Racers:
    """Threads that start each round together, each with a connection of its own that it keeps."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._gate, self._goal = threading.Barrier(count + 1), threading.Barrier(count + 1)
        self._moves: Sequence[Callable[[], Any] | None] = ()
        self._results: list[BaseException | None] = []
        self._threads = [threading.Thread(target=self._run, args=(lane,), daemon=True) for lane in range(count)]

    def __enter__(self) -> "Racers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._moves = [None] * self.count
        self._gate.wait(30)
        for thread in self._threads:
            thread.join(30)

    def race(self, *moves: Callable[[], Any]) -> Outcome:
        self._moves = [*moves, *[lambda: None] * (self.count - len(moves))]
        self._results = [None] * self.count
        self._gate.wait(30)
        self._goal.wait(30)
        return Outcome(self._results[: len(moves)])

    def _run(self, lane: int) -> None:
        while True:
            self._gate.wait(60)
            move = self._moves[lane]
            if move is None:
                connection.close()
                return
            try:
                move()
            except Exception as error:
                self._results[lane] = error
            self._goal.wait(60)


def offers(cast: Cast, count: int) -> list[int]:
    """Offers to Theo, one after another: the first made by the services, the others copied from it."""
    start = START + timedelta(days=1)
    first = new_for(cast.pia, cast.olive, start=start)
    model = assignment.assign(first.pk, cast.theo.pk, cast.olive, NOW)
    live = Assignment.objects.get(appointment=model)
    values = {field.attname: getattr(model, field.attname) for field in Appointment._meta.concrete_fields}
    values = {name: value for name, value in values.items() if name not in {"id", "appointment_id", "meeting_id"}}
    shifts = [timedelta(minutes=30 * number) for number in range(1, count)]
    copies = Appointment.objects.bulk_create(
        Appointment(**{**values, "start": model.start + shift, "end": model.end + shift}) for shift in shifts
    )
    Assignment.objects.bulk_create(
        Assignment(appointment=row, therapist=cast.theo, origin=live.origin, status=live.status, assigned_at=NOW)
        for row in copies
    )
    return [model.pk, *[row.pk for row in copies]]


class NotMovedError(Exception):
    """An expiry that found nothing left to do."""


def expire(pk: int) -> None:
    if not expire_due(AT_DEADLINE, where=Q(pk=pk)).appointments:
        raise NotMovedError


def moves_for(cast: Cast, pk: int, version: int | None = None) -> dict[str, Callable[[], Any]]:
    """What may come at the same instant; with a `version` each of them excludes all others."""
    return {
        "accept": lambda: assignment.accept(pk, cast.theo, SOON, version),
        "reject": lambda: assignment.reject(pk, "ill", cast.theo, SOON, version),
        "expire": lambda: expire(pk),
        "unassign": lambda: assignment.unassign(pk, cast.olive, SOON, version=version),
        "cancel": lambda: attendance.cancel(pk, "ill", cast.pia, SOON, version),
        "extend": lambda: assignment.extend(pk, 5, cast.olive, SOON, version),
    }


def lawful(logs: Sequence[str]) -> bool:
    """Tell whether the audit could have come about one move after the other."""
    state = "offered"
    steps = {
        ("offered", "extended"): "offered",
        ("offered", "confirmed"): "confirmed",
        ("offered", "rejected"): "rejected",
        ("offered", "auto_cancelled"): "auto_cancelled",
        ("offered", "unassigned"): "unassigned",
        ("offered", "cancelled"): "cancelled",
        ("confirmed", "unassigned"): "unassigned",
        ("confirmed", "cancelled"): "cancelled",
        ("rejected", "cancelled"): "cancelled",
        ("unassigned", "cancelled"): "cancelled",
    }
    for action in logs:
        if (state, action) not in steps:
            return False
        state = steps[state, action]
    return True


def moves_of(pks: Sequence[int]) -> dict[int, list[str]]:
    """By appointment, the audit since its offer."""
    rows = AppointmentLog.objects.filter(appointment_id__in=pks).exclude(action__in=("created", "assigned"))
    found: dict[int, list[str]] = {pk: [] for pk in pks}
    for pk, action in rows.order_by("id").values_list("appointment_id", "action"):
        found[pk].append(action)
    return found


def refusals(outcomes: Sequence[Outcome]) -> set[type[BaseException]]:
    return {type(error) for outcome in outcomes for error in outcome.results if error is not None}


@pytest.fixture
def no_suspension(settings: Settings) -> None:
    settings.AUTO_DISABLE_THERAPISTS = False


@only_postgresql
@pytest.mark.usefixtures("no_suspension")
@pytest.mark.parametrize(("racing", "rounds"), [(2, 1_300), (6, 150)])
def test_of_all_that_comes_at_the_same_instant_exactly_one_wins(cast: Cast, racing: int, rounds: int) -> None:
    """Everybody has seen the same version: one winner, one audit row, and a conflict for all others."""
    chance = random.Random(SEED)
    pks = offers(cast, rounds * SCALE)
    won: Counter[str] = Counter()
    outcomes = []
    with Racers(racing) as racers:
        for pk in pks:
            moves = moves_for(cast, pk, version=2)
            names = chance.sample(list(moves), racing)
            outcomes.append(racers.race(*[moves[name] for name in names]))
            won[names[outcomes[-1].results.index(None)]] += 1
    assert {outcome.winners for outcome in outcomes} == {1}
    assert {len(logs) for logs in moves_of(pks).values()} == {1}
    assert all(issubclass(kind, Conflict | NotMovedError) for kind in refusals(outcomes)), refusals(outcomes)
    assert len(won) > 1, "the same one always won: there was no race"


@only_postgresql
@pytest.mark.usefixtures("no_suspension")
def test_what_may_follow_each_other_follows_each_other(cast: Cast) -> None:
    """Nobody names a version: whoever succeeds did so after the others, in an order that the table allows."""
    chance = random.Random(SEED)
    pks = offers(cast, 100 * SCALE)
    outcomes = []
    with Racers(6) as racers:
        for pk in pks:
            names = list(moves_for(cast, pk))
            chance.shuffle(names)
            outcomes.append(racers.race(*[moves_for(cast, pk)[name] for name in names]))
    logs = moves_of(pks)
    assert [len(logs[pk]) for pk in pks] == [outcome.winners for outcome in outcomes]
    assert all(lawful(actions) for actions in logs.values())
    assert all(issubclass(kind, Conflict | NotMovedError) for kind in refusals(outcomes)), refusals(outcomes)
    versions = dict(Appointment.objects.filter(pk__in=pks).values_list("pk", "version"))
    assert versions == {pk: 2 + len(actions) for pk, actions in logs.items()}


@contextmanager
def without_row_lock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Load the row without locking it."""

    def unlocked(appointment_id: int, actor: User | None) -> Appointment:
        return Appointment.objects.select_related("institution").get(pk=appointment_id)

    with monkeypatch.context() as patch:
        patch.setattr(machine, "lock", unlocked)
        patch.setattr(checks, "lock", unlocked)
        yield


@contextmanager
def without_guarded_update(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Write by id alone, whatever state and version the row has by now."""

    def unguarded(changes: Sequence[Any]) -> None:
        for change in changes:
            if change.values:
                Appointment.objects.filter(pk=change.appointment.pk).update(**change.values)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "_update_appointments", unguarded)
        yield


def answers_race(cast: Cast, rounds: int) -> list[Outcome]:
    outcomes = []
    with Racers(4) as racers:
        for pk in offers(cast, rounds):
            accept, reject = moves_for(cast, pk)["accept"], moves_for(cast, pk)["reject"]
            outcomes.append(racers.race(accept, reject, accept, reject))
    return outcomes


@only_postgresql
def test_the_guarded_update_alone_still_lets_only_one_win(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with without_row_lock(monkeypatch):
        assert {outcome.winners for outcome in answers_race(cast, 60)} == {1}


@only_postgresql
def test_without_lock_and_guarded_update_the_race_shows(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with without_row_lock(monkeypatch), without_guarded_update(monkeypatch):
        assert any(outcome.winners > 1 for outcome in answers_race(cast, 60))


def reviews_race(cast: Cast, rounds: int) -> list[Outcome]:
    """Two operators review at once: one accepts, one denies."""
    outcomes = []
    with Racers(2) as racers:
        for pk in offers(cast, rounds):
            assignment.reject(pk, "ill", cast.theo, SOON)
            outcomes.append(
                racers.race(
                    lambda pk=pk: review.review_rejection(pk, ReviewDecision.ACCEPT, cast.olive, SOON),
                    lambda pk=pk: review.review_rejection(pk, ReviewDecision.DENY, cast.otto, SOON),
                )
            )
    return outcomes


@only_postgresql
def test_a_rejection_is_reviewed_once(cast: Cast) -> None:
    rounds = 250 * SCALE
    assert {outcome.winners for outcome in reviews_race(cast, rounds)} == {1}
    reviewed = AppointmentLog.objects.filter(action__in=("rejection_accepted", "rejection_denied"))
    assert Counter(Counter(reviewed.values_list("appointment_id", flat=True)).values()) == {1: rounds}


@only_postgresql
def test_without_lock_and_guarded_update_a_rejection_is_reviewed_twice(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with without_row_lock(monkeypatch), without_guarded_update(monkeypatch):
        assert any(outcome.winners > 1 for outcome in reviews_race(cast, 60))


@only_postgresql
def test_reassign_and_cancel_exclude_each_other_or_follow_each_other(cast: Cast) -> None:
    with Racers(2) as racers:
        for pk in offers(cast, 50 * SCALE):
            racers.race(
                lambda pk=pk: reassign.reassign(pk, cast.olive, SOON),
                lambda pk=pk: attendance.cancel(pk, "ill", cast.pia, SOON),
            )
            row = Appointment.objects.get(pk=pk)
            assert (row.status, row.search_id) == ("cancelled", None)


@only_postgresql
def test_two_therapists_take_an_open_request_and_one_gets_it(cast: Cast) -> None:
    with Racers(2) as racers:
        for number in range(50 * SCALE):
            start = START + timedelta(minutes=30 * number)
            pk = new_for(cast.pia, cast.pia, start=start).pk
            outcome = racers.race(
                lambda pk=pk: assignment.accept(pk, cast.theo, SOON),
                lambda pk=pk: assignment.accept(pk, cast.tara, SOON),
            )
            assert outcome.winners == 1
            assert {type(error) for error in outcome.results} == {type(None), InvalidTransition}
            assert Assignment.objects.get(appointment_id=pk).therapist_id in {cast.theo.pk, cast.tara.pk}


# Double booking ------------------------------------------------------------------------------------------------------

BOTH_WANT = 20


def overlapping_requests(cast: Cast) -> list[int]:
    """Requests of twenty patients, whose times all overlap."""
    made = []
    for number in range(BOTH_WANT):
        patient = User.objects.create(username=f"p{number}", role=Role.PATIENT, institution=cast.clinic)
        made.append(new_for(patient, cast.olive, start=START + timedelta(minutes=number)).pk)
    return made


def assign_all_at_once(cast: Cast, pks: Sequence[int]) -> Outcome:
    connection.close()  # the pool has twenty, and the racers need them all
    with Racers(len(pks)) as racers:
        return racers.race(*[lambda pk=pk: assignment.assign(pk, cast.theo.pk, cast.olive, SOON) for pk in pks])


def test_of_twenty_assigns_to_overlapping_times_exactly_one_succeeds(cast: Cast) -> None:
    outcome = assign_all_at_once(cast, overlapping_requests(cast))
    assert outcome.winners == 1
    assert {getattr(error, "code", error) for error in outcome.results if error} == {"double_booked"}
    assert Appointment.objects.filter(therapist=cast.theo).count() == 1


@contextmanager
def without_therapist_lock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def unlocked(therapist_id: int, institution_id: int) -> User:
        return User.objects.get(pk=therapist_id)

    with monkeypatch.context() as patch:
        patch.setattr(assignment, "lock_therapist", unlocked)
        yield


@contextmanager
def without_exclusion() -> Iterator[None]:
    """Take the database's own constraint away, which the flush at the end does not bring back."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE appointments_appointment DROP CONSTRAINT therapist_time_once")
    try:
        yield
    finally:
        Appointment.objects.update(therapist=None, status="cancelled", response_deadline=None)
        with connection.cursor() as cursor:
            cursor.execute(THERAPIST_TIME)


@only_postgresql
def test_the_exclusion_constraint_alone_lets_only_one_assign_succeed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "refuse_overlap", lambda change: None)
    with without_therapist_lock(monkeypatch):
        outcome = assign_all_at_once(cast, overlapping_requests(cast))
    assert outcome.winners == 1
    assert {getattr(error, "code", error) for error in outcome.results if error} == {"double_booked"}


@only_postgresql
def test_without_lock_and_constraint_the_check_alone_lets_several_assigns_through(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with without_therapist_lock(monkeypatch), without_exclusion():
        assert assign_all_at_once(cast, overlapping_requests(cast)).winners > 1


def test_without_check_and_constraint_every_assign_goes_through(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "refuse_overlap", lambda change: None)
    pks = overlapping_requests(cast)
    if connection.vendor == "postgresql":
        with without_exclusion():
            assert assign_all_at_once(cast, pks).winners == BOTH_WANT
    else:
        assert assign_all_at_once(cast, pks).winners == BOTH_WANT


# Capacity ------------------------------------------------------------------------------------------------------------


def test_a_slot_never_gives_more_places_than_it_has(cast: Cast) -> None:
    slot, pks = _slot_with_three_places(cast)
    outcome = assign_all_at_once(cast, pks)
    slot.refresh_from_db()
    held = Appointment.objects.filter(time_slot=slot, therapist=cast.theo).count()
    assert (outcome.winners, slot.current_appointments, held) == (3, 3, 3)


def test_without_the_guard_on_its_count_the_slots_check_still_refuses(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot, pks = _slot_with_three_places(cast)

    def unguarded(slot_id: int, delta: int) -> None:
        with holding.refusing_conflicts():
            TimeSlot.objects.filter(pk=slot_id).update(current_appointments=F("current_appointments") + delta)

    monkeypatch.setattr(holding, "take_places", unguarded)
    assign_all_at_once(cast, pks)
    slot.refresh_from_db()
    assert slot.current_appointments == 3


def _slot_with_three_places(cast: Cast) -> tuple[TimeSlot, list[int]]:
    slot = slot_around(cast.theo, START, 60, places=3)
    return slot, overlapping_requests(cast)


# Outages -------------------------------------------------------------------------------------------------------------


def grace_while_locked(cast: Cast) -> int:
    """Settle an outage while somebody holds the row of a waiting offer; returns how many clocks moved."""
    (pk,) = offers(cast, 1)
    Outage.objects.create(part=Part.WEB, started_at=SOON, ended_at=SOON + timedelta(minutes=5))
    held = threading.Event()

    def hold() -> None:
        with transaction.atomic():
            machine.lock(pk, None)
            held.set()
            time.sleep(0.3)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    moved = settle_outages(SOON + timedelta(minutes=5))
    holder.join(10)
    return moved


@only_postgresql
def test_an_offer_that_somebody_has_locked_gets_its_grace_all_the_same(cast: Cast) -> None:
    assert grace_while_locked(cast) == 1


@only_postgresql
def test_without_waiting_for_the_lock_its_grace_is_lost(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    real = machine.apply_many
    monkeypatch.setattr(machine, "apply_many", lambda *args, **kwargs: real(*args, **{**kwargs, "wait": False}))
    assert grace_while_locked(cast) == 0
