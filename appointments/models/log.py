from django.conf import settings
from django.db import models

from appointments.models.appointment import Appointment


class AppointmentLog(models.Model):
    """One change of one appointment: who, when, from what, to what. Append-only.

    Replaying `new_values` in the order of `id` gives the appointment's present state. Nobody in
    `performed_by` is the system.
    """

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="logs", db_index=False)
    action = models.CharField(max_length=30)
    performed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    timestamp = models.DateTimeField()
    notes = models.TextField(blank=True)
    old_values = models.JSONField(default=dict)
    new_values = models.JSONField(default=dict)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("appointment", "-id"), name="log_of_appointment"),)

    def __str__(self) -> str:
        return f"{self.action} appointment {self.appointment_id}"
