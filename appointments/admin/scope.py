"""What staff see and may do: operators their own institution, admins everything; nobody adds or deletes by default."""

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from core.accounts.models import Role, User


def staff(request: HttpRequest) -> User:
    """The signed-in operator or admin; the site lets nobody else in."""
    assert isinstance(request.user, User)
    return request.user


def is_admin(request: HttpRequest) -> bool:
    """Whether the person stands above the institutions."""
    return staff(request).role == Role.ADMIN


class ScopedAdmin(ModelAdmin):
    """A page that shows operators the rows of their institution, found over `institution_path`."""

    institution_path = "institution_id"
    list_fullwidth = True
    warn_unsaved_form = True
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        rows: QuerySet[Any] = super().get_queryset(request)
        if is_admin(request):
            return rows
        return rows.filter(**{self.institution_path: staff(request).institution_id})

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
