"""Bodies of requests. Serializers check form only; what a value means is up to the services."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from rest_framework import serializers

from appointments.api.times import from_wall_clock, require_sane_year
from appointments.errors import InvalidInput
from appointments.models import AppointmentType, BookingMethod, ReminderType, ReviewDecision
from appointments.policy import LONGEST_MINUTES
from core.web.fields import InstantField

LONGEST_TEXT: Final = 5_000
LONGEST_REASON: Final = 2_000
LARGEST_ID: Final = 2**63 - 1
LONGEST_DURATION: Final = LONGEST_MINUTES


class IdField(serializers.IntegerField):
    """A primary key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST_ID, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class VersionedInput(serializers.Serializer[Any]):
    """Every action takes the version that the caller has seen."""

    version = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**31 - 1)


def text(*, limit: int = LONGEST_TEXT, **kwargs: Any) -> serializers.CharField:
    """A text for people that may be left out or empty."""
    return serializers.CharField(required=False, allow_blank=True, max_length=limit, **kwargs)


class WhenInput(serializers.Serializer[Any]):
    """A time in one of two forms: `start`, or a date and a time on the institution's clock."""

    date_name = "appointment_date"
    time_name = "appointment_time"

    def when(self, zone: ZoneInfo) -> tuple[datetime, str]:
        """The instant asked for, and the field to blame when it cannot be had. Raises InvalidInput."""
        data = self.validated_data
        start, day, at = data.get("start"), data.get(self.date_name), data.get(self.time_name)
        if start is not None:
            if day is not None or at is not None:
                raise InvalidInput(f"Send either start or {self.date_name} and {self.time_name}.", attr="start")
            return start, "start"
        for name, value in ((self.date_name, day), (self.time_name, at)):
            if value is None:
                raise InvalidInput("This field is required.", code="required", attr=name)
        assert day is not None and at is not None
        require_sane_year(day, self.date_name)
        return from_wall_clock(day, at, zone, attr=self.time_name), self.date_name


class CreateInput(WhenInput):
    patient = IdField(required=False, allow_null=True)
    therapist = IdField(required=False, allow_null=True)
    service = IdField(required=False, allow_null=True)
    time_slot = IdField(required=False, allow_null=True)
    start = InstantField(required=False, allow_null=True)
    appointment_date = serializers.DateField(required=False, allow_null=True)
    appointment_time = serializers.TimeField(required=False, allow_null=True)
    duration_minutes = serializers.IntegerField(default=30, min_value=1, max_value=LONGEST_DURATION)
    appointment_type = serializers.ChoiceField(choices=AppointmentType.choices, default=AppointmentType.THERAPY)
    reason_for_visit = text()
    symptoms = text()
    notes = text()
    booking_method = serializers.ChoiceField(choices=BookingMethod.choices, required=False)


class AssignInput(VersionedInput):
    therapist = IdField()


class ReassignInput(VersionedInput):
    therapist = IdField(required=False, allow_null=True)


class UnassignInput(VersionedInput):
    reason = text(limit=LONGEST_REASON, default="")


class ExtendInput(VersionedInput):
    minutes = serializers.FloatField(default=10, min_value=1, max_value=120)


class RejectInput(VersionedInput):
    rejection_reason = text(limit=LONGEST_REASON, default="")


class ReviewInput(VersionedInput):
    review_decision = serializers.ChoiceField(choices=ReviewDecision.choices)
    review_notes = text(limit=LONGEST_REASON, default="")


class CompleteInput(VersionedInput):
    notes = text()


class CancelInput(VersionedInput):
    cancellation_reason = serializers.CharField(max_length=LONGEST_REASON)


class RescheduleInput(VersionedInput, WhenInput):
    date_name = "new_date"
    time_name = "new_time"

    start = InstantField(required=False, allow_null=True)
    new_date = serializers.DateField(required=False, allow_null=True)
    new_time = serializers.TimeField(required=False, allow_null=True)
    reason = text(limit=LONGEST_REASON, default="")


class MarkPaidInput(VersionedInput):
    payment_method = text(limit=50, default="")
    amount = serializers.DecimalField(max_digits=10, decimal_places=2, min_value=0, required=False)


class HandoverInput(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=LONGEST_TEXT)


class ReminderInput(serializers.Serializer[Any]):
    appointment = IdField()
    reminder_type = serializers.ChoiceField(choices=ReminderType.choices)
    scheduled_for = InstantField()


class AutoCancelInput(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField(default=False)


class DisableInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)


class RedistributeInput(serializers.Serializer[Any]):
    date = serializers.DateField()
    dry_run = serializers.BooleanField(default=False)


class EnableInput(serializers.Serializer[Any]):
    restore_appointments = serializers.ListField(child=IdField(), default=list, max_length=200)


class BreakerCloseInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=LONGEST_REASON)
    institution = IdField(required=False, help_text="Admins only; operators close their own institution's.")


class UpdateInput(VersionedInput):
    """What may be edited; every field is optional."""

    reason_for_visit = text()
    symptoms = text()
    notes = text()
    service = IdField(required=False, allow_null=True)
    appointment_type = serializers.ChoiceField(choices=AppointmentType.choices, required=False)
    consultation_fee = serializers.DecimalField(max_digits=10, decimal_places=2, min_value=0, required=False)
    video_url = serializers.URLField(max_length=500, required=False, allow_blank=True)
    duration_minutes = serializers.IntegerField(min_value=1, max_value=LONGEST_DURATION, required=False)
