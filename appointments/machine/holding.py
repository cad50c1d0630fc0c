"""Whose time and which places a change takes, refused where they are taken."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, connection
from django.db.models import F, QuerySet

from appointments.errors import (
    DoubleBooked,
    SlotFull,
)
from appointments.machine.changes import Change
from appointments.models import (
    Appointment,
    TimeSlot,
    WaitingOffer,
)
from appointments.models.appointment import HELD
from appointments.selectors.conflicts import held_for_waiting, patient_bookings, therapist_bookings
from core.prepared import prepared

THERAPIST_TAKEN = "The therapist already has an appointment at that time."
PATIENT_TAKEN = "The patient already has an appointment at that time."
SLOTS_OVERLAP = "The therapist already publishes time that overlaps this."
PLACES_TAKEN = "Every place of this slot is taken."
PLACE_HELD = "The place at this time is held for somebody on the waiting list."


def holds_therapist(status: str, therapist_id: int | None) -> bool:
    """Tell whether an appointment in this status takes the therapist's time."""
    return therapist_id is not None and status in HELD


def refuse_taken(appointment: Appointment) -> None:
    """Refuse time that is taken, for an appointment that is not written yet. Raises DoubleBooked and SlotFull."""
    period = (appointment.start, appointment.end)
    if holds_therapist(appointment.status, appointment.therapist_id):
        assert appointment.therapist_id is not None
        taken = therapist_bookings(appointment.therapist_id, *period, appointment.time_slot_id, but=None)
        _refuse(taken, THERAPIST_TAKEN)
        refuse_held(appointment.therapist_id, *period, appointment.time_slot_id)
    _refuse(patient_bookings(appointment.patient_id, *period, but=None), PATIENT_TAKEN)


def refuse_overlap(change: Change) -> None:
    """Refuse time that is taken: of a newly held therapist or period, and of the patient."""
    status = change.after("status")
    if status not in HELD:
        return
    therapist_id = change.after("therapist_id")
    start, end, slot_id = change.after("start"), change.after("end"), change.after("time_slot_id")
    pk = change.pk
    same_period = (change.was("start"), change.was("end")) == (start, end)
    held = holds_therapist(change.was("status"), change.was("therapist_id"))
    same_hold = (
        held and same_period and (change.was("therapist_id"), change.was("time_slot_id")) == (therapist_id, slot_id)
    )
    takes_therapist = holds_therapist(status, therapist_id) and not same_hold
    if takes_therapist:
        _refuse(therapist_bookings(therapist_id, start, end, slot_id, but=pk), THERAPIST_TAKEN)
        refuse_held(therapist_id, start, end, slot_id)
    takes_patient = not (same_period and change.was("status") in HELD)
    if takes_patient:
        _refuse(patient_bookings(change.after("patient_id"), start, end, but=pk), PATIENT_TAKEN)


def _refuse(bookings: QuerySet[Appointment], refusal: str) -> None:
    """Raises DoubleBooked where there are any; PostgreSQL's exclusion constraints see to it at the write itself."""
    if connection.vendor != "postgresql" and bookings.exists():
        raise DoubleBooked(refusal)


def refuse_held(therapist_id: int, start: datetime, end: datetime, slot_id: int | None) -> None:
    """Refuse time held for the waiting list; inside the same slot its places decide. Raises SlotFull."""
    if slot_id is None:
        held = bool(_held_for_waiting(therapist_id, start, end))
    else:
        held = held_for_waiting(therapist_id, start, end, slot_id).exists()
    if held:
        raise SlotFull(PLACE_HELD)


@prepared
def _held_for_waiting(therapist_id: int, start: datetime, end: datetime) -> QuerySet[WaitingOffer, int]:
    return held_for_waiting(therapist_id, start, end, None).order_by().values_list("pk", flat=True)[:1]


class refusing_conflicts:  # noqa: N801 - reads as a statement
    """Turn the database's own refusals (exclusion and check constraints) into the domain's."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, IntegrityError):
            return
        text = str(error)
        if "therapist_time_once" in text:
            raise DoubleBooked(THERAPIST_TAKEN) from error
        if "patient_time_once" in text:
            raise DoubleBooked(PATIENT_TAKEN) from error
        if "slot_time_once" in text or "slot_starts_once" in text:
            raise DoubleBooked(SLOTS_OVERLAP) from error
        if "slot_within_capacity" in text:
            raise SlotFull(PLACES_TAKEN) from error


def move_places(changes: Iterable[Change]) -> None:
    """Keep each slot's count of places in step with the appointments that hold one."""
    deltas: dict[int, int] = defaultdict(int)
    for change in changes:
        before, after = change.was("time_slot_id"), change.after("time_slot_id")
        if before and holds_therapist(change.was("status"), change.was("therapist_id")):
            deltas[before] -= 1
        if after and holds_therapist(change.after("status"), change.after("therapist_id")):
            deltas[after] += 1
    for slot_id, delta in sorted(deltas.items()):
        take_places(slot_id, delta)


def take_places(slot_id: int, delta: int) -> None:
    """Take (or with a negative `delta` give back) places of a slot. Raises SlotFull."""
    _count_places(slot_id, delta, "current_appointments")


def hold_places(slot_id: int, delta: int) -> None:
    """The same for places that are held for the waiting list."""
    _count_places(slot_id, delta, "held_places")


def _count_places(slot_id: int, delta: int, column: str) -> None:
    if delta == 0:
        return
    slots = TimeSlot.objects.filter(pk=slot_id)
    if delta > 0:
        slots = slots.filter(max_appointments__gte=F("current_appointments") + F("held_places") + delta)
    if not slots.update(**{column: F(column) + delta}):
        raise SlotFull(PLACES_TAKEN)
