"""An appointment as one reader may see it, now. Every JSON of an appointment is made here."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from django.db.models import Prefetch, QuerySet

from appointments import machine
from appointments.models import (
    Appointment,
    AppointmentRejection,
    AppointmentStatus,
    Assignment,
    Origin,
)
from appointments.policy import Policy, current_policy
from appointments.selectors.visibility import visible_to
from core.accounts.models import Role, User
from core.prepared import prepared

HIDDEN_FROM_FORMER: Final = (
    *("patient", "patient_name", "patient_phone", "patient_email", "reason_for_visit", "symptoms", "notes"),
    *("cancellation_reason", "cancelled_by", "cancelled_at", "booked_by", "video_url", "claimed_by", "origin"),
    *("assigned_at", "response_deadline", "warn_at", "confirmed_at", "started_at", "completed_at", "missed_at"),
    *("auto_cancelled_at", "consultation_fee", "is_paid", "paid_at", "payment_method", "time_slot"),
    *("rescheduled_from", "rescheduled_to", "offer_delivered_at", "offer_read_at"),
)


# The successor is shown by its id alone, people by name and contact; their other columns would triple the row.
UNREAD: Final = (
    *(
        f"rescheduled_to__{field.name}"
        for field in Appointment._meta.concrete_fields
        if not field.primary_key and field.name != "rescheduled_from"
    ),
    *(
        f"{person}__{field.name}"
        for person in ("patient", "therapist")
        for field in User._meta.concrete_fields
        if field.name not in {"id", "first_name", "last_name", "username", "phone", "email"}
    ),
)


class View(Enum):
    """How much of an appointment a reader sees."""

    WHOLE = "whole"
    OPEN_REQUEST = "without contact data"
    FORMER = "only that it is over for them"


def for_rendering(rows: QuerySet[Appointment]) -> QuerySet[Appointment]:
    """Load what rendering reads, in a constant number of queries."""
    joined = rows.select_related("patient", "therapist", "service", "institution", "rescheduled_to")
    return joined.defer(*UNREAD).prefetch_related(Prefetch("assignments", _assignments()))


def _assignments() -> QuerySet[Assignment]:
    return Assignment.objects.select_related("rejection__therapist").order_by("id")


def render_appointments(ids: Iterable[int], reader: User, now: datetime) -> dict[int, dict[str, Any]]:
    """Render by id for `reader`; an appointment that they do not see is absent."""
    policy = current_policy()
    rows = for_rendering(visible_to(reader, now).filter(pk__in=set(ids)).order_by())
    return {row.pk: render(row, reader, now, policy) for row in rows}


def render_written(appointment: Appointment, reader: User, now: datetime) -> dict[str, Any] | None:
    """What `render_appointments` would say, from the row that `reader` has just written; only its relations are read.

    A write may change what its therapist sees, so for them all is read again.
    """
    if reader.role == Role.THERAPIST:
        return render_appointments([appointment.pk], reader, now).get(appointment.pk)
    return render(appointment, reader, now, current_policy(), _history(appointment.pk))


@prepared
def _history(appointment_id: int) -> QuerySet[Assignment]:
    return _assignments().filter(appointment_id=appointment_id)


def render_booked(appointment: Appointment, reader: User, now: datetime) -> dict[str, Any]:
    """The same for a row that is new: its offer has been neither read nor refused."""
    return render(appointment, reader, now, current_policy(), ())


def view_of(appointment: Appointment, reader: User) -> View:
    """What `reader` sees of a row that came through `visible_to`."""
    if reader.role != Role.THERAPIST:
        return View.WHOLE
    if appointment.therapist_id == reader.pk and appointment.status != AppointmentStatus.AUTO_CANCELLED:
        return View.WHOLE
    return View.OPEN_REQUEST if getattr(appointment, "_takeable", False) else View.FORMER


def render(
    appointment: Appointment,
    reader: User,
    now: datetime,
    policy: Policy,
    history: Iterable[Assignment] | None = None,
) -> dict[str, Any]:
    """The resource of the contract for `reader`; `history` are its assignments where they are not loaded with it."""
    view = view_of(appointment, reader)
    assignments = appointment.assignments.all() if history is None else history
    staff = reader.role in {Role.OPERATOR, Role.ADMIN}
    shown = {
        **_identity(appointment),
        **_people(appointment),
        **_time(appointment),
        **_visit(appointment),
        **_offer(appointment, assignments, staff=staff),
        **_rejections(assignments, reader, staff=staff),
        **_outcome(appointment),
        "allowed_actions": machine.allowed_actions(appointment, reader, now, policy),
    }
    if view is View.OPEN_REQUEST:
        shown |= {"patient_phone": None, "patient_email": None, "video_url": None}
    elif view is View.FORMER:
        shown |= dict.fromkeys(HIDDEN_FROM_FORMER)
        shown |= _status(AppointmentStatus.CANCELLED) | _therapist(reader) | {"open": False, "allowed_actions": []}
    return shown


def _identity(appointment: Appointment) -> dict[str, Any]:
    return {
        "id": appointment.pk,
        "appointment_id": str(appointment.appointment_id),
        "meeting_id": str(appointment.meeting_id),
        "version": appointment.version,
        **_status(AppointmentStatus(appointment.status)),
    }


def _status(status: AppointmentStatus) -> dict[str, Any]:
    return {"status": status.value, "status_display": str(status.label)}


def _therapist(therapist: User | None) -> dict[str, Any]:
    pk = therapist.pk if therapist else None
    name = therapist.display_name if therapist else None
    return {"therapist": pk, "therapist_name": name, "doctor": pk, "doctor_name": name}


def _people(appointment: Appointment) -> dict[str, Any]:
    patient = appointment.patient
    return {
        "patient": patient.pk,
        "patient_name": patient.display_name,
        "patient_phone": patient.phone,
        "patient_email": patient.email,
        **_therapist(appointment.therapist),
        "institution": appointment.institution_id,
    }


def _time(appointment: Appointment) -> dict[str, Any]:
    return {
        "start": instant(appointment.start),
        "end": instant(appointment.end),
        "appointment_date": appointment.appointment_date.isoformat(),
        "appointment_time": appointment.appointment_time.isoformat(),
        "timezone": appointment.institution.timezone,
        "duration_minutes": appointment.duration_minutes,
        "time_slot": appointment.time_slot_id,
    }


def _visit(appointment: Appointment) -> dict[str, Any]:
    return {
        "service": appointment.service_id,
        "service_name": appointment.service.name if appointment.service else None,
        "appointment_type": appointment.appointment_type,
        "reason_for_visit": appointment.reason_for_visit,
        "symptoms": appointment.symptoms,
        "notes": appointment.notes,
        "booking_method": appointment.booking_method,
        "booked_by": appointment.booked_by_id,
        "video_url": appointment.video_url,
        "consultation_fee": f"{appointment.consultation_fee:.2f}",
        "is_paid": appointment.is_paid,
        "paid_at": instant(appointment.paid_at),
        "payment_method": appointment.payment_method,
    }


def _offer(appointment: Appointment, assignments: Iterable[Assignment], *, staff: bool) -> dict[str, Any]:
    live = next((row for row in assignments if row.ended_at is None), None)
    seen = live if staff else None
    return {
        "origin": appointment.origin,
        "open": appointment.open,
        "assigned_at": instant(appointment.assigned_at),
        "response_deadline": instant(appointment.response_deadline),
        "warn_at": instant(appointment.warn_at),
        "claimed_by": appointment.claimed_by_id,
        "offer_delivered_at": instant(seen.delivered_at) if seen else None,
        "offer_read_at": instant(seen.read_at) if seen else None,
    }


def _rejections(assignments: Iterable[Assignment], reader: User, *, staff: bool) -> dict[str, Any]:
    """All for operators, a therapist's own, and for the patient that of the therapist they had chosen."""
    refused = [row for row in assignments if hasattr(row, "rejection")]
    if reader.role == Role.PATIENT:
        refused = [row for row in refused if row.origin == Origin.PATIENT]
    elif not staff:
        refused = [row for row in refused if row.therapist_id == reader.pk]
    shown = sorted((row.rejection for row in refused), key=lambda one: (one.rejected_at, one.pk), reverse=True)
    latest = _rejection(shown[0]) if shown else {}
    return {
        "rejection_reason": latest.get("rejection_reason"),
        "rejected_by": latest.get("therapist"),
        "rejected_at": latest.get("rejected_at"),
        "review_decision": latest.get("review_decision"),
        "rejections": [] if reader.role == Role.PATIENT else [_rejection(row) for row in shown],
    }


def _rejection(row: AppointmentRejection) -> dict[str, Any]:
    return {
        "id": row.pk,
        "therapist": row.therapist_id,
        "therapist_name": row.therapist.display_name,
        "rejection_reason": row.rejection_reason,
        "rejected_at": instant(row.rejected_at),
        "review_decision": row.review_decision,
        "review_notes": row.review_notes,
        "reviewed_by": row.reviewed_by_id,
        "reviewed_at": instant(row.reviewed_at),
    }


def _outcome(appointment: Appointment) -> dict[str, Any]:
    moved = appointment.status == AppointmentStatus.RESCHEDULED
    successor = getattr(appointment, "rescheduled_to", None) if moved else None
    return {
        "confirmed_at": instant(appointment.confirmed_at),
        "started_at": instant(appointment.started_at),
        "completed_at": instant(appointment.completed_at),
        "missed_at": instant(appointment.missed_at),
        "auto_cancelled_at": instant(appointment.auto_cancelled_at),
        "cancellation_reason": appointment.cancellation_reason,
        "cancelled_by": appointment.cancelled_by_id,
        "cancelled_at": instant(appointment.cancelled_at),
        "rescheduled_from": appointment.rescheduled_from_id,
        "rescheduled_to": successor.pk if successor else None,
        "created_at": instant(appointment.created_at),
        "updated_at": instant(appointment.updated_at),
    }


def instant(value: datetime | None) -> str | None:
    """An instant as ISO 8601 in UTC with a Z."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def current_for(appointment_id: int, reader: User, now: datetime) -> Mapping[str, Any] | None:
    """What a conflict shows as `current`: the resource as the reader sees it, or None."""
    return render_appointments([appointment_id], reader, now).get(appointment_id)
