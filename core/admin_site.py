"""Who may enter Django admin, and with ADMIN_OTP by which second factor."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django_otp import devices_for_user
from django_otp.forms import OTPAuthenticationFormMixin
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite
from unfold.widgets import UnfoldAdminTextInputWidget

from core.accounts.login import sign_out
from core.accounts.models import Role, User
from core.web.arrival import arrived_at


class SecondFactorForm(OTPAuthenticationFormMixin, AuthenticationForm):
    """Name, password and the code of one of the person's devices, in one step."""

    otp_token = forms.CharField(
        label="Code of your authenticator",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    otp_error_messages: ClassVar[dict[str, Any]] = {
        **OTPAuthenticationFormMixin.otp_error_messages,
        "token_required": "Enter the code of your authenticator.",
        "device_required": "You have no second factor; manage.py enrol_second_factor gives you one.",
    }

    def _chosen_device(self, user: Any) -> Any:
        """The one device that everybody has."""
        return next(iter(devices_for_user(user)), None)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        self.clean_otp(self.get_user())
        return cleaned


class Site(UnfoldAdminSite):
    """Operators and admins who are staff; the others have no business here, whatever flag they carry."""

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        if not super().has_permission(request) or not isinstance(user, User):
            return False
        if user.role not in {Role.OPERATOR, Role.ADMIN}:
            return False
        return not settings.ADMIN_OTP or bool(getattr(user, "is_verified", bool)())

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.login_form = SecondFactorForm if settings.ADMIN_OTP else AuthenticationForm
        self.login_template = "admin/second_factor.html" if settings.ADMIN_OTP else None
        return super().login(request, extra_context)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Ends the sockets of this session too, as leaving by any other door does."""
        if request.method == "POST":
            sign_out(request, arrived_at(request))
        return super().logout(request, extra_context)
