"""The pages behind the links in e-mails and texts: they ask once more, and only their form answers the offer."""

from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from appointments.answer_links import Answerable, opened_by
from appointments.api.inputs import LONGEST_REASON
from appointments.errors import Conflict, InvalidInput, NotFound, StaleVersion
from appointments.letters import on_the_clock_of
from appointments.models import Appointment, AssignmentStatus, Origin
from appointments.services import assignment as answers
from core.web.arrival import arrived_at

LARGEST_VERSION: Final = 2**31 - 1


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def one_tap(request: HttpRequest, token: str, answer: str) -> HttpResponse:
    """Show the offer and ask for the answer; POST gives it."""
    try:
        offer = opened_by(token)
    except NotFound:
        return _page(request, "over", {"text": _("This link is not valid.")}, HTTPStatus.NOT_FOUND)
    with translation.override(offer.assignment.therapist.language):
        if not _is_open(offer, arrived_at(request)):
            return _over(request)
        if request.method == "POST":
            return _answered(request, offer, answer)
        return _question(request, offer, answer)


def _is_open(offer: Answerable, now: datetime) -> bool:
    deadline = offer.assignment.appointment.response_deadline
    waits = offer.assignment.status == AssignmentStatus.OFFERED and deadline is not None and now < deadline
    return waits and offer.assignment.therapist.is_active


def _answered(request: HttpRequest, offer: Answerable, answer: str) -> HttpResponse:
    therapist, appointment = offer.assignment.therapist, offer.assignment.appointment
    now, reason = arrived_at(request), request.POST.get("reason", "").strip()
    try:
        version = _version(request, offer)
        if answer == "accept":
            answers.accept(appointment.pk, therapist, now, version)
            return _page(request, "over", {"text": _("You have accepted the appointment."), "done": True})
        if len(reason) > LONGEST_REASON:
            return _asked_again(request, offer, _("This reason is too long."), reason)
        answers.reject(appointment.pk, reason, therapist, now, version)
    except InvalidInput:
        return _asked_again(request, offer, _("Please say why you cannot take this appointment."), reason)
    except StaleVersion:
        offer.assignment.appointment.refresh_from_db()
        return _question(request, offer, answer, HTTPStatus.CONFLICT)
    except (Conflict, NotFound):
        return _over(request)
    return _page(request, "over", {"text": _("You have rejected the appointment."), "done": True})


def _asked_again(request: HttpRequest, offer: Answerable, error: str, reason: str) -> HttpResponse:
    return _question(request, offer, "reject", HTTPStatus.BAD_REQUEST, error=error, reason=reason[:LONGEST_REASON])


def _version(request: HttpRequest, offer: Answerable) -> int:
    """The version that the page showed; without the page, the one of the message."""
    shown = request.POST.get("version", "")
    return min(int(shown), LARGEST_VERSION) if shown.isdecimal() else offer.version


def _question(
    request: HttpRequest, offer: Answerable, answer: str, status: HTTPStatus = HTTPStatus.OK, **more: Any
) -> HttpResponse:
    appointment, therapist = offer.assignment.appointment, offer.assignment.therapist
    assert appointment.response_deadline is not None
    context = {
        "answer": answer,
        "appointment": appointment,
        "kind": _kind(appointment),
        "when": on_the_clock_of(therapist, appointment.start),
        "deadline": on_the_clock_of(therapist, appointment.response_deadline),
        "changed": appointment.version != offer.version,
        "reason_needed": appointment.origin != Origin.PATIENT,
        "longest": LONGEST_REASON,
    }
    return _page(request, "question", context | more, status)


def _kind(appointment: Appointment) -> str:
    return appointment.service.name if appointment.service else str(appointment.get_appointment_type_display())


def _over(request: HttpRequest) -> HttpResponse:
    return _page(request, "over", {"text": _("This offer is no longer open.")}, HTTPStatus.GONE)


def _page(request: HttpRequest, name: str, context: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    language = {"language": translation.get_language(), "rtl": translation.get_language_bidi()}
    response = render(request, f"dashboards/one_tap/{name}.html", context | language, status=status)
    # The page itself says same-origin, without which its form would come from nowhere and be refused.
    response["Referrer-Policy"] = "no-referrer"
    return response
