"""The patient's side of the waiting list, by forms: join, leave, take a held place or leave it to the next."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from appointments.models import AppointmentType
from appointments.selectors.waiting_list import waiting_for
from appointments.services import waiting_list
from appointments.services.waiting_list import Wish
from core.accounts.models import Role, User
from core.errors import DomainError
from core.web.arrival import arrived_at
from realtime.dashboards.forms import WaitingForm
from realtime.dashboards.pages import for_roles, language_of
from realtime.dashboards.refusals import meaning
from realtime.dashboards.views.answers import LARGEST_ID
from realtime.dashboards.views.patient import booking_page

LIST: Final = "/patient/?tab=waiting"
Answer = Callable[[int, User, datetime, int | None], Any]


@require_POST
@for_roles(Role.PATIENT)
def join(request: HttpRequest) -> HttpResponse:
    """Wait for a place on the day that was chosen for booking."""
    me = cast(User, request.user)
    with translation.override(language_of(request)):
        form = WaitingForm(request.POST)
        if form.is_valid():
            asked = form.cleaned_data
            wish = Wish(
                patient=me,
                preferred_date=asked["date"],
                therapist_id=asked["provider_id"],
                appointment_type=AppointmentType(asked["appointment_type"]),
                reason=asked["notes"],
            )
            try:
                waiting_list.join(wish, me, arrived_at(request))
                messages.success(
                    request, _("You are on the waiting list. A place is offered to you when it is your turn.")
                )
                return HttpResponseRedirect(LIST)
            except DomainError as refusal:
                form.refuse(refusal)
        return booking_page(request, request.POST, form)


def _leave(pk: int, actor: User, now: datetime, offer_id: int | None) -> None:
    waiting_list.deactivate(pk, now)


def _take(pk: int, actor: User, now: datetime, offer_id: int | None) -> None:
    waiting_list.accept_offer(pk, actor, now, offer_id)


def _pass_on(pk: int, actor: User, now: datetime, offer_id: int | None) -> None:
    waiting_list.decline_offer(pk, now, offer_id)


ANSWERS: Final[dict[str, tuple[Answer, str]]] = {
    "leave": (_leave, gettext_noop("You left the waiting list.")),
    "take": (_take, gettext_noop("The time is yours as soon as the therapist accepts.")),
    "pass": (_pass_on, gettext_noop("The time goes to the next. You stay on the list.")),
}


@require_POST
@for_roles(Role.PATIENT)
def answer(request: HttpRequest, pk: int, word: str) -> HttpResponse:
    """Leave the list, or answer the offer that the page showed."""
    me, offer = cast(User, request.user), request.POST.get("offer", "")
    if word not in ANSWERS or not waiting_for(me).filter(pk=min(pk, LARGEST_ID)).exists():
        raise Http404
    run, done = ANSWERS[word]
    with translation.override(language_of(request)):
        try:
            run(pk, me, arrived_at(request), min(int(offer), LARGEST_ID) if offer.isdecimal() else None)
            messages.success(request, _(done))
        except DomainError as refusal:
            messages.error(request, meaning(refusal))
    return HttpResponseRedirect("/patient/" if word == "take" else LIST)
