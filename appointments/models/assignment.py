from django.conf import settings
from django.db import models
from django.db.models import Q

from appointments.models.appointment import Appointment, Origin


class AssignmentStatus(models.TextChoices):
    """How far an assignment came; the ones of `ENDED` are over for good."""

    OFFERED = "offered", "Offered"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected, waiting for review"
    UPHELD = "upheld", "Rejection denied"
    RELEASED = "released", "Rejection accepted"
    EXPIRED = "expired", "No answer in time"
    WITHDRAWN = "withdrawn", "Withdrawn"
    CANCELLED = "cancelled", "Cancelled with the appointment"


FORMER = (AssignmentStatus.RELEASED, AssignmentStatus.EXPIRED, AssignmentStatus.WITHDRAWN)
ENDED = (*FORMER, AssignmentStatus.CANCELLED)


class ReviewDecision(models.TextChoices):
    ACCEPT = "accept", "Accept"
    DENY = "deny", "Deny"


class Assignment(models.Model):
    """One therapist's hold on one appointment, from the offer to its end (FHIR: AppointmentResponse).

    `armed_for` is the deadline for which an ETA task was published; `graced_until` the end of the last outage that
    was added to the clock; `full_clock` is false when `start` cut the clock short, which then suspends nobody.
    """

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="assignments")
    therapist = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assignments", db_index=False
    )
    origin = models.CharField(max_length=10, choices=Origin.choices)
    status = models.CharField(max_length=10, choices=AssignmentStatus.choices)
    assigned_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    full_clock = models.BooleanField(default=True)
    extended_by_therapist = models.BooleanField(default=False)
    graced_until = models.DateTimeField(null=True)
    warned_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    armed_for = models.DateTimeField(null=True)
    notified_at = models.DateTimeField(null=True, help_text="The offer's notification was written.")
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    suspended_therapist = models.BooleanField(default=False, help_text="Its expiry suspended the therapist.")

    class Meta:
        indexes = (
            models.Index(fields=("therapist", "-assigned_at"), name="assignment_by_therapist"),
            models.Index(
                fields=("ended_at",),
                name="assignment_suspensions",
                condition=Q(suspended_therapist=True),
            ),
            models.Index(fields=("ended_at",), name="assignment_expired", condition=Q(status=AssignmentStatus.EXPIRED)),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("appointment",), condition=Q(ended_at__isnull=True), name="one_live_assignment"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, status__in=("offered", "accepted", "rejected", "upheld"))
                | Q(ended_at__isnull=False, status__in=ENDED),
                name="assignment_ended_with_its_status",
            ),
        )

    def __str__(self) -> str:
        return f"assignment {self.pk} of appointment {self.appointment_id}"


class AppointmentRejection(models.Model):
    """A therapist's refusal and what the operator made of it; it is reviewed at most once."""

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="rejections")
    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="rejection")
    therapist = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rejections")
    rejection_reason = models.TextField(blank=True)
    rejected_at = models.DateTimeField()
    review_decision = models.CharField(max_length=10, choices=ReviewDecision.choices, null=True)  # noqa: DJ001 - null: not reviewed
    review_notes = models.TextField(blank=True)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-rejected_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(review_decision__isnull=True, reviewed_at__isnull=True)
                | Q(review_decision__in=ReviewDecision.values, reviewed_at__isnull=False),
                name="rejection_reviewed_as_a_whole",
            ),
        )

    def __str__(self) -> str:
        return f"rejection of appointment {self.appointment_id}"


class OpenRequestDecline(models.Model):
    """A therapist does not want this open request; it is hidden from them and stays open for the others."""

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="declines")
    therapist = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(blank=True)
    declined_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("appointment", "therapist"), name="declined_once"),)

    def __str__(self) -> str:
        return f"decline of appointment {self.appointment_id}"
