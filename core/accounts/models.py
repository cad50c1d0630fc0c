from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac

from core.offsets import EXPECTS, parse_offsets


def validate_timezone(name: str) -> None:
    """Accept only names of the IANA time zone database."""
    if name not in available_timezones():
        raise ValidationError("Not an IANA time zone name, such as Europe/Berlin.", code="invalid")


def validate_offsets(offsets: str) -> None:
    """Accept only what REMINDER_OFFSETS takes."""
    try:
        parse_offsets(offsets)
    except ValueError:
        raise ValidationError(f"Expects {EXPECTS}.", code="invalid") from None


class Role(models.TextChoices):
    PATIENT = "patient", "Patient"
    THERAPIST = "therapist", "Therapist"
    OPERATOR = "operator", "Operator"
    ADMIN = "admin", "Admin"


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    ARABIC = "ar", "العربية"
    URDU = "ur", "اردو"


class Institution(models.Model):
    """A clinic or care service: the wall that no data crosses."""

    name = models.CharField(max_length=100, unique=True)
    timezone = models.CharField(max_length=50, default="UTC", validators=[validate_timezone])
    reminder_offsets = models.CharField(
        max_length=200, blank=True, validators=[validate_offsets], help_text="Empty: REMINDER_OFFSETS of the settings."
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class AccountManager(UserManager["User"]):
    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra_fields: Any
    ) -> "User":
        return super().create_superuser(username, email, password, **{"role": Role.ADMIN, **extra_fields})


def shown_name(first_name: str, last_name: str, username: str) -> str:
    """A person's full name, else the user name."""
    return f"{first_name} {last_name}".strip() or username


class User(AbstractUser):
    """A person with one role in one institution; admins stand above the institutions.

    `session_epoch` is part of the session hash, so raising it ends every session for good.
    """

    role = models.CharField(max_length=10, choices=Role.choices, default=Role.PATIENT)
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, null=True, blank=True, related_name="users")
    phone = models.CharField(max_length=30, blank=True)
    timezone = models.CharField(
        max_length=50, blank=True, validators=[validate_timezone], help_text="Empty: the institution's."
    )
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.ENGLISH)
    taking_appointments = models.BooleanField(default=True)
    away_until = models.DateTimeField(null=True, blank=True)
    preferences = models.JSONField(default=dict, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspension_reason = models.CharField(max_length=300, blank=True)
    session_epoch = models.PositiveIntegerField(default=0)

    objects = AccountManager()

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("institution", "role", "is_active"), name="user_by_role"),)
        constraints = (
            models.CheckConstraint(condition=Q(role__in=Role.values), name="role_known"),
            models.CheckConstraint(
                condition=Q(role=Role.ADMIN) | Q(institution__isnull=False), name="institution_unless_admin"
            ),
        )

    @property
    def display_name(self) -> str:
        """What others read: the full name, else the user name."""
        return shown_name(self.first_name, self.last_name, self.username)

    def get_session_auth_hash(self) -> str:
        return salted_hmac(
            "core.accounts.User", f"{self.password}:{self.session_epoch}", algorithm="sha256"
        ).hexdigest()


class CalendarKey(models.Model):
    """Opens one person's calendar feed and nothing else; only the key's digest is kept."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="calendar_key")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"calendar key of user {self.user_id}"


class AccountLog(models.Model):
    """One suspension or reinstatement: who, when, why. Nobody in `performed_by` is the system."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="account_logs", db_index=False)
    action = models.CharField(max_length=30)
    performed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    timestamp = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)
    old_values = models.JSONField(default=dict)
    new_values = models.JSONField(default=dict)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("user", "-id"), name="log_of_account"),)

    def __str__(self) -> str:
        return f"{self.action} user {self.user_id}"
