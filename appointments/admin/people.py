"""Accounts in Django admin: admins edit them; suspending and reinstating goes through the services."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from appointments.admin.outcomes import MOST_ROWS, ask_reason, each, reason_of, show
from appointments.admin.scope import ScopedAdmin, is_admin, staff
from appointments.errors import InvalidTransition, PermissionDenied
from appointments.services import suspension
from core.accounts import services as accounts
from core.accounts.models import Role, User

SHOWN_TO_OPERATORS = (
    *("username", "role", "first_name", "last_name", "email", "phone", "timezone", "language"),
    *("taking_appointments", "away_until", "is_active", "suspended_at", "suspension_reason"),
)


@admin.register(User)
class AccountAdmin(ScopedAdmin, UserAdmin):
    """Operators look, and suspend or reinstate their therapists; `is_active` is never set by hand."""

    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ("username", "display_name", "role", "institution", "is_active", "suspended_at")
    list_filter = ("role", "is_active", "institution")
    list_select_related = ("institution",)
    readonly_fields = ("is_active", "suspended_at", "suspension_reason", "last_login", "date_joined")
    actions = ("suspend", "reinstate")
    fieldsets = (
        (None, {"fields": ("username", "password", "role", "institution")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "phone", "timezone", "language")}),
        ("Availability", {"fields": ("taking_appointments", "away_until")}),
        ("Access", {"fields": ("is_active", "suspended_at", "suspension_reason", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "role", "institution", "usable_password", "password1", "password2"),
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if is_admin(request):
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": SHOWN_TO_OPERATORS}),)

    def get_list_filter(self, request: HttpRequest) -> Any:
        return self.list_filter if is_admin(request) else self.list_filter[:-1]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.admin_site.has_permission(request)) and is_admin(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    @admin.action(description="Suspend, with a reason …")
    def suspend(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse:
        form = reason_of(request)
        if not form.is_valid():
            return ask_reason(self, request, "Suspend these accounts", rows[:MOST_ROWS], form)
        reason = form.cleaned_data["reason"]

        def act(user: User) -> object:
            if user.role == Role.THERAPIST:
                return suspension.disable(user.pk, reason, staff(request), timezone.now())
            self._refuse_unless_admin(request, user)
            if not accounts.end_access(user.pk, reason, staff(request), timezone.now()):
                raise InvalidTransition("The account is already suspended.")
            return None

        return show(self, request, "Suspend", each(rows, act, "suspended"))

    @admin.action(description="Reinstate")
    def reinstate(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse:
        def act(user: User) -> object:
            if user.role == Role.THERAPIST:
                return suspension.enable(user.pk, staff(request), timezone.now())
            self._refuse_unless_admin(request, user)
            if not accounts.reinstate(user.pk, actor=staff(request), now=timezone.now()):
                raise InvalidTransition("The account is not suspended.")
            return None

        return show(self, request, "Reinstate", each(rows, act, "reinstated"))

    def _refuse_unless_admin(self, request: HttpRequest, user: User) -> None:
        if not is_admin(request):
            raise PermissionDenied("Operators suspend and reinstate therapists only.")
        if user.pk == staff(request).pk:
            raise PermissionDenied("Nobody suspends themselves.")
