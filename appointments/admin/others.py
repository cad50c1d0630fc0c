"""The waiting list, services and the breaker in Django admin."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateFilter

from appointments.admin.outcomes import MOST_ROWS, ask_reason, each, reason_of, show
from appointments.admin.scope import ScopedAdmin, is_admin, staff
from appointments.models import Service, SuspensionBreaker, WaitingList
from appointments.services import suspension


@admin.register(WaitingList)
class WaitingListAdmin(ScopedAdmin):
    """To look at: joining, leaving and answering move places, which the API does."""

    list_display = ("preferred_date", "patient", "therapist", "priority", "is_active", "notified_at", "created_at")
    list_select_related = ("patient", "therapist")
    list_filter = (("preferred_date", RangeDateFilter), "is_active", "priority")
    list_filter_submit = True
    search_fields = ("patient__first_name", "patient__last_name", "patient__username")
    ordering = ("priority", "created_at", "id")


@admin.register(Service)
class ServiceAdmin(ScopedAdmin):
    """What an institution offers; admins edit it."""

    list_display = ("name", "institution", "duration_minutes", "fee", "is_active")
    list_select_related = ("institution",)
    list_filter = ("is_active",)
    search_fields = ("name",)
    autocomplete_fields = ("therapists",)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.admin_site.has_permission(request)) and is_admin(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)


@admin.register(SuspensionBreaker)
class BreakerAdmin(ScopedAdmin):
    """Waves of suspensions that were halted."""

    list_display = ("opened_at", "institution", "closed_at", "closed_by", "reason")
    list_select_related = ("institution", "closed_by")
    actions = ("close",)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [field.name for field in SuspensionBreaker._meta.concrete_fields]

    @admin.action(description="Close, with a reason …")
    def close(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse:
        form = reason_of(request)
        if not form.is_valid():
            return ask_reason(self, request, "Let suspensions happen again", rows[:MOST_ROWS], form)
        reason = form.cleaned_data["reason"]

        def act(row: SuspensionBreaker) -> object:
            return suspension.close_breaker(row.institution_id, reason, staff(request), timezone.now())

        return show(self, request, "Close the breaker", each(rows, act, "closed"))
