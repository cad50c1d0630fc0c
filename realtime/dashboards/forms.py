"""What people fill in. The fields carry the names of the contract; a refusal of the domain lands at its field."""

from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from appointments.api.inputs import LARGEST_ID, LONGEST_REASON, LONGEST_TEXT
from appointments.api.times import from_wall_clock
from appointments.models import AppointmentType
from core.accounts.models import validate_timezone
from core.errors import DomainError
from realtime.dashboards.refusals import meaning

TYPES: Final = (
    (AppointmentType.THERAPY.value, _("Therapy")),
    (AppointmentType.CONSULTATION.value, _("Consultation")),
    (AppointmentType.FOLLOW_UP.value, _("Follow-up")),
    (AppointmentType.CRISIS_INTERVENTION.value, _("Crisis intervention")),
)
# Where the domain names a field otherwise than the form.
FIELDS: Final = {
    "start": "time",
    "appointment_date": "date",
    "appointment_time": "time",
    "therapist": "provider_id",
    "preferred_date": "date",
    "cancellation_reason": "reason",
}


class Refusable(forms.Form):
    """A form that shows what the domain refused, at the field to blame."""

    def refuse(self, refusal: DomainError) -> None:
        """Note a refusal; the answers stay."""
        name = FIELDS.get(refusal.attr or "", refusal.attr)
        self.add_error(name if name in self.fields else None, meaning(refusal))


class DayForm(Refusable):
    """A day on the institution's calendar."""

    date = forms.DateField(error_messages={"required": _("Choose a date"), "invalid": _("Enter a date")})


class WhenForm(DayForm):
    """A day and a time on the institution's clock."""

    time = forms.TimeField(error_messages={"required": _("Choose a time"), "invalid": _("Enter a time")})

    def start(self, zone: ZoneInfo) -> datetime:
        """The instant asked for. Raises InvalidInput."""
        day: date = self.cleaned_data["date"]
        at: time = self.cleaned_data["time"]
        return from_wall_clock(day, at, zone, attr="time")


class WaitingForm(DayForm):
    """What is asked for without a time: a place on the waiting list."""

    appointment_type = forms.ChoiceField(choices=TYPES, required=False)
    provider_id = forms.IntegerField(min_value=1, max_value=LARGEST_ID, required=False)
    notes = forms.CharField(max_length=LONGEST_TEXT, required=False, strip=True)

    def clean_appointment_type(self) -> Any:
        return self.cleaned_data["appointment_type"] or AppointmentType.THERAPY.value


class BookingForm(WhenForm, WaitingForm):
    replaces = forms.IntegerField(min_value=1, max_value=LARGEST_ID, required=False)


class RescheduleForm(WhenForm):
    reason = forms.CharField(max_length=LONGEST_REASON, required=False)


class TimeZoneForm(forms.Form):
    """A zone of one's own; empty where the institution's clock is enough."""

    timezone = forms.CharField(
        required=False, validators=[validate_timezone], error_messages={"invalid": _("Choose one of the list")}
    )

    @property
    def zones(self) -> list[str]:
        """Those to choose from, by their names: of places, and the one that was chosen elsewhere."""
        places = {zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")}
        return sorted((places | {"UTC", self.initial["timezone"]}) - {""})


class CancelForm(Refusable):
    reason = forms.CharField(max_length=LONGEST_REASON, error_messages={"required": _("Enter a reason")})
