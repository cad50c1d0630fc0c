"""The way in and out: landing page, login, language and time zone, and one click per demo account."""

from typing import Final, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login as begin_session
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from core.accounts.login import sign_in, sign_out
from core.accounts.models import Role, User
from core.errors import DomainError
from core.web.arrival import arrived_at
from realtime.dashboards.forms import TimeZoneForm
from realtime.dashboards.pages import HOMES, for_roles, language_of, page, place_of, reader_of, zone_of

BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
# The accounts of `seed_demo`, what each button says, and what is behind it.
DEMO: Final = {
    "operator": (_("Open as operator"), _("Watch every clock, review rejections, assign.")),
    "therapist": (_("Open as therapist"), _("Answer requests, keep the schedule, publish time.")),
    "patient": (_("Open as patient"), _("Book, get told, move, wait for a place.")),
    "admin": (_("Open as admin"), _("Everything, and the administration.")),
}
# Where those who run the place look; Flower only where it is reached without a tunnel.
OPERATIONS: Final = (
    ("/admin/", _("Administration"), _("People, appointments, logs and statistics.")),
    ("/admin/django_celery_beat/periodictask/", _("Schedules"), _("When the sweeps run; an edit holds at once.")),
    ("/readyz", _("Health"), _("Database, queue, relay and schedule, one by one.")),
)
FLOWER: Final = _("Workers, queues and tasks.")
DEMO_PASSWORD: Final = "demo"  # noqa: S105 - the demo's, and only with DEBUG
REFUSALS: Final = {"account_suspended": 403, "throttled": 429}


@require_GET
def landing(request: HttpRequest) -> HttpResponse:
    """What this is, and where its doors are."""
    people = [(name, *texts) for name, texts in DEMO.items()] if settings.DEBUG else []
    return page(request, "dashboards/landing.html", {"demo_people": people, "operations": _operations(request)})


def _operations(request: HttpRequest) -> list[tuple[str, str, str]]:
    reader = reader_of(request)
    if reader is None or not reader.is_staff:
        return []
    host = request.get_host().rpartition(":")[0] or request.get_host()
    flower = [(f"http://{host}:{settings.FLOWER_PORT}/", "Flower", FLOWER)] if settings.DEBUG else []
    return [*OPERATIONS, *flower]


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """For pages that name no icon, such as the administration: browsers ask here."""
    return HttpResponseRedirect(static("dashboards/icon.svg"))


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Begin a session; a refusal keeps the name and says why."""
    wanted = request.POST.get("next", request.GET.get("next", ""))
    if request.method != "POST":
        reader = reader_of(request)
        return (
            HttpResponseRedirect(_home(reader)) if reader else page(request, "dashboards/login.html", {"next": wanted})
        )
    username, password = request.POST.get("username", "").strip(), request.POST.get("password", "")
    context = {"next": wanted, "username": username}
    missing = [name for name, value in (("username", username), ("password", password)) if not value]
    if missing:
        return page(request, "dashboards/login.html", {**context, "missing": missing}, status=400)
    return _signed_in(request, username, password, context)


def _signed_in(request: HttpRequest, username: str, password: str, context: dict[str, str]) -> HttpResponse:
    try:
        user = sign_in(request, username[:150], password[:256])
    except DomainError as refusal:
        told = {**context, "refusal": refusal}
        return page(request, "dashboards/login.html", told, status=REFUSALS.get(refusal.code, 400))
    begin_session(request, user, backend=BACKEND)
    return HttpResponseRedirect(_safe(request, context["next"]) or _home(user))


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session."""
    sign_out(request, arrived_at(request))
    return HttpResponseRedirect("/")


@require_POST
def enter_demo(request: HttpRequest) -> HttpResponse:
    """Sign in as one of the demo accounts; outside of debugging there is no such door."""
    username = request.POST.get("username", "")
    if not settings.DEBUG or username not in DEMO:
        raise Http404
    return _signed_in(request, username, DEMO_PASSWORD, {"next": "", "username": username})


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember the language, for the account where there is one, and go back to the page."""
    language, reader = request.POST.get("language", ""), reader_of(request)
    response = HttpResponseRedirect(_safe(request, request.POST.get("next", "")) or "/")
    if language in dict(settings.LANGUAGES):
        if reader:
            User.objects.filter(pk=reader.pk).update(language=language)
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=31_536_000, samesite="Lax")
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*Role)
def time_zone(request: HttpRequest) -> HttpResponse:
    """Choose the zone whose clock pages and messages show beside the institution's, and go back to the page."""
    me = cast(User, request.user)
    back = _safe(request, request.POST.get("next", request.GET.get("next", ""))) or _home(me)
    form = TimeZoneForm(request.POST if request.method == "POST" else None, initial={"timezone": me.timezone})
    if form.is_valid():
        User.objects.filter(pk=me.pk).update(timezone=form.cleaned_data["timezone"])
        with translation.override(language_of(request)):
            messages.success(request, gettext("Your time zone was saved."))
        return HttpResponseRedirect(back)
    context = {"form": form, "next": back, "place": place_of(zone_of(me))}
    return page(request, "dashboards/time_zone.html", context, status=400 if form.is_bound else 200)


def _safe(request: HttpRequest, back: str) -> str:
    """The page to go back to; empty where it is not one of ours."""
    ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return back if ours else ""


def _home(user: User) -> str:
    return HOMES[Role(user.role)]
