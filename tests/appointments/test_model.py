"""A machine that does whatever comes to mind, and a model so simple that it is surely right."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from appointments.machine import writing
from appointments.models import Appointment, AppointmentLog, Assignment, TimeSlot
from appointments.services import reassignment, sweeps
from appointments.transitions import State, state_of
from core.accounts.models import User
from core.errors import DomainError
from tests.appointments.moves import NOW, START, act, new_for, slot_around
from tests.appointments.replay import columns_of, replay
from tests.appointments.test_transitions import CONTRACT, HELD, S
from tests.support.cast import Cast, make_cast

ACTORS = ("olive", "theo", "tara", "pia", "pavel")
MOST = 3
# They change nothing that another move depends on, so the run spends no steps on them of its own accord.
QUIET = {"mark_paid", "claim", "remind", "handover_notes", "update", "delete"}
HOLDING_STATES = {S.UNASSIGNED, S.OFFERED, S.CONFIRMED, S.ASSIGNED, S.REJECTED, S.IN_PROGRESS}
HOLDING = {"pending", "confirmed", "assigned", "rejected", "in_progress"}
DONE: Counter[str] = Counter()


class Clinic(RuleBasedStateMachine):
    """Patients book, people act, time passes. The model: the state of each appointment, by the contract's table."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.cast: Cast = make_cast()
        self.now: datetime = NOW
        self.model: dict[int, State] = {}
        self.done = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    @initialize(by=st.sampled_from(("olive", "pia")), to=st.booleans())
    def begin(self, by: str, to: bool) -> None:
        slot_around(self.cast.theo, START, 60, places=2)
        therapist = self.cast.theo if to else None
        made = new_for(self.cast.pia, getattr(self.cast, by), therapist)
        self.model[made.pk] = S.OFFERED if to else S.UNASSIGNED

    @precondition(lambda self: len(set(self.model.values()) & HOLDING_STATES) < MOST)
    @rule(who=st.sampled_from(("pia", "pavel")), by_operator=st.booleans(), shift=st.integers(0, 3), to=st.booleans())
    def book(self, who: str, by_operator: bool, shift: int, to: bool) -> None:
        patient: User = getattr(self.cast, who)
        actor = self.cast.olive if by_operator else patient
        therapist = self.cast.theo if to else None
        try:
            with transaction.atomic():
                made = new_for(patient, actor, therapist, start=START + timedelta(minutes=20 * shift))
        except DomainError:
            return
        self.model[made.pk] = S.OFFERED if to else S.UNASSIGNED

    @precondition(lambda self: self.model)
    @rule(data=st.data(), action=st.sampled_from(sorted(CONTRACT)), who=st.sampled_from(ACTORS))
    def anybody_tries_anything(self, data: Any, action: str, who: str) -> None:
        self._do(data.draw(st.sampled_from(sorted(self.model))), action, who)

    @precondition(lambda self: self._lawful())
    @rule(data=st.data())
    def somebody_does_what_the_table_allows(self, data: Any) -> None:
        self._do(*data.draw(st.sampled_from(self._lawful())))

    def _lawful(self) -> list[tuple[int, str, str]]:
        """Appointment, action and person, for all that the table allows in the states of the model."""
        holders = dict(Appointment.objects.filter(pk__in=self.model).values_list("pk", "therapist__username"))
        return [
            (pk, action, who)
            for pk, state in sorted(self.model.items())
            for action, row in sorted(CONTRACT.items())
            for who, states in (("olive", row.operator), (holders[pk], row.therapist), ("pia", row.patient))
            if state in states and who is not None and action not in QUIET
        ]

    @precondition(lambda self: Appointment.objects.filter(search_id__isnull=False).exists())
    @rule()
    def the_search_runs(self) -> None:
        for row in list(Appointment.objects.filter(search_id__isnull=False)):
            assert row.search_id is not None
            found = reassignment.search(row.pk, row.search_id, self.now)
            assert found is not None
            self.model[row.pk] = S.CANCELLED if found.therapist_id is None else S.OFFERED

    def _do(self, pk: int, action: str, who: str) -> None:
        DONE[f"tried {action}"] += 1
        before, actor = Appointment.objects.get(pk=pk), getattr(self.cast, who)
        try:
            with transaction.atomic():
                act(action, self.cast, pk, actor, self.now)
        except DomainError:
            assert Appointment.objects.filter(pk=pk, version=before.version).exists()
            return
        DONE[action] += 1
        self.done += 1
        self._follow(action, pk, before, who)

    def _follow(self, action: str, pk: int, before: Appointment, who: str) -> None:
        source, row = self.model[pk], CONTRACT[action]
        role = "operator" if who == "olive" else "therapist" if who in {"theo", "tara"} else "patient"
        on_open = before.open and role == "therapist" and source is S.UNASSIGNED
        if on_open and action == "accept":
            self.model[pk] = S.CONFIRMED
        elif not (on_open and action == "reject"):
            lawful = set(getattr(row, role)) | ({S.REJECTED} if action == "reassign" else set())
            assert source in lawful, f"{who} may not {action} what is {source.value}"
            self.model[pk] = row.to or source
        if action == "reschedule":
            successor = Appointment.objects.get(rescheduled_from=pk)
            self.model[successor.pk] = source if source in {S.UNASSIGNED, S.OFFERED} else S.CONFIRMED

    @precondition(lambda self: self.done >= 2)
    @rule(minutes=st.sampled_from((1, 31)))
    def time_passes(self, minutes: int) -> None:
        self._come_to(self.now + timedelta(minutes=minutes))

    @precondition(lambda self: self.done >= 6 and self.now < START and HELD & set(self.model.values()))
    @rule()
    def the_day_comes(self) -> None:
        self._come_to(START)

    def _come_to(self, moment: datetime) -> None:
        self.now = moment
        due = {pk: Appointment.objects.get(pk=pk) for pk in self.model}
        sweeps.expire_due(self.now, manual=True)
        sweeps.lapse_due(self.now)
        sweeps.miss_due(self.now)
        for pk, row in due.items():
            self.model[pk] = self._after(row, self.model[pk])
        for row in Appointment.objects.filter(pk__in=self.model, status="pending", therapist__isnull=True):
            # A suspended therapist's other offers went back.
            if self.model[row.pk] is S.OFFERED and not User.objects.get(pk=due[row.pk].therapist_id).is_active:
                self.model[row.pk] = S.UNASSIGNED

    def _after(self, row: Appointment, state: State) -> State:
        if row.hidden_at is not None:
            return state
        if state is S.OFFERED and row.response_deadline is not None and row.response_deadline <= self.now:
            state = S.UNASSIGNED if row.origin == "patient" else S.AUTO_CANCELLED
        if state in {S.UNASSIGNED, S.REJECTED} and row.start <= self.now:
            return S.CANCELLED
        if state in HELD and row.start + timedelta(minutes=30) <= self.now:
            return S.MISSED
        return state

    @invariant()
    def all_is_in_order(self) -> None:
        rows = list(Appointment.objects.filter(pk__in=self.model))
        assert {row.pk: state_of(row) for row in rows} == self.model
        self._nobody_is_in_two_places([row for row in rows if row.status in HOLDING])
        self._slots_count_what_they_hold(rows)
        self._somebody_is_assigned_exactly_where_somebody_holds_it(rows)
        self._the_log_tells_everything(rows)

    def _nobody_is_in_two_places(self, held: list[Appointment]) -> None:
        for one, other in combinations(held, 2):
            if one.start < other.end and other.start < one.end:
                assert one.patient_id != other.patient_id
                same_slot = one.time_slot_id is not None and one.time_slot_id == other.time_slot_id
                assert one.therapist_id is None or one.therapist_id != other.therapist_id or same_slot

    def _slots_count_what_they_hold(self, rows: list[Appointment]) -> None:
        for slot in TimeSlot.objects.all():
            holding = [
                row for row in rows if row.status in HOLDING and row.therapist_id and row.time_slot_id == slot.pk
            ]
            assert len(holding) == slot.current_appointments <= slot.max_appointments

    def _somebody_is_assigned_exactly_where_somebody_holds_it(self, rows: list[Appointment]) -> None:
        live = dict(Assignment.objects.filter(ended_at__isnull=True).values_list("appointment_id", "therapist_id"))
        for row in rows:
            if row.status in HOLDING:
                assert live.get(row.pk) == row.therapist_id

    def _the_log_tells_everything(self, rows: list[Appointment]) -> None:
        logs: dict[int, list[AppointmentLog]] = defaultdict(list)
        for log in AppointmentLog.objects.filter(appointment_id__in=self.model).order_by("id"):
            logs[log.appointment_id].append(log)
        for row in rows:
            told = replay(logs[row.pk])
            assert told == columns_of(row, told)
            assert sum("version" in log.new_values for log in logs[row.pk]) == row.version


def run(examples: int) -> None:
    """Deterministic, so that a failure comes again; `RACES=20` explores twenty times as much."""
    bounded = settings(
        max_examples=examples * int(os.environ.get("RACES", "1")),
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    play: Callable[..., None] = run_state_machine_as_test
    play(Clinic, settings=bounded)


@pytest.mark.django_db
def test_whatever_people_do_the_clinic_stays_in_order() -> None:
    DONE.clear()
    run(examples=25)
    assert {"assign", "accept", "reassign", "reschedule", "cancel"} <= set(DONE), f"a run that says little: {DONE}"


@pytest.mark.django_db
def test_without_the_check_of_places_the_model_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "move_places", lambda changes: None)
    with pytest.raises(AssertionError):
        run(examples=25)


@pytest.mark.django_db
def test_without_the_check_of_overlaps_the_model_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("the exclusion constraint refuses as well")
    monkeypatch.setattr(writing, "refuse_overlap", lambda change: None)
    monkeypatch.setattr(writing, "refuse_taken", lambda appointment: None)
    with pytest.raises(AssertionError):
        run(examples=25)
