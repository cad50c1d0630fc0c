"""New appointments: an operator's offer, a patient's request with or without a therapist."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings

from appointments import machine
from appointments.errors import InvalidInput, SlotFull, TherapistUnavailable
from appointments.models import (
    Appointment,
    AppointmentType,
    BookingMethod,
    Origin,
    Service,
    TimeSlot,
)
from appointments.policy import Policy, current_policy
from appointments.selectors.conflicts import containing_slots
from appointments.services.offers import lock_therapist, offer_columns, require_available
from core.accounts.models import Role, User
from core.transactions import in_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What is asked for; `blame` is the input field that gave the time.

    `origin` says who chose the therapist where it was not the one who books.
    """

    patient: User
    start: datetime
    duration_minutes: int = 30
    therapist_id: int | None = None
    service: Service | None = None
    time_slot_id: int | None = None
    appointment_type: AppointmentType = AppointmentType.THERAPY
    reason_for_visit: str = ""
    symptoms: str = ""
    notes: str = ""
    booking_method: BookingMethod = BookingMethod.ONLINE
    blame: str = "start"
    origin: Origin | None = None


@in_transaction
def book(booking: Booking, actor: User, now: datetime) -> Appointment:
    """Create the appointment: an offer to the named therapist, else a request that needs one.

    Raises InvalidInput (with the field), TherapistUnavailable, SlotFull, DoubleBooked.
    """
    policy = current_policy()
    by_patient = actor.role == Role.PATIENT
    appointment = _new_appointment(booking, actor, now, policy)
    slot = _wanted_slot(booking, appointment)
    therapist_id = booking.therapist_id or (slot.therapist_id if slot else None)
    if therapist_id is None:
        appointment.open = by_patient and policy.open_requests
        appointment.opened_at = now if appointment.open else None
        return machine.create(appointment, actor, now, audience={"open_to_qualified": appointment.open})
    therapist = lock_therapist(therapist_id, appointment.institution_id)
    require_available(therapist, appointment.start, appointment.end, now)
    if by_patient and slot is None:
        _require_published(therapist, appointment)
    origin = booking.origin or (Origin.PATIENT if by_patient else Origin.OPERATOR)
    columns, assignment = offer_columns(appointment, therapist, origin, now, policy)
    if slot is not None:
        columns["time_slot_id"] = slot.pk
    for name, value in columns.items():
        setattr(appointment, name, value)
    appointment.therapist = therapist  # whoever shows the offer need not read them again
    return machine.create(appointment, actor, now, full_clock=assignment["full_clock"])


def _new_appointment(booking: Booking, actor: User, now: datetime, policy: Policy) -> Appointment:
    institution = booking.patient.institution
    assert institution is not None
    require_bookable_time(booking.start, now, policy, booking.blame)
    local = booking.start.astimezone(ZoneInfo(institution.timezone))
    meeting_id = uuid.uuid4()
    return Appointment(
        institution=institution,
        meeting_id=meeting_id,
        video_url=settings.VIDEO_URL_TEMPLATE.replace("{meeting_id}", str(meeting_id)),
        patient=booking.patient,
        service=booking.service,
        appointment_type=booking.appointment_type,
        start=booking.start,
        end=booking.start + timedelta(minutes=booking.duration_minutes),
        appointment_date=local.date(),
        appointment_time=local.time(),
        duration_minutes=booking.duration_minutes,
        reason_for_visit=booking.reason_for_visit,
        symptoms=booking.symptoms,
        notes=booking.notes,
        booking_method=booking.booking_method,
        booked_by=actor,
        consultation_fee=booking.service.fee if booking.service else Decimal(0),
        created_at=now,
        updated_at=now,
    )


def require_bookable_time(start: datetime, now: datetime, policy: Policy, blame: str) -> None:
    """Refuse the past and what lies beyond the horizon. Raises InvalidInput naming the field `blame`."""
    if start <= now:
        raise InvalidInput("This time has already passed.", code="past", attr=blame)
    if start > now + policy.booking_horizon:
        days = policy.booking_horizon.days
        raise InvalidInput(f"Bookings are taken at most {days} days ahead.", code="too_far", attr=blame)


def _wanted_slot(booking: Booking, appointment: Appointment) -> TimeSlot | None:
    """The slot named by the request. Raises InvalidInput where it does not fit the request, SlotFull."""
    if booking.time_slot_id is None:
        return None
    slot = TimeSlot.objects.filter(
        pk=booking.time_slot_id, therapist__institution=appointment.institution, is_available=True
    ).first()
    if slot is None:
        raise InvalidInput("No such time slot.", code="does_not_exist", attr="time_slot")
    if booking.therapist_id not in {None, slot.therapist_id}:
        raise InvalidInput("This time slot belongs to another therapist.", attr="time_slot")
    if not (slot.start <= appointment.start and appointment.end <= slot.end):
        raise InvalidInput("The appointment does not lie inside this time slot.", attr="time_slot")
    if slot.is_booked:
        raise SlotFull(machine.PLACES_TAKEN)
    return slot


def _require_published(therapist: User, appointment: Appointment) -> None:
    """Bind a patient's booking to the therapist's published time. Raises TherapistUnavailable, SlotFull."""
    if not TimeSlot.objects.filter(therapist=therapist, date__gte=appointment.appointment_date).exists():
        return
    slots = list(containing_slots(therapist.pk, appointment.start, appointment.end))
    if not slots:
        raise TherapistUnavailable("The therapist publishes no time then.")
    if all(slot.is_booked for slot in slots):
        raise SlotFull(machine.PLACES_TAKEN)
