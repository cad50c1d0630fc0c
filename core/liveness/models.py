from django.db import models


class Part(models.TextChoices):
    """The processes that report that they live."""

    WEB = "web"
    RELAY = "relay"
    BEAT = "beat"


class Heartbeat(models.Model):
    """When a part was last known to live; one row for each part, however many processes it has."""

    part = models.CharField(max_length=10, primary_key=True, choices=Part.choices)
    beaten_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.part} at {self.beaten_at:%Y-%m-%dT%H:%M:%SZ}"


class Outage(models.Model):
    """A time when people could not see or answer offers; `settled_at` is when deadlines were extended for it."""

    part = models.CharField(max_length=10, choices=Part.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("id",), name="outage_unsettled", condition=models.Q(settled_at__isnull=True)),)
        constraints = (
            models.CheckConstraint(condition=models.Q(ended_at__gt=models.F("started_at")), name="outage_has_length"),
        )

    def __str__(self) -> str:
        return f"{self.part} silent from {self.started_at:%Y-%m-%dT%H:%M:%SZ}"


class Lease(models.Model):
    """Which of several processes may act as the one; it lapses when its holder does not renew it."""

    part = models.CharField(max_length=10, primary_key=True, choices=Part.choices)
    holder = models.CharField(max_length=40)
    held_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"lease on {self.part}"
