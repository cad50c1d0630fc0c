from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as _groups  # noqa: F401 - registers what is taken away below
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django_otp.plugins.otp_totp import admin as _factors  # noqa: F401 - as above
from django_otp.plugins.otp_totp.models import TOTPDevice
from knox import admin as _tokens  # noqa: F401 - as above
from knox.models import AuthToken
from unfold.admin import ModelAdmin

from core.accounts.models import AccountLog, Institution

# Roles, not groups, say who may do what; tokens and second factors are no lists to look through.
for _model in (Group, AuthToken, TOTPDevice):
    admin.site.unregister(_model)


@admin.register(Institution)
class InstitutionAdmin(ModelAdmin):
    list_display = ("name", "timezone")
    search_fields = ("name",)


@admin.register(AccountLog)
class AccountLogAdmin(ModelAdmin):
    """To read only."""

    list_display = ("timestamp", "user", "action", "performed_by", "reason")
    list_filter = ("action",)
    list_select_related = ("user", "performed_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
