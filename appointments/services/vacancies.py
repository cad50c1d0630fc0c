"""A place that became free goes round the waiting list: held for one person after another, until somebody takes it.

Whoever holds or gives on a place has locked its therapist first, as every booking has; then the slot, then the entry.
"""

import uuid
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet

from appointments import machine
from appointments.errors import TherapistUnavailable
from appointments.events import EventFact, EventType, waiting_stream
from appointments.models import (
    HELD,
    Appointment,
    TimeSlot,
    WaitingList,
    WaitingOffer,
    WaitingOfferStatus,
)
from appointments.policy import current_policy
from appointments.selectors.waiting_list import LIVE, in_turn
from appointments.services.offers import lock_therapist, require_available
from core.accounts.models import Role, User
from core.outbox.models import Lane
from core.outbox.writing import Effect, write_many
from core.transactions import in_transaction

log = structlog.get_logger(__name__)

BATCH: Final = 500
# If so many were asked for another place since the query, this one goes to whoever books it.
PASSED_OVER: Final = 100


class Vacancy(NamedTuple):
    """A place of a slot on its way round the list; the patient who gave it up is not asked."""

    id: uuid.UUID
    slot_id: int
    therapist_id: int
    start: datetime
    end: datetime
    vacated_by: Appointment | None = None


def about_to_free(appointment: Appointment, actor: User) -> Vacancy | None:
    """The place that the actor's cancel or reschedule of a locked appointment frees, its therapist locked.

    None where there is nobody to come: the therapist gave it up, or no published place was taken.
    """
    if actor.role == Role.THERAPIST or appointment.status not in HELD:
        return None
    if appointment.time_slot_id is None or appointment.therapist_id is None:
        return None
    lock_therapist(appointment.therapist_id, appointment.institution_id)
    return Vacancy(
        uuid.uuid4(),
        appointment.time_slot_id,
        appointment.therapist_id,
        appointment.start,
        appointment.end,
        appointment,
    )


def pass_on(vacancy: Vacancy, now: datetime) -> WaitingOffer | None:
    """Hold a free place for the next in turn; where nobody can take it, it is anybody's."""
    therapist = User.objects.select_related("institution").get(pk=vacancy.therapist_id)
    if now >= vacancy.start or not _can_be_had(vacancy, therapist, now):
        return None
    in_line = in_turn(therapist, vacancy.start, vacancy.end, vacancy.id)
    if vacancy.vacated_by is not None:
        in_line = in_line.exclude(patient_id=vacancy.vacated_by.patient_id)
    waiting = list(in_line.values_list("pk", flat=True)[:PASSED_OVER])
    if not waiting:
        return None
    machine.hold_places(vacancy.slot_id, 1)
    for pk in waiting:
        entry = lock_free_entry(pk)
        if entry is not None:
            return offer_place(vacancy, entry, now)
    machine.hold_places(vacancy.slot_id, -1)
    return None


def _can_be_had(vacancy: Vacancy, therapist: User, now: datetime) -> bool:
    try:
        require_available(therapist, vacancy.start, vacancy.end, now)
    except TherapistUnavailable:
        return False
    return TimeSlot.objects.filter(pk=vacancy.slot_id, is_available=True, is_booked=False).exists()


def lock_free_entry(entry_id: int) -> WaitingList | None:
    """The entry, locked; None where it has left the list, or another place waits for its answer."""
    rows = WaitingList.objects.select_for_update(of=("self",))
    entry = rows.filter(pk=entry_id, is_active=True).first()
    return None if entry is None or entry.offers.filter(LIVE).exists() else entry


def offer_place(vacancy: Vacancy, entry: WaitingList, now: datetime) -> WaitingOffer:
    """Offer a place that is held to a locked entry, with its clock, and tell."""
    offer = WaitingOffer.objects.create(
        entry=entry,
        time_slot_id=vacancy.slot_id,
        therapist_id=vacancy.therapist_id,
        start=vacancy.start,
        end=vacancy.end,
        vacancy=vacancy.id,
        vacated_by=vacancy.vacated_by,
        offered_at=now,
        expires_at=min(now + current_policy().waiting_list_offer, vacancy.start),
    )
    WaitingList.objects.filter(pk=entry.pk).update(notified_at=now)
    tasks = [("arm_waiting_offer", {"offer": offer.pk}), ("send_waiting_offer", {"offer": offer.pk})]
    tell(EventType.WAITLIST_OFFER, entry, offer, now, tasks)
    return offer


def tell(
    event: EventType,
    entry: WaitingList,
    offer: WaitingOffer | None,
    now: datetime,
    tasks: list[tuple[str, dict[str, int]]] | None = None,
) -> None:
    """Promise the event to the operators and the patient, and the tasks that belong to it."""
    data: dict[str, object] = {"waiting_list": entry.pk, "patient": entry.patient_id}
    if offer is not None:
        data |= {
            "offer": offer.pk,
            "status": offer.status,
            "therapist": offer.therapist_id,
            "time_slot": offer.time_slot_id,
            "start": offer.start.isoformat(),
            "end": offer.end.isoformat(),
            "expires_at": offer.expires_at.isoformat(),
        }
    fact = EventFact(
        type=event,
        appointment=None,
        version=None,
        operators=entry.institution_id,
        people=[entry.patient_id],
        data=data,
    )
    stream = waiting_stream(entry.pk)
    effects = [Effect(Lane.REALTIME, event, fact, stream)]
    effects += [Effect(Lane.TASKS, kind, payload, stream) for kind, payload in tasks or ()]
    write_many(effects, now=now)


def end_offer(offer: WaitingOffer, to: WaitingOfferStatus, now: datetime) -> bool:
    """End a live offer; only an expiry may come at or after its time, and only it. False where it did not apply.

    Locks the therapist. The place stays held for the caller to give on or to take.
    """
    lock_therapist(offer.therapist_id, offer.entry.institution_id)
    rows = WaitingOffer.objects.filter(LIVE, pk=offer.pk)
    rows = rows.filter(expires_at__lte=now) if to is WaitingOfferStatus.EXPIRED else rows.filter(expires_at__gt=now)
    if not rows.update(status=to, ended_at=now):
        return False
    offer.status, offer.ended_at = to, now
    return True


def give_on(offer: WaitingOffer, now: datetime) -> WaitingOffer | None:
    """Free the place of an offer that ended without being accepted, tell, and offer it to the next."""
    assert offer.time_slot_id is not None
    machine.hold_places(offer.time_slot_id, -1)
    tell(EventType.WAITLIST_OFFER_EXPIRED, offer.entry, offer, now)
    vacancy = Vacancy(offer.vacancy, offer.time_slot_id, offer.therapist_id, offer.start, offer.end, offer.vacated_by)
    return pass_on(vacancy, now)


@in_transaction
def expire(offer_id: int, now: datetime) -> bool:
    """Give the place on if its time to answer is over; late, early or twice, it does no harm."""
    offer = WaitingOffer.objects.select_related("entry", "vacated_by").filter(pk=offer_id).first()
    if offer is None or not end_offer(offer, WaitingOfferStatus.EXPIRED, now):
        return False
    give_on(offer, now)
    return True


def due(now: datetime) -> list[int]:
    """Offers at or past their time, the oldest first."""
    rows = WaitingOffer.objects.filter(LIVE, expires_at__lte=now).order_by("expires_at", "id")
    return list(rows.values_list("pk", flat=True)[:BATCH])


def expire_due(now: datetime) -> list[int]:
    """Give on every place whose time to answer is over; one bad row never stops the others.

    Raises OperationalError and InterfaceError: with the database away, every row would fail alike.
    """
    given_on = []
    for offer_id in due(now):
        try:
            if expire(offer_id, now):
                given_on.append(offer_id)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("waiting_list.expiry_failed", offer=offer_id)
    return given_on


def to_arm(now: datetime, horizon: timedelta) -> QuerySet[WaitingOffer]:
    """Live offers whose time ends within the horizon and for which no ETA task was published yet."""
    return WaitingOffer.objects.filter(LIVE, armed_at__isnull=True, expires_at__lte=now + horizon).order_by("pk")
