import uuid
from collections.abc import Collection
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.base import ModelState
from django.utils import timezone

from appointments.models.service import Service
from appointments.models.slot import TimeSlot
from appointments.policy import LONGEST_MINUTES
from core.accounts.models import Institution


class AppointmentStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    CONFIRMED = "confirmed", "Confirmed"
    ASSIGNED = "assigned", "Assigned"
    REJECTED = "rejected", "Rejected"
    IN_PROGRESS = "in_progress", "In progress"
    COMPLETED = "completed", "Completed"
    MISSED = "missed", "Missed"
    NO_SHOW = "no_show", "No show"
    CANCELLED = "cancelled", "Cancelled"
    AUTO_CANCELLED = "auto_cancelled", "Auto-cancelled"
    RESCHEDULED = "rescheduled", "Rescheduled"


class AppointmentType(models.TextChoices):
    THERAPY = "therapy", "Therapy"
    CONSULTATION = "consultation", "Consultation"
    FOLLOW_UP = "follow_up", "Follow-up"
    CRISIS_INTERVENTION = "crisis_intervention", "Crisis intervention"


class BookingMethod(models.TextChoices):
    ONLINE = "online", "Online"
    PHONE = "phone", "Phone"
    WALK_IN = "walk_in", "Walk-in"
    REFERRAL = "referral", "Referral"


class Origin(models.TextChoices):
    """Who chose the therapist of an offer."""

    OPERATOR = "operator", "Operator"
    PATIENT = "patient", "Patient"
    SYSTEM = "system", "System"


HELD = (
    AppointmentStatus.PENDING,
    AppointmentStatus.CONFIRMED,
    AppointmentStatus.ASSIGNED,
    AppointmentStatus.REJECTED,
    AppointmentStatus.IN_PROGRESS,
)
# A pending appointment without a therapist still holds the patient's time.
HOLDS_PATIENT = Q(status__in=HELD)
HOLDS_THERAPIST = Q(status__in=HELD, therapist__isnull=False)


class Appointment(models.Model):
    """A patient's visit (FHIR: Appointment). Only `appointments.machine` writes `status` and what follows from it.

    `response_deadline` is the only stored deadline: not null exactly while an offer waits for its answer.
    `opened_at` stays once the appointment was an open request; `hidden_at` takes it out of every list.
    """

    appointment_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    meeting_id = models.UUIDField(default=uuid.uuid4, db_index=True)
    version = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=20, choices=AppointmentStatus.choices, default=AppointmentStatus.PENDING)
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="appointments")
    patient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="appointments_as_patient", db_index=False
    )
    therapist = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="appointments_as_therapist",
        db_index=False,
    )
    service = models.ForeignKey(Service, on_delete=models.PROTECT, null=True, related_name="appointments")
    appointment_type = models.CharField(max_length=20, choices=AppointmentType.choices, default=AppointmentType.THERAPY)

    start = models.DateTimeField()
    end = models.DateTimeField()
    appointment_date = models.DateField(help_text="`start` in the institution's zone.")
    appointment_time = models.TimeField(help_text="`start` in the institution's zone.")
    duration_minutes = models.PositiveIntegerField(default=30)
    time_slot = models.ForeignKey(TimeSlot, on_delete=models.SET_NULL, null=True, related_name="appointments")

    reason_for_visit = models.TextField(blank=True)
    symptoms = models.TextField(blank=True)
    notes = models.TextField(blank=True)
    booking_method = models.CharField(max_length=10, choices=BookingMethod.choices, default=BookingMethod.ONLINE)
    booked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    video_url = models.CharField(max_length=500, blank=True)

    origin = models.CharField(max_length=10, choices=Origin.choices, null=True)  # noqa: DJ001 - null: no live offer
    open = models.BooleanField(default=False)
    opened_at = models.DateTimeField(null=True)
    assigned_at = models.DateTimeField(null=True)
    response_deadline = models.DateTimeField(null=True)
    warn_at = models.DateTimeField(null=True)
    search_id = models.UUIDField(null=True)
    search_requested_at = models.DateTimeField(null=True)
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    confirmed_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    missed_at = models.DateTimeField(null=True)
    auto_cancelled_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    cancellation_reason = models.TextField(blank=True)

    consultation_fee = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    is_paid = models.BooleanField(default=False)
    paid_at = models.DateTimeField(null=True)
    payment_method = models.CharField(max_length=50, blank=True)

    rescheduled_from = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="rescheduled_to")
    hidden_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("start", "id")
        indexes = (
            # Date and status last: a list of some days, or of a status, passes over the others without reading them.
            models.Index(fields=("institution", "start", "id", "appointment_date", "status"), name="appointment_list"),
            models.Index(fields=("institution", "status", "start", "id"), name="appointment_by_status"),
            models.Index(fields=("therapist", "start"), name="appointment_by_therapist"),
            models.Index(fields=("patient", "start"), name="appointment_by_patient"),
            models.Index(
                fields=("response_deadline",),
                name="appointment_due",
                condition=Q(status=AppointmentStatus.PENDING, therapist__isnull=False),
            ),
            models.Index(
                fields=("warn_at",),
                name="appointment_to_warn",
                condition=Q(status=AppointmentStatus.PENDING, warn_at__isnull=False),
            ),
            models.Index(
                fields=("start",),
                name="appointment_unfinished",
                condition=Q(status__in=("pending", "rejected", "confirmed", "assigned")),
            ),
            models.Index(fields=("start", "end", "therapist"), name="appointment_busy", condition=HOLDS_THERAPIST),
            models.Index(fields=("institution", "start"), name="appointment_open", condition=Q(open=True)),
            models.Index(
                fields=("institution", "response_deadline", "id"),
                name="appointment_open_work",
                condition=Q(status__in=("pending", "rejected")),
            ),
            models.Index(
                fields=("search_requested_at",),
                name="appointment_searching",
                condition=Q(search_id__isnull=False),
            ),
        )
        constraints = (
            models.CheckConstraint(condition=Q(status__in=AppointmentStatus.values), name="appointment_status_known"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="appointment_has_length"),
            models.CheckConstraint(condition=Q(duration_minutes__lte=LONGEST_MINUTES), name="appointment_not_too_long"),
            models.CheckConstraint(
                condition=Q(response_deadline__isnull=True) | Q(status="pending", therapist__isnull=False),
                name="deadline_only_while_offered",
            ),
            models.CheckConstraint(
                condition=Q(response_deadline__isnull=False) | ~Q(status="pending", therapist__isnull=False),
                name="offer_has_deadline",
            ),
            models.CheckConstraint(
                condition=Q(open=False) | Q(status="pending", therapist__isnull=True), name="open_only_while_unassigned"
            ),
            models.CheckConstraint(
                condition=Q(search_id__isnull=True) | Q(status="pending", therapist__isnull=True),
                name="search_only_while_unassigned",
            ),
            models.CheckConstraint(
                condition=Q(therapist__isnull=False)
                | Q(status__in=("pending", "cancelled", "auto_cancelled", "rescheduled")),
                name="held_by_a_therapist",
            ),
            models.CheckConstraint(condition=Q(consultation_fee__gte=0), name="fee_not_negative"),
        )

    def __str__(self) -> str:
        return f"appointment {self.pk}"

    @classmethod
    def from_db(  # type: ignore[override]  # the stubs know a later Django
        cls, db: str | None, field_names: Collection[str], values: Collection[Any]
    ) -> Self:
        """Django's own, without `__init__`: its walk over all columns takes longer than the database."""
        loaded = cls.__new__(cls)
        loaded._state = ModelState()
        loaded._state.db, loaded._state.adding = db, False
        loaded.__dict__.update(zip(field_names, values, strict=True))
        return loaded
