"""A therapist's answer by a form: for pages without scripts, and for clients that ask for JSON."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from rest_framework.request import Request

from appointments import machine
from appointments.api.access import showing_current, visible
from appointments.api.inputs import LONGEST_REASON
from appointments.api.rendering import render_appointments
from appointments.errors import InvalidInput
from appointments.services import assignment
from core.accounts.models import Role, User
from core.errors import DomainError
from core.web.arrival import arrived_at
from core.web.errors import STATUS_OF, error_body, json_error
from realtime.dashboards.pages import for_roles, language_of
from realtime.dashboards.refusals import meaning

Answer = Callable[[int, User, datetime], Any]
LARGEST_ID: Final = 2**63 - 1


def wants_json(request: HttpRequest) -> bool:
    """Whether the client prefers JSON to a page."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept the offer, or take the open request."""

    def run(appointment_id: int, actor: User, now: datetime) -> None:
        assignment.accept(appointment_id, actor=actor, now=now)

    return _answered(request, pk, "accept", run)


@require_POST
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    """Reject it, with the form's `reason`."""
    reason = request.POST.get("reason", "").strip()

    def run(appointment_id: int, actor: User, now: datetime) -> None:
        if len(reason) > LONGEST_REASON:
            raise InvalidInput(f"At most {LONGEST_REASON} characters.", code="max_length", attr="reason")
        assignment.reject(appointment_id, reason=reason, actor=actor, now=now)

    return _answered(request, pk, "reject", run)


def _answered(request: HttpRequest, pk: int, action: str, run: Answer) -> HttpResponse:
    if wants_json(request):
        return _as_json(request, pk, action, run)
    return _as_page(request, pk, action, run)


def _act(request: HttpRequest, pk: int, action: str, run: Answer) -> None:
    """Raises DomainError in the contract's order: not visible, role, input, state."""
    actor, now = cast(User, request.user), arrived_at(request)
    appointment = visible(cast(Request, request), str(min(pk, LARGEST_ID)), acting=True)
    machine.check_role(action, actor)
    with showing_current(appointment.pk, actor, now):
        run(appointment.pk, actor, now)


def _as_json(request: HttpRequest, pk: int, action: str, run: Answer) -> HttpResponse:
    if not isinstance(request.user, User):
        return json_error(HTTPStatus.UNAUTHORIZED, "not_authenticated", "Sign in first.")
    try:
        _act(request, pk, action, run)
    except DomainError as refusal:
        status = STATUS_OF.get(refusal.code, HTTPStatus.BAD_REQUEST)
        body = error_body(status, refusal.code, refusal.detail, refusal.attr) | refusal.extra
        return JsonResponse(body, status=status)
    return JsonResponse(render_appointments([pk], request.user, arrived_at(request)).get(pk), safe=False)


@for_roles(*Role)
def _as_page(request: HttpRequest, pk: int, action: str, run: Answer) -> HttpResponse:
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    with translation.override(language_of(request)):
        try:
            _act(request, pk, action, run)
            messages.success(request, _("Accepted.") if action == "accept" else _("Rejected."))
        except DomainError as refusal:
            if refusal.code == "not_found":
                raise Http404 from refusal
            messages.error(request, meaning(refusal))
    return HttpResponseRedirect(back if safe else "/therapist/")
