"""Watch side by side: operator, therapist and patient on one page, a day that passes in a minute; only with DEBUG."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from csp.constants import SELF
from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_noop as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST
from knox.models import AuthToken

from appointments.demo.clinics import HARBOUR
from appointments.models import Appointment, AppointmentStatus
from core.accounts.models import User
from core.web.arrival import arrived_at
from realtime.dashboards.pages import page
from realtime.dashboards.views import boards, patient

View = Callable[[HttpRequest], HttpResponse]
PANES: Final[dict[str, View]] = {
    "operator": boards.operator,
    "therapist": boards.therapist,
    "patient": patient.appointments,
}
# The settings behind the day, shown when it is over, and what each decides.
RULES: Final = (
    ("DEFAULT_RESPONSE_TIMEOUT_MINUTES", _("how long a therapist has to answer")),
    ("DEADLINE_WARNING_MINUTES", _("how long before the deadline a row turns amber")),
    ("AUTO_DISABLE_THERAPISTS", _("whether silence suspends the therapist")),
    ("WAITING_LIST_OFFER_MINUTES", _("how long a place is held for somebody")),
)
WINDOW: Final = timedelta(seconds=60)
WARNING: Final = timedelta(seconds=20)


def _only_while_debugging() -> None:
    if not settings.DEBUG:
        raise Http404


@require_GET
@csp_replace({"frame-src": [SELF]})
def side_by_side(request: HttpRequest) -> HttpResponse:
    """The three panes and the day's buttons."""
    _only_while_debugging()
    return page(request, "dashboards/demo.html", {"panes": PANES, "rules": _rules()})


def _rules() -> list[tuple[str, str, str]]:
    shown = [(name, getattr(settings, name), what) for name, what in RULES]
    return [
        (name, str(value).lower() if isinstance(value, bool) else f"{value:g}", what) for name, value, what in shown
    ]


@require_GET
@xframe_options_sameorigin
@csp_replace({"frame-ancestors": [SELF]})
def pane(request: HttpRequest, username: str) -> HttpResponse:
    """A dashboard that signs in by a token in its memory, since a browser has only one session."""
    _only_while_debugging()
    reader = User.objects.filter(username=username, is_active=True).first() if username in PANES else None
    if reader is None:
        raise Http404
    request.user = reader
    given = request.headers.get("Authorization", "").removeprefix("Token ")
    request.pane_token = given or AuthToken.objects.create(reader)[1]  # type: ignore[attr-defined]
    return PANES[username](request)


@require_POST
def shorten(request: HttpRequest, pk: int) -> HttpResponse:
    """Give one offer of the demo clinic a minute instead of its full time; nothing else changes."""
    _only_while_debugging()
    now = arrived_at(request)
    clock: dict[str, Any] = {"response_deadline": now + WINDOW, "warn_at": now + WINDOW - WARNING}
    offers = Appointment.objects.filter(
        pk=pk, institution__name=HARBOUR[0], status=AppointmentStatus.PENDING, therapist__isnull=False
    )
    if not offers.update(**clock):
        raise Http404
    return JsonResponse({"response_deadline": clock["response_deadline"].isoformat()})
