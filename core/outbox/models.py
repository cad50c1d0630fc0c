from django.db import models


class Lane(models.TextChoices):
    """Who carries an entry out; lanes are drained apart, so a broken one never holds up the other."""

    TASKS = "tasks"
    REALTIME = "realtime"


class OutboxEntry(models.Model):
    """An effect that a committed transaction still owes the world; deleted once it has been carried out.

    Entries of one `stream` (usually one appointment) and lane are carried out in the order of their ids.
    `payload` holds ids and facts, no personal data; `request_id` is that of the request that it came of, if any.
    """

    lane = models.CharField(max_length=10, choices=Lane.choices)
    stream = models.CharField(max_length=40)
    kind = models.CharField(max_length=40)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    available_at = models.DateTimeField(help_text="Not to be touched before: back-off, or another relay's lease.")
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=36, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("lane", "id"), name="outbox_lane_order"),
            models.Index(fields=("lane", "stream", "id"), name="outbox_stream_order"),
        )
        constraints = (models.CheckConstraint(condition=models.Q(lane__in=Lane.values), name="outbox_lane_known"),)

    def __str__(self) -> str:
        return f"{self.lane}:{self.kind} of {self.stream}"
