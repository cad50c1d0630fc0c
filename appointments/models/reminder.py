from django.conf import settings
from django.db import models
from django.db.models import Q

from appointments.models.appointment import Appointment


class ReminderType(models.TextChoices):
    EMAIL = "email", "E-mail"
    SMS = "sms", "SMS"
    WHATSAPP = "whatsapp", "WhatsApp"
    PUSH = "push", "Push"


class ReminderStatus(models.TextChoices):
    """`uncertain`: it was being sent and nobody knows whether it arrived, so it is never sent again by itself."""

    PENDING = "pending", "Pending"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    UNCERTAIN = "uncertain", "Uncertain"


class AppointmentReminder(models.Model):
    """One message to the patient before an accepted appointment.

    `due_at` begins as `scheduled_for`; a failed attempt, quiet hours and whoever has queued it move it on.
    `claimed_at` names the attempt that sends or has sent it. `requested_by` asked for it by hand.
    """

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="reminders")
    reminder_type = models.CharField(max_length=10, choices=ReminderType.choices)
    scheduled_for = models.DateTimeField()
    due_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=ReminderStatus.choices, default=ReminderStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    is_sent = models.GeneratedField(
        expression=Q(status=ReminderStatus.SENT),  # type: ignore[arg-type]
        output_field=models.BooleanField(),
        db_persist=True,
    )
    error = models.CharField(max_length=300, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("scheduled_for", "id")
        indexes = (
            models.Index(fields=("scheduled_for", "id"), name="reminder_list"),
            models.Index(fields=("due_at",), name="reminder_due", condition=Q(status="pending")),
            models.Index(fields=("claimed_at",), name="reminder_in_flight", condition=Q(status="sending")),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("appointment", "reminder_type", "scheduled_for"),
                condition=~Q(status="cancelled"),
                name="reminded_once",
            ),
            models.CheckConstraint(condition=Q(status__in=ReminderStatus.values), name="reminder_status_known"),
            models.CheckConstraint(condition=Q(reminder_type__in=ReminderType.values), name="reminder_type_known"),
            models.CheckConstraint(
                condition=Q(status="sent", sent_at__isnull=False) | (~Q(status="sent") & Q(sent_at__isnull=True)),
                name="reminder_sent_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(claimed_at__isnull=False), name="reminder_sending_is_claimed"
            ),
        )

    def __str__(self) -> str:
        return f"reminder {self.pk} of appointment {self.appointment_id}"
