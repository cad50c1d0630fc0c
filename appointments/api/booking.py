"""From the body of a create to what the booking service takes."""

from zoneinfo import ZoneInfo

from rest_framework.request import Request

from appointments.api.access import read
from appointments.api.inputs import CreateInput
from appointments.errors import InvalidInput, PermissionDenied
from appointments.models import BookingMethod, Service
from appointments.services.booking import Booking
from core.accounts.models import Role, User


def booking_from(request: Request, actor: User) -> Booking:
    """The booking asked for. Raises PermissionDenied, ValidationError and InvalidInput naming the field."""
    if actor.role == Role.THERAPIST:
        raise PermissionDenied("A therapist may not book appointments.")
    form = read(CreateInput, request)
    data = form.validated_data
    if actor.role == Role.PATIENT:
        data.pop("booking_method", None)  # the staff's to say
    patient = patient_of(data.get("patient"), actor)
    assert patient.institution is not None
    start, field = form.when(ZoneInfo(patient.institution.timezone))
    return Booking(
        patient=patient,
        start=start,
        duration_minutes=data["duration_minutes"],
        therapist_id=data.get("therapist"),
        service=service_of(data.get("service"), patient.institution_id),
        time_slot_id=data.get("time_slot"),
        appointment_type=data["appointment_type"],
        reason_for_visit=data.get("reason_for_visit", ""),
        symptoms=data.get("symptoms", ""),
        notes=data.get("notes", ""),
        booking_method=data.get("booking_method", _method_of(actor)),
        blame=field,
    )


def _method_of(actor: User) -> BookingMethod:
    return BookingMethod.ONLINE if actor.role == Role.PATIENT else BookingMethod.PHONE


def patient_of(patient_id: int | None, actor: User) -> User:
    """Whom it is for: a patient themselves, else the one that staff name. Raises InvalidInput."""
    if actor.role == Role.PATIENT:
        return actor
    if patient_id is None:
        raise InvalidInput("This field is required.", code="required", attr="patient")
    rows = User.objects.filter(role=Role.PATIENT, is_active=True).select_related("institution")
    if actor.role != Role.ADMIN:
        rows = rows.filter(institution_id=actor.institution_id)
    patient = rows.filter(pk=patient_id).first()
    if patient is None:
        raise InvalidInput("No such patient.", code="does_not_exist", attr="patient")
    return patient


def service_of(service_id: int | None, institution_id: int | None) -> Service | None:
    """The institution's active service. Raises InvalidInput."""
    if service_id is None:
        return None
    found = Service.objects.filter(pk=service_id, institution_id=institution_id, is_active=True).first()
    if found is None:
        raise InvalidInput("No such service.", code="does_not_exist", attr="service")
    return found
