from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from core.accounts.models import Institution


class Service(models.Model):
    """A kind of care that an institution offers (FHIR: HealthcareService)."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="services")
    name = models.CharField(max_length=100)
    duration_minutes = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(24 * 60)]
    )
    fee = models.DecimalField(max_digits=10, decimal_places=2, default=0, validators=[MinValueValidator(0)])
    is_active = models.BooleanField(default=True)
    therapists = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="services",
        help_text="Who is qualified; a therapist named by no service is qualified for all.",
    )

    class Meta:
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("institution", "name"), name="service_name_once"),)

    def __str__(self) -> str:
        return self.name
