"""Appointments in Django admin: what moves them is the table of transitions; nobody sets a status by hand."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeDateFilter, RelatedDropdownFilter
from unfold.decorators import display

from appointments.admin.outcomes import MOST_ROWS, Outcome, ask_reason, each, reason_of, show
from appointments.admin.scope import ScopedAdmin, is_admin, staff
from appointments.admin.statistics import figures
from appointments.models import (
    Appointment,
    AppointmentLog,
    AppointmentRejection,
    AppointmentReminder,
    AppointmentStatus,
    Service,
)
from appointments.policy import current_policy
from appointments.services import assignment, attendance
from appointments.services.due import overdue
from core.accounts.models import Role
from core.errors import DomainError

EDITABLE = (
    *("reason_for_visit", "symptoms", "notes", "service", "appointment_type"),
    *("consultation_fee", "video_url", "duration_minutes"),
)
COLOURS = {
    AppointmentStatus.PENDING: "warning",
    AppointmentStatus.CONFIRMED: "success",
    AppointmentStatus.ASSIGNED: "success",
    AppointmentStatus.COMPLETED: "success",
    AppointmentStatus.IN_PROGRESS: "info",
    AppointmentStatus.REJECTED: "danger",
    AppointmentStatus.MISSED: "danger",
    AppointmentStatus.NO_SHOW: "danger",
    AppointmentStatus.AUTO_CANCELLED: "danger",
}


class ReadOnlyInline(TabularInline):
    """Rows to look at."""

    extra = 0
    can_delete = False
    tab = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True


class LogInline(ReadOnlyInline):
    model = AppointmentLog
    fields = ("timestamp", "action", "performed_by", "notes", "old_values", "new_values")
    readonly_fields = fields
    verbose_name_plural = "Timeline"


class RejectionInline(ReadOnlyInline):
    model = AppointmentRejection
    fields = ("rejected_at", "therapist", "rejection_reason", "review_decision", "reviewed_by", "review_notes")
    readonly_fields = fields


class ReminderInline(ReadOnlyInline):
    model = AppointmentReminder
    fields = ("scheduled_for", "reminder_type", "status", "sent_at", "attempts", "error")
    readonly_fields = fields


class OverdueFilter(admin.SimpleListFilter):
    """Offers past their deadline."""

    title = "overdue"
    parameter_name = "overdue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Past the deadline")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        if self.value() != "yes":
            return queryset
        return queryset.filter(pk__in=overdue(timezone.now(), current_policy()).values("pk"))


class TherapistFilter(RelatedDropdownFilter):
    """Only therapists, and of an operator's own institution."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        own: dict[str, Any] = {"role": Role.THERAPIST}
        if not is_admin(request):
            own["institution"] = staff(request).institution_id
        return field.get_choices(include_blank=False, limit_choices_to=own, ordering=("username",))


class AppointmentForm(forms.ModelForm):
    """What an operator may edit; `seen_version` is the version that the page was made from."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_version"].initial = self.instance.version
        if "service" in self.fields:
            services: Any = self.fields["service"]
            services.queryset = Service.objects.filter(institution_id=self.instance.institution_id)
            services.required = False


@admin.register(Appointment)
class AppointmentAdmin(ScopedAdmin):
    form = AppointmentForm
    list_display = ("id", "shown_status", "local_start", "patient", "therapist", "response_deadline", "is_paid")
    list_display_links = ("id", "local_start")
    list_select_related = ("patient", "therapist", "institution")
    list_filter_submit = True
    list_filter = (
        "status",
        OverdueFilter,
        ("start", RangeDateFilter),
        ("therapist", TherapistFilter),
        "appointment_type",
        "is_paid",
        "booking_method",
        "origin",
        ("institution", admin.RelatedOnlyFieldListFilter),
    )
    search_fields = (
        *("=id", "patient__first_name", "patient__last_name", "patient__username"),
        *("therapist__first_name", "therapist__last_name", "therapist__username"),
    )
    search_help_text = "Number, or name of the patient or therapist"
    ordering = ("-start", "-id")
    list_per_page = 50
    inlines = (LogInline, RejectionInline, ReminderInline)
    actions = ("confirm", "complete", "cancel", "mark_paid")

    def get_fields(self, request: HttpRequest, obj: Appointment | None = None) -> list[str]:
        hidden = {"id", "hidden_at", "search_id", "search_requested_at", "version"}
        rest = [field.name for field in Appointment._meta.concrete_fields if field.name not in {*EDITABLE, *hidden}]
        rest.remove("response_deadline")
        return ["response_deadline", *EDITABLE, *rest, "seen_version"]

    def get_readonly_fields(self, request: HttpRequest, obj: Appointment | None = None) -> list[str]:
        waits = obj is not None and obj.response_deadline is not None
        editable = {*EDITABLE, "seen_version", *(["response_deadline"] if waits else [])}
        return [name for name in self.get_fields(request, obj) if name not in editable]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    @display(description="Status", ordering="status", label=COLOURS)
    def shown_status(self, appointment: Appointment) -> tuple[str, str]:
        return appointment.status, appointment.get_status_display()

    @display(description="Start", ordering="start")
    def local_start(self, appointment: Appointment) -> str:
        zone = appointment.institution.timezone
        return f"{appointment.start.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"

    def save_model(self, request: HttpRequest, obj: Appointment, form: forms.ModelForm, change: bool) -> None:
        """Hand what was changed to the services, with the version that the page had."""
        now, version = timezone.now(), form.cleaned_data.get("seen_version")
        changed = {name: form.cleaned_data[name] for name in form.changed_data if name in EDITABLE}
        if "service" in changed:
            service = changed.pop("service")
            changed["service_id"] = service.pk if service else None
        if changed:
            version = attendance.update(obj.pk, changed, staff(request), now, version).version
        if "response_deadline" in form.changed_data:
            deadline: datetime | None = form.cleaned_data["response_deadline"]
            assignment.set_deadline(obj.pk, deadline, staff(request), now, version)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A refusal by the services is shown on the page, and nothing of the edit is kept."""
        try:
            return super().change_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            messages.error(request, refusal.detail)
            return HttpResponseRedirect(request.path)

    @admin.action(description="Confirm on the therapist's behalf")
    def confirm(self, request: HttpRequest, rows: "QuerySet[Appointment]") -> HttpResponse | None:
        return self._each(request, rows, "Confirm", lambda pk, now: assignment.accept(pk, staff(request), now))

    @admin.action(description="Complete")
    def complete(self, request: HttpRequest, rows: "QuerySet[Appointment]") -> HttpResponse | None:
        return self._each(request, rows, "Complete", lambda pk, now: attendance.complete(pk, staff(request), now))

    @admin.action(description="Mark as paid")
    def mark_paid(self, request: HttpRequest, rows: "QuerySet[Appointment]") -> HttpResponse | None:
        return self._each(request, rows, "Mark as paid", lambda pk, now: attendance.mark_paid(pk, staff(request), now))

    @admin.action(description="Cancel, with a reason …")
    def cancel(self, request: HttpRequest, rows: "QuerySet[Appointment]") -> HttpResponse | None:
        form = reason_of(request)
        if not form.is_valid():
            return ask_reason(self, request, "Cancel these appointments", rows[:MOST_ROWS], form)
        reason = form.cleaned_data["reason"]
        return self._each(request, rows, "Cancel", lambda pk, now: attendance.cancel(pk, reason, staff(request), now))

    def _each(
        self,
        request: HttpRequest,
        rows: "QuerySet[Appointment]",
        title: str,
        act: Callable[[int, datetime], Appointment],
    ) -> HttpResponse | None:
        if rows.count() > MOST_ROWS:
            messages.error(request, f"At most {MOST_ROWS} at a time; nothing was changed.")
            return None
        outcomes: list[Outcome] = each(rows, lambda row: act(row.pk, timezone.now()), "done")
        return show(self, request, title, outcomes)

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "statistics/",
            self.admin_site.admin_view(self.statistics_view),
            name="appointments_appointment_statistics",
        )
        return [page, *super().get_urls()]

    def statistics_view(self, request: HttpRequest) -> HttpResponse:
        """Figures over what the person sees."""
        return TemplateResponse(request, "admin/statistics.html", figures(self, request))

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Only who sees several institutions chooses among them."""
        return self.list_filter if is_admin(request) else self.list_filter[:-1]
