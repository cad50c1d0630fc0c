"""The shapes of answers, for the OpenAPI document; `rendering` makes the JSON itself."""

from typing import Any

from rest_framework import serializers

from appointments.models import (
    AppointmentStatus,
    AppointmentType,
    BookingMethod,
    Origin,
    ReminderStatus,
    ReminderType,
    ReviewDecision,
)


def maybe(field: type[serializers.Field[Any, Any, Any, Any]], **kwargs: Any) -> serializers.Field[Any, Any, Any, Any]:
    """A field that may be null."""
    return field(allow_null=True, **kwargs)


class RejectionSchema(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    therapist = serializers.IntegerField()
    therapist_name = serializers.CharField()
    rejection_reason = serializers.CharField(allow_blank=True)
    rejected_at = serializers.DateTimeField()
    review_decision = maybe(serializers.ChoiceField, choices=ReviewDecision.choices)
    review_notes = serializers.CharField(allow_blank=True)
    reviewed_by = maybe(serializers.IntegerField)
    reviewed_at = maybe(serializers.DateTimeField)


class AppointmentSchema(serializers.Serializer[Any]):
    """An appointment as the caller may see it; what they may not see is null."""

    id = serializers.IntegerField()
    appointment_id = serializers.UUIDField()
    meeting_id = serializers.UUIDField(help_text="Shared by a chain of reschedules.")
    version = serializers.IntegerField()
    status = serializers.ChoiceField(choices=AppointmentStatus.choices)
    status_display = serializers.CharField()
    patient = maybe(serializers.IntegerField)
    patient_name = maybe(serializers.CharField)
    patient_phone = maybe(serializers.CharField, allow_blank=True)
    patient_email = maybe(serializers.CharField, allow_blank=True)
    therapist = maybe(serializers.IntegerField)
    therapist_name = maybe(serializers.CharField)
    doctor = maybe(serializers.IntegerField, help_text="The same as therapist.")
    doctor_name = maybe(serializers.CharField)
    institution = serializers.IntegerField()
    service = maybe(serializers.IntegerField)
    service_name = maybe(serializers.CharField)
    appointment_type = serializers.ChoiceField(choices=AppointmentType.choices)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    appointment_date = serializers.DateField(help_text="In the institution's zone.")
    appointment_time = serializers.CharField(help_text="In the institution's zone.")
    timezone = serializers.CharField()
    duration_minutes = serializers.IntegerField()
    time_slot = maybe(serializers.IntegerField)
    reason_for_visit = maybe(serializers.CharField, allow_blank=True)
    symptoms = maybe(serializers.CharField, allow_blank=True)
    notes = maybe(serializers.CharField, allow_blank=True)
    booking_method = serializers.ChoiceField(choices=BookingMethod.choices)
    booked_by = maybe(serializers.IntegerField)
    video_url = maybe(serializers.CharField, allow_blank=True)
    origin = maybe(serializers.ChoiceField, choices=Origin.choices)
    open = serializers.BooleanField(help_text="A request that any qualified therapist may take.")
    assigned_at = maybe(serializers.DateTimeField)
    response_deadline = maybe(serializers.DateTimeField)
    warn_at = maybe(serializers.DateTimeField)
    claimed_by = maybe(serializers.IntegerField)
    offer_delivered_at = maybe(serializers.DateTimeField)
    offer_read_at = maybe(serializers.DateTimeField)
    rejection_reason = maybe(serializers.CharField, allow_blank=True)
    rejected_by = maybe(serializers.IntegerField)
    rejected_at = maybe(serializers.DateTimeField)
    review_decision = maybe(serializers.ChoiceField, choices=ReviewDecision.choices)
    rejections = RejectionSchema(many=True)
    auto_cancelled_at = maybe(serializers.DateTimeField)
    missed_at = maybe(serializers.DateTimeField)
    cancellation_reason = maybe(serializers.CharField, allow_blank=True)
    cancelled_by = maybe(serializers.IntegerField)
    cancelled_at = maybe(serializers.DateTimeField)
    confirmed_at = maybe(serializers.DateTimeField)
    started_at = maybe(serializers.DateTimeField)
    completed_at = maybe(serializers.DateTimeField)
    consultation_fee = maybe(serializers.CharField)
    is_paid = maybe(serializers.BooleanField)
    paid_at = maybe(serializers.DateTimeField)
    payment_method = maybe(serializers.CharField, allow_blank=True)
    rescheduled_from = maybe(serializers.IntegerField)
    rescheduled_to = maybe(serializers.IntegerField)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    allowed_actions = serializers.ListField(child=serializers.CharField())


class LogSchema(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    appointment = serializers.IntegerField()
    action = serializers.CharField()
    performed_by = maybe(serializers.IntegerField)
    performed_by_name = serializers.CharField()
    timestamp = serializers.DateTimeField()
    notes = serializers.CharField(allow_blank=True)
    old_values = serializers.DictField()
    new_values = serializers.DictField()


class AccountLogSchema(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    therapist = serializers.IntegerField()
    action = serializers.CharField()
    performed_by = maybe(serializers.IntegerField)
    performed_by_name = serializers.CharField()
    timestamp = serializers.DateTimeField()
    reason = serializers.CharField(allow_blank=True)
    old_values = serializers.DictField()
    new_values = serializers.DictField()


class CandidateSchema(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    warning = maybe(serializers.CharField)
    open_offers = serializers.IntegerField()
    appointments_that_day = serializers.IntegerField()
    answer_rate = maybe(serializers.FloatField, help_text="0 to 1; null without history.")


class RescheduledSchema(serializers.Serializer[Any]):
    old_appointment = AppointmentSchema()
    new_appointment = AppointmentSchema()


class AutoCancelledSchema(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField()
    processed = serializers.IntegerField()
    appointments = serializers.ListField(child=serializers.IntegerField())
    disabled_therapists = serializers.ListField(child=serializers.IntegerField())


class ResponseSchema(serializers.Serializer[Any]):
    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    expired = serializers.IntegerField()
    median_seconds = maybe(serializers.FloatField)
    p90_seconds = maybe(serializers.FloatField)


class TherapistShareSchema(serializers.Serializer[Any]):
    therapist = serializers.IntegerField()
    therapist_name = serializers.CharField()
    total = serializers.IntegerField()
    completed = serializers.IntegerField()
    revenue = serializers.CharField()


class ReasonShareSchema(serializers.Serializer[Any]):
    reason = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField()


class StatisticsSchema(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_type = serializers.DictField(child=serializers.IntegerField())
    completed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    auto_cancelled = serializers.IntegerField()
    missed = serializers.IntegerField()
    no_show = serializers.IntegerField()
    revenue = serializers.CharField()
    response = ResponseSchema()
    rejection_reasons = ReasonShareSchema(many=True)
    by_therapist = TherapistShareSchema(many=True)


class TherapistSchema(serializers.Serializer[Any]):
    """Operators read every field, others `id`, `name` and `services`."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    services = serializers.ListField(child=serializers.IntegerField())
    username = serializers.CharField(required=False)
    email = serializers.CharField(required=False, allow_blank=True)
    phone = serializers.CharField(required=False, allow_blank=True)
    institution = serializers.IntegerField(required=False)
    is_active = serializers.BooleanField(required=False)
    taking_appointments = serializers.BooleanField(required=False)
    away_until = maybe(serializers.DateTimeField, required=False)
    suspended_at = maybe(serializers.DateTimeField, required=False)
    suspension_reason = serializers.CharField(required=False, allow_blank=True)
    open_offers = serializers.IntegerField(required=False)
    answer_rate = maybe(serializers.FloatField, required=False)


class RefusedSchema(serializers.Serializer[Any]):
    appointment = serializers.IntegerField()
    code = serializers.CharField()


class EnabledSchema(TherapistSchema):
    restored_appointments = serializers.ListField(child=serializers.IntegerField())
    refused_appointments = RefusedSchema(many=True)


class ReminderSchema(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    appointment = serializers.IntegerField()
    reminder_type = serializers.ChoiceField(choices=ReminderType.choices)
    scheduled_for = serializers.DateTimeField()
    sent_at = maybe(serializers.DateTimeField)
    is_sent = serializers.BooleanField()
    status = serializers.ChoiceField(choices=ReminderStatus.choices)
    error = serializers.CharField(allow_blank=True, help_text="Why the last attempt did not succeed.")


class BreakerSchema(serializers.Serializer[Any]):
    institution = serializers.IntegerField()
    open = serializers.BooleanField()
    opened_at = maybe(serializers.DateTimeField)
    closed_at = maybe(serializers.DateTimeField)
    closed_by = maybe(serializers.IntegerField)
    reason = serializers.CharField(allow_blank=True)
    recent_suspensions = serializers.IntegerField()
    limit = serializers.IntegerField()


class TimeSlotSchema(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    therapist = serializers.IntegerField()
    therapist_name = serializers.CharField()
    date = serializers.DateField(help_text="On the institution's calendar.")
    start_time = serializers.CharField(help_text="On the institution's clock.")
    end_time = serializers.CharField(help_text="Not after start_time: on the next day.")
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    timezone = serializers.CharField()
    is_available = serializers.BooleanField()
    is_booked = serializers.BooleanField(help_text="No place is left.")
    max_appointments = serializers.IntegerField()
    current_appointments = serializers.IntegerField()
    is_recurring = serializers.BooleanField()
    recurring_days = serializers.CharField(allow_blank=True, help_text="0 is Monday.")
    recurring_end_date = maybe(serializers.DateField)
    can_book = serializers.BooleanField()


class BulkSchema(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="Clashing, past, or at a time that the clocks leave out.")
    slots = TimeSlotSchema(many=True)


class AvailableSlotSchema(serializers.Serializer[Any]):
    slot_id = serializers.IntegerField()
    start_time = serializers.CharField()
    end_time = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    duration_minutes = serializers.IntegerField()
    available_count = serializers.IntegerField()


class AvailabilitySchema(serializers.Serializer[Any]):
    doctor_id = serializers.IntegerField()
    date = serializers.DateField()
    available_slots = AvailableSlotSchema(many=True)
    total_slots = serializers.IntegerField()


class TimeOffSchema(serializers.Serializer[Any]):
    id = maybe(serializers.IntegerField, help_text="Null in a preview.")
    therapist = serializers.IntegerField()
    therapist_name = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    reason = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class TimeOffHitSchema(TimeOffSchema):
    dry_run = serializers.BooleanField()
    appointments = AppointmentSchema(many=True)


class PersonSchema(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class MoveSchema(serializers.Serializer[Any]):
    appointment = AppointmentSchema()
    candidate = PersonSchema(allow_null=True, help_text="Who would be asked first at present.")
    refused = maybe(serializers.CharField, help_text="The code of what forbade it.")


class RedistributedSchema(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField()
    therapist = serializers.IntegerField()
    date = serializers.DateField()
    appointments = MoveSchema(many=True)


class WaitingOfferSchema(serializers.Serializer[Any]):
    """A place that is held for somebody on the waiting list."""

    id = serializers.IntegerField()
    time_slot = serializers.IntegerField()
    therapist = serializers.IntegerField()
    therapist_name = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class WaitingListSchema(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    patient = serializers.IntegerField()
    patient_name = serializers.CharField()
    therapist = maybe(serializers.IntegerField, help_text="Null: anybody.")
    therapist_name = maybe(serializers.CharField)
    doctor = maybe(serializers.IntegerField, help_text="The same as therapist.")
    doctor_name = maybe(serializers.CharField)
    institution = serializers.IntegerField()
    preferred_date = serializers.DateField(help_text="In the institution's zone, as the window.")
    preferred_time_start = maybe(serializers.CharField)
    preferred_time_end = maybe(serializers.CharField)
    appointment_type = serializers.ChoiceField(choices=AppointmentType.choices)
    reason = serializers.CharField(allow_blank=True)
    priority = serializers.IntegerField(help_text="1 first, 10 last.")
    is_active = serializers.BooleanField()
    notified = serializers.BooleanField()
    notified_at = maybe(serializers.DateTimeField)
    passed_at = maybe(serializers.DateTimeField, help_text="Left the list by itself: the window was over.")
    position = maybe(serializers.IntegerField, help_text="Among those who want that day; null when off the list.")
    offer_expires_at = maybe(serializers.DateTimeField)
    offer = WaitingOfferSchema(allow_null=True)
    created_at = serializers.DateTimeField()
