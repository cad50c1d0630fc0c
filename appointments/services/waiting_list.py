"""The waiting list as people use it: joining, leaving, answering, and an operator's word to one who waits."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from appointments import machine
from appointments.errors import DeadlinePassed, InvalidInput, InvalidTransition, SlotFull
from appointments.events import EventType
from appointments.models import (
    Appointment,
    AppointmentType,
    Origin,
    TimeSlot,
    WaitingList,
    WaitingOffer,
    WaitingOfferStatus,
)
from appointments.models.waiting_list import USUAL
from appointments.policy import current_policy
from appointments.selectors.waiting_list import LIVE, offerable, passed, places_for
from appointments.services.booking import Booking, book
from appointments.services.offers import lock_therapist
from appointments.services.vacancies import BATCH, Vacancy, end_offer, give_on, lock_free_entry, offer_place, tell
from core.accounts.models import Role, User
from core.transactions import in_transaction

TOO_LATE: Final = "The time to take this place has passed."
NOTHING_HELD: Final = "No place is held for this entry."
LEFT: Final = "This entry is no longer on the waiting list."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody waits for; without a therapist, anybody's place will do."""

    patient: User
    preferred_date: date
    preferred_time_start: time | None = None
    preferred_time_end: time | None = None
    therapist_id: int | None = None
    appointment_type: AppointmentType = AppointmentType.THERAPY
    reason: str = ""
    priority: int = USUAL


@in_transaction
def join(wish: Wish, actor: User, now: datetime) -> WaitingList:
    """Put the patient on the list. Raises InvalidInput naming the field."""
    entry = WaitingList(
        institution=wish.patient.institution,
        patient=wish.patient,
        therapist_id=wish.therapist_id,
        preferred_date=wish.preferred_date,
        preferred_time_start=wish.preferred_time_start,
        preferred_time_end=wish.preferred_time_end,
        appointment_type=wish.appointment_type,
        reason=wish.reason,
        priority=wish.priority,
        created_by=actor,
        created_at=now,
    )
    _require_sound(entry, now)
    entry.save(force_insert=True)
    return entry


@in_transaction
def change(entry_id: int, changes: Mapping[str, Any], now: datetime) -> WaitingList:
    """Change the wish or the priority; a place that is held stays held. Raises InvalidInput, InvalidTransition."""
    entry = _lock_waiting(entry_id)
    for name, value in changes.items():
        setattr(entry, name, value)
    _require_sound(entry, now)
    if changes:
        entry.save(update_fields=list(changes))
    return entry


@in_transaction
def deactivate(entry_id: int, now: datetime) -> WaitingList:
    """Take the entry off the list; a place held for it goes to the next. Raises InvalidTransition."""
    _withdraw_offer(entry_id, now)  # before the entry is locked, in the order of every other end of an offer
    entry = _lock_waiting(entry_id)
    _withdraw_offer(entry_id, now)  # one that was made in between
    entry.is_active = False
    entry.save(update_fields=["is_active"])
    return entry


@in_transaction
def close_passed(now: datetime) -> list[int]:
    """Take those off the list whose day or window is over, up to 500, and tell them; a held place is waited for."""
    rows = passed(now).select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:BATCH]
    entries = list(rows)
    # Whoever offers a place locks the entry first: what was offered since the query is seen here.
    offered = set(WaitingOffer.objects.filter(LIVE, entry__in=entries).values_list("entry_id", flat=True))
    over = [entry for entry in entries if entry.pk not in offered]
    WaitingList.objects.filter(pk__in=[entry.pk for entry in over]).update(is_active=False, passed_at=now)
    for entry in over:
        tell(EventType.WAITLIST_OFFER_EXPIRED, entry, None, now)
    return [entry.pk for entry in over]


@in_transaction
def accept_offer(entry_id: int, actor: User, now: datetime, offer_id: int | None = None) -> Appointment:
    """Turn the held place into the patient's request to its therapist; the entry leaves the list.

    `offer_id` is the offer that the caller has seen. Raises DeadlinePassed, InvalidTransition, and what a booking does.
    """
    offer = _answered(entry_id, offer_id, WaitingOfferStatus.ACCEPTED, now)
    entry = offer.entry
    assert offer.time_slot_id is not None
    machine.hold_places(offer.time_slot_id, -1)
    asked = Booking(
        patient=User.objects.select_related("institution").get(pk=entry.patient_id),
        start=offer.start,
        duration_minutes=int((offer.end - offer.start).total_seconds()) // 60,
        therapist_id=offer.therapist_id,
        time_slot_id=offer.time_slot_id,
        appointment_type=AppointmentType(entry.appointment_type),
        reason_for_visit=entry.reason,
        origin=Origin.PATIENT,
    )
    appointment = book(asked, actor, now)
    WaitingOffer.objects.filter(pk=offer.pk).update(appointment=appointment)
    WaitingList.objects.filter(pk=entry.pk).update(is_active=False)
    return appointment


@in_transaction
def decline_offer(entry_id: int, now: datetime, offer_id: int | None = None) -> None:
    """Give the held place to the next; the entry stays on the list. Raises DeadlinePassed, InvalidTransition."""
    give_on(_answered(entry_id, offer_id, WaitingOfferStatus.DECLINED, now), now)


@in_transaction
def notify(entry_id: int, now: datetime, slot_id: int | None = None) -> WaitingOffer | None:
    """Offer a place out of turn: that of the named slot, else the first free one that suits the entry.

    None where no place is free: then the patient is only told that somebody thought of them.
    Raises InvalidInput, SlotFull, InvalidTransition.
    """
    entry = WaitingList.objects.select_related("patient").get(pk=entry_id)
    slot = _named_slot(slot_id, entry, now) if slot_id is not None else places_for(entry, now).first()
    if slot is not None:
        lock_therapist(slot.therapist_id, entry.institution_id)
        machine.hold_places(slot.pk, 1)
    if lock_free_entry(entry_id) is None:
        still = WaitingList.objects.filter(pk=entry_id, is_active=True).exists()
        raise InvalidTransition("A place is already held for this entry." if still else LEFT)
    if slot is None:
        WaitingList.objects.filter(pk=entry_id).update(notified_at=now)
        tell(EventType.WAITLIST_OFFER, entry, None, now)
        return None
    return offer_place(Vacancy(uuid.uuid4(), slot.pk, slot.therapist_id, slot.start, slot.end), entry, now)


def _require_sound(entry: WaitingList, now: datetime) -> None:
    """Refuse what nobody can wait for. Raises InvalidInput naming the field."""
    today = now.astimezone(ZoneInfo(entry.institution.timezone)).date()
    if entry.preferred_date < today:
        raise InvalidInput("This day has already passed.", code="past", attr="preferred_date")
    horizon = current_policy().booking_horizon
    if entry.preferred_date > today + horizon:
        days = horizon.days
        raise InvalidInput(f"Bookings are taken at most {days} days ahead.", code="too_far", attr="preferred_date")
    begins, ends = entry.preferred_time_start, entry.preferred_time_end
    if begins is not None and ends is not None and ends <= begins:
        raise InvalidInput("The window ends before it begins.", attr="preferred_time_end")
    therapists = User.objects.filter(role=Role.THERAPIST, institution_id=entry.institution_id)
    if entry.therapist_id is not None and not therapists.filter(pk=entry.therapist_id).exists():
        raise InvalidInput("No such therapist.", code="does_not_exist", attr="therapist")


def _lock_waiting(entry_id: int) -> WaitingList:
    """The entry, locked. Raises InvalidTransition when it has left the list."""
    rows = WaitingList.objects.select_for_update(of=("self",)).select_related("institution")
    entry = rows.get(pk=entry_id)
    if not entry.is_active:
        raise InvalidTransition(LEFT)
    return entry


def _withdraw_offer(entry_id: int, now: datetime) -> None:
    offer = WaitingOffer.objects.select_related("entry", "vacated_by").filter(LIVE, entry_id=entry_id).first()
    if offer is None:
        return
    over = WaitingOfferStatus.EXPIRED if offer.expires_at <= now else WaitingOfferStatus.WITHDRAWN
    if end_offer(offer, over, now):
        give_on(offer, now)


def _answered(entry_id: int, offer_id: int | None, answer: WaitingOfferStatus, now: datetime) -> WaitingOffer:
    """The entry's offer, ended by this answer. Raises DeadlinePassed, InvalidTransition."""
    rows = WaitingOffer.objects.select_related("entry", "vacated_by").filter(entry_id=entry_id)
    offer = rows.filter(pk=offer_id).first() if offer_id is not None else rows.order_by("-id").first()
    if offer is None:
        raise InvalidTransition(NOTHING_HELD)
    if not end_offer(offer, answer, now):
        offer.refresh_from_db(fields=["status"])
        if offer.status in {WaitingOfferStatus.OFFERED, WaitingOfferStatus.EXPIRED}:
            raise DeadlinePassed(TOO_LATE)
        raise InvalidTransition(f"This place was already {offer.get_status_display().lower()}.")
    return offer


def _named_slot(slot_id: int, entry: WaitingList, now: datetime) -> TimeSlot:
    """A slot that an operator names. Raises InvalidInput, SlotFull."""
    slot = TimeSlot.objects.filter(pk=slot_id, therapist__institution_id=entry.institution_id).first()
    if slot is None:
        raise InvalidInput("No such time slot.", code="does_not_exist", attr="time_slot")
    if not offerable(entry, now).filter(pk=slot_id).exists():
        raise SlotFull("No place of this slot can be offered to this patient.")
    return slot
