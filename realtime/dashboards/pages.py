"""What every page has in common: its language, its reader, and who may open it."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_noop as _

from core.accounts.models import Role, User
from core.web.arrival import arrived_at
from realtime.dashboards.refusals import meanings
from realtime.dashboards.vocabulary import pairs
from realtime.inbox import bounds, unread_count

STAFF: Final = frozenset({Role.OPERATOR, Role.ADMIN})
HOMES: Final = {
    Role.OPERATOR: "/operator/",
    Role.ADMIN: "/operator/",
    Role.THERAPIST: "/therapist/",
    Role.PATIENT: "/patient/",
}
ROLES: Final = {
    Role.OPERATOR: _("Operator"),
    Role.ADMIN: _("Admin"),
    Role.THERAPIST: _("Therapist"),
    Role.PATIENT: _("Patient"),
}
# What the page needs of the account; kept in `preferences` so that it follows the person to other devices.
PREFERENCES: Final = ("theme", "motion", "sound", "shortcuts", "quiet_hours", "saved_filters", "slots_list")
View = Callable[..., HttpResponse]


def reader_of(request: HttpRequest) -> User | None:
    """Who has signed in, or None."""
    return request.user if isinstance(request.user, User) else None


def language_of(request: HttpRequest) -> str:
    """The reader's language: the one just chosen, the account's, else what the browser asks for."""
    known = dict(settings.LANGUAGES)
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    reader = reader_of(request)
    for wanted in (request.GET.get("lang", ""), reader.language if reader else chosen):
        if wanted in known:
            return wanted
    return translation.get_language_from_request(request)


def zone_of(reader: User | None) -> ZoneInfo:
    """The zone in which the reader's institution tells the time."""
    institution = reader.institution if reader else None
    return ZoneInfo(institution.timezone if institution else settings.TIME_ZONE)


def place_of(zone: ZoneInfo) -> str:
    """The town by which people know a zone."""
    return zone.key.rpartition("/")[2].replace("_", " ")


def page(
    request: HttpRequest, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Render a page in the reader's language, with what its shell shows."""
    reader, language = reader_of(request), language_of(request)
    with translation.override(language):
        shell = {
            "reader": reader,
            "language": language,
            "languages": settings.LANGUAGES,
            "home": HOMES[Role(reader.role)] if reader else "/",
            "role": ROLES[Role(reader.role)] if reader else "",
            "pane": hasattr(request, "pane_token"),
            "unread": unread_count(reader) if reader else 0,
            "settings_of_page": settings_of_page(request, reader, language),
        }
        response = render(request, template, {**shell, **(context or {})}, status=status)
    response["Cache-Control"] = "no-store"
    return response


def settings_of_page(request: HttpRequest, reader: User | None, language: str) -> dict[str, Any]:
    """What the scripts of a page are told about the reader; it holds nothing that the page does not show."""
    preferences = reader.preferences if reader else {}
    return {
        "user": {"id": reader.pk, "name": reader.display_name, "role": reader.role} if reader else None,
        "institution": reader.institution.name if reader and reader.institution else None,
        "timezone": zone_of(reader).key,
        "own_timezone": reader.timezone if reader else "",
        "language": language,
        "words": pairs(language),
        "meanings": meanings(),
        "server_time": arrived_at(request).isoformat(),
        # Read before the lists: what is told meanwhile is heard again over the socket, and nothing is missed.
        "last_seq": bounds(reader.pk).last_seq if reader else 0,
        # Only in the panes of the demo; everywhere else the session's cookie speaks for the reader.
        "token": getattr(request, "pane_token", None),
        "warning_minutes": settings.DEADLINE_WARNING_MINUTES,
        "response_minutes": settings.DEFAULT_RESPONSE_TIMEOUT_MINUTES,
        "taking_appointments": reader.taking_appointments if reader else False,
        "away_until": reader.away_until.isoformat() if reader and reader.away_until else None,
        "auto_disable": settings.AUTO_DISABLE_THERAPISTS,
        "preferences": {name: preferences[name] for name in PREFERENCES if name in preferences},
    }


def for_roles(*roles: Role) -> Callable[[View], View]:
    """Let only these roles open a page: strangers are sent to the login, others told where they belong."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            reader = reader_of(request)
            if reader is None:
                return redirect_to_login(request.get_full_path())
            if reader.role not in roles:
                return page(request, "dashboards/forbidden.html", status=403)
            return view(request, *args, **kwargs)

        return guarded

    return decorate
