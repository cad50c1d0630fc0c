from django.conf import settings
from django.db import models
from django.db.models import Q

from core.accounts.models import Institution


class SuspensionBreaker(models.Model):
    """Automatic suspensions of an institution, halted from `opened_at` until an operator closes it with a reason."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="breakers")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("-opened_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("institution",), condition=Q(closed_at__isnull=True), name="one_open_breaker"
            ),
        )

    def __str__(self) -> str:
        return f"breaker of institution {self.institution_id}"
