"""Slots in Django admin: to look at, and to publish many at once."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminSingleTimeWidget,
)

from appointments.admin.scope import ScopedAdmin, is_admin, staff
from appointments.models import TimeSlot
from appointments.policy import LONGEST_MINUTES
from appointments.services import slots
from appointments.services.slots import EVERY_DAY, MOST_PLACES, Hours, Published, Shifts
from core.accounts.models import Role, User
from core.errors import DomainError

WEEKDAYS = tuple(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))


def _number(initial: int, least: int, most: int, **more: Any) -> forms.IntegerField:
    widget = UnfoldAdminIntegerFieldWidget()
    return forms.IntegerField(initial=initial, min_value=least, max_value=most, widget=widget, **more)


class PublishForm(forms.Form):
    """A therapist's hours on some days, to be cut into slots; on the clock of their institution."""

    therapist = forms.ModelChoiceField(User.objects.none(), widget=UnfoldAdminSelectWidget())
    start_date = forms.DateField(label="First day", widget=UnfoldAdminSingleDateWidget())
    end_date = forms.DateField(label="Last day", widget=UnfoldAdminSingleDateWidget())
    start_time = forms.TimeField(label="From", widget=UnfoldAdminSingleTimeWidget())
    end_time = forms.TimeField(
        label="Until", widget=UnfoldAdminSingleTimeWidget(), help_text="Not after the start: on the next day."
    )
    slot_duration_minutes = _number(30, 5, LONGEST_MINUTES, label="Minutes of a slot")
    break_duration_minutes = _number(0, 0, LONGEST_MINUTES, label="Minutes between two slots")
    weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS,
        coerce=int,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="None chosen: every day.",
    )
    max_appointments_per_slot = _number(1, 1, MOST_PLACES, label="Places in each slot")

    def __init__(self, reader: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        therapists = User.objects.filter(role=Role.THERAPIST).select_related("institution").order_by("username")
        if reader.role != Role.ADMIN:
            therapists = therapists.filter(institution_id=reader.institution_id)
        choice: Any = self.fields["therapist"]
        choice.queryset = therapists
        choice.label_from_instance = lambda user: f"{user.display_name}, {user.institution}"

    def publish(self, actor: User) -> Published | None:
        """Publish what was asked for; None where it was refused, with the refusal at its field."""
        asked = self.cleaned_data
        try:
            return slots.publish_many(
                asked["therapist"].pk,
                Shifts(first=asked["start_date"], last=asked["end_date"], weekdays=asked["weekdays"] or EVERY_DAY),
                Hours(
                    start_time=asked["start_time"],
                    end_time=asked["end_time"],
                    places=asked["max_appointments_per_slot"],
                ),
                actor,
                timezone.now(),
                minutes=asked["slot_duration_minutes"],
                pause=asked["break_duration_minutes"],
            )
        except DomainError as refusal:
            self.add_error(refusal.attr if refusal.attr in self.fields else None, refusal.detail)
            return None


@admin.register(TimeSlot)
class SlotAdmin(ScopedAdmin):
    """One slot is changed and withdrawn by the API, which keeps its series and its bookings together."""

    institution_path = "therapist__institution_id"
    list_display = ("date", "start_time", "end_time", "therapist", "taken", "is_available", "is_booked")
    list_select_related = ("therapist",)
    list_filter = (
        ("date", RangeDateFilter),
        "is_available",
        "is_booked",
        ("therapist__institution", admin.RelatedOnlyFieldListFilter),
    )
    list_filter_submit = True
    search_fields = ("therapist__first_name", "therapist__last_name", "therapist__username")
    ordering = ("-date", "start_time", "id")
    actions_list = ("publish",)

    def get_list_filter(self, request: HttpRequest) -> Any:
        return self.list_filter if is_admin(request) else self.list_filter[:-1]

    @admin.display(description="Taken")
    def taken(self, slot: TimeSlot) -> str:
        return f"{slot.current_appointments} of {slot.max_appointments}"

    @action(description="Publish many …", url_path="publish")
    def publish(self, request: HttpRequest) -> HttpResponse:
        """Ask for days and hours, and cut them into slots; what clashes is left out."""
        form = PublishForm(staff(request), request.POST or None)
        done = form.publish(staff(request)) if form.is_valid() else None
        if done is None:
            context = {**self.admin_site.each_context(request), "title": "Publish slots", "form": form}
            return TemplateResponse(request, "admin/publish.html", {**context, "media": self.media + form.media})
        said = f"{len(done.slots)} slots published, {done.skipped} left out (a clash, or passed)."
        messages.success(request, said)
        return HttpResponseRedirect(reverse("admin:appointments_timeslot_changelist"))
