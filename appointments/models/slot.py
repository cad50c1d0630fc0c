from django.conf import settings
from django.db import models
from django.db.models import F, Q


class TimeSlot(models.Model):
    """Published time of a therapist (FHIR: Slot) with places for `max_appointments`.

    `date`, `start_time` and `end_time` are wall-clock in the institution's zone (`end_time` ≤ `start_time`: next day);
    `start` and `end` are the instants they meant when the slot was written. The occurrences of a weekly repetition
    share `series`; a held place waits for the answer of somebody on the waiting list.
    """

    therapist = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="time_slots", db_index=False
    )
    date = models.DateField()
    start_time = models.TimeField()
    end_time = models.TimeField()
    start = models.DateTimeField()
    end = models.DateTimeField()
    is_available = models.BooleanField(default=True)
    max_appointments = models.PositiveIntegerField(default=1)
    current_appointments = models.PositiveIntegerField(default=0)
    held_places = models.PositiveIntegerField(default=0)
    is_booked = models.GeneratedField(
        expression=Q(max_appointments__lte=F("current_appointments") + F("held_places")),  # type: ignore[arg-type]
        output_field=models.BooleanField(),
        db_persist=True,
    )
    series = models.UUIDField(null=True)
    recurring_days = models.CharField(max_length=13, blank=True, help_text="0 is Monday, as in 0,2,4.")
    recurring_end_date = models.DateField(null=True)

    class Meta:
        ordering = ("start", "id")
        indexes = (
            models.Index(fields=("therapist", "start", "end"), name="slot_by_therapist"),
            models.Index(fields=("therapist", "date"), name="slot_by_day"),
            models.Index(fields=("start", "id"), name="slot_list"),
            models.Index(fields=("series", "start"), condition=Q(series__isnull=False), name="slot_by_series"),
        )
        constraints = (
            models.UniqueConstraint(fields=("therapist", "start"), name="slot_starts_once"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="slot_has_length"),
            models.CheckConstraint(condition=Q(max_appointments__gte=1), name="slot_has_a_place"),
            models.CheckConstraint(
                condition=Q(max_appointments__gte=F("current_appointments") + F("held_places")),
                name="slot_within_capacity",
            ),
        )

    def __str__(self) -> str:
        return f"slot {self.pk} of therapist {self.therapist_id}"


class TimeOff(models.Model):
    """A time in which a therapist cannot come: hides their slots, and no search or booking finds them."""

    therapist = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="time_off", db_index=False
    )
    start = models.DateTimeField()
    end = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("start", "id")
        indexes = (models.Index(fields=("therapist", "start", "end"), name="time_off_by_therapist"),)
        constraints = (models.CheckConstraint(condition=Q(end__gt=F("start")), name="time_off_has_length"),)

    def __str__(self) -> str:
        return f"time off {self.pk} of therapist {self.therapist_id}"
