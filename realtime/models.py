from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Q

from appointments.events import EventType
from appointments.models import Appointment, Assignment


class Inbox(models.Model):
    """One person's counter of notifications; whoever writes to the inbox holds this row locked."""

    recipient = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="inbox"
    )
    last_seq = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"inbox of user {self.recipient_id} at {self.last_seq}"


class Notification(models.Model):
    """An event as one recipient is told of it: `seq` counts 1, 2, 3 … for each recipient without gaps.

    `data` holds ids and facts; texts and the appointment are rendered for the reader when it is read.
    `assignment` is set where it tells the offered therapist of their offer, `open_request` where it shows a
    therapist a request that anybody qualified may take.
    """

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    seq = models.PositiveBigIntegerField()
    type = models.CharField(max_length=40, choices=EventType.choices)
    # SET_NULL: an appointment that is archived away leaves the numbering whole.
    appointment = models.ForeignKey(Appointment, on_delete=models.SET_NULL, null=True, related_name="notifications")
    version = models.PositiveIntegerField(null=True)
    data = models.JSONField(default=dict)
    assignment = models.ForeignKey(Assignment, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+")
    open_request = models.BooleanField(default=False)
    outbox_id = models.BigIntegerField()
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("seq",)
        indexes = (
            models.Index(fields=("recipient", "seq"), name="notification_unread", condition=Q(read_at__isnull=True)),
            models.Index(
                fields=("recipient", "seq"), name="notification_undelivered", condition=Q(delivered_at__isnull=True)
            ),
        )
        constraints = (
            models.UniqueConstraint(fields=("recipient", "seq"), name="notification_seq_once"),
            models.UniqueConstraint(fields=("recipient", "outbox_id"), name="notification_event_once"),
        )

    def __str__(self) -> str:
        return f"notification {self.seq} of user {self.recipient_id}"


class NewNotification(NamedTuple):
    """A notification that is to be written; objects of the model take the relay as long as writing them."""

    recipient_id: int
    seq: int
    type: str
    appointment_id: int | None
    version: int | None
    assignment_id: int | None
    open_request: bool
    data: dict[str, Any]
    outbox_id: int
    created_at: datetime
