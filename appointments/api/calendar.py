"""iCalendar (RFC 5545): a feed per person by a revocable key, and one appointment as an event."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from icalendar import Calendar, Event
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from appointments.api.rendering import View, view_of
from appointments.models import Appointment, AppointmentStatus
from appointments.selectors.calendar import calendar_of
from core.accounts.calendar_keys import owner_of
from core.accounts.models import Role, User
from core.web.arrival import arrived_at

# How often a program should fetch the feed anew.
REFRESH: Final = timedelta(minutes=15)
PRODUCT: Final = "-//Appointment assignment//EN"
CALENDAR: Final = {(200, "text/calendar"): OpenApiTypes.STR}
S = AppointmentStatus
TENTATIVE: Final = frozenset({S.PENDING, S.REJECTED})
CANCELLED: Final = frozenset({S.CANCELLED, S.AUTO_CANCELLED, S.RESCHEDULED})


class AnyAccept(BaseContentNegotiation):
    """Calendar programs ask for text/calendar, browsers for HTML; errors are JSON for all of them."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type or ""


class CalendarFeedView(APIView):
    """A person's calendar, for programs that subscribe to an address."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    content_negotiation_class = AnyAccept

    @extend_schema(parameters=[OpenApiParameter("key", OpenApiTypes.STR)], responses=CALENDAR, auth=[])
    def get(self, request: Request) -> HttpResponse:
        """The appointments of the key's owner as iCalendar; a cancelled one stays in it, as cancelled."""
        reader = owner_of(request.query_params.get("key", ""))
        if reader is None:
            raise AuthenticationFailed("This calendar key is not valid, or no longer.")
        rows = calendar_of(reader, arrived_at(request))
        answer = as_answer(rows, reader, "calendar.ics")
        answer["Referrer-Policy"] = "no-referrer"
        return answer

    def get_authenticate_header(self, request: Request) -> str:
        return "Key"


def as_answer(rows: Sequence[Appointment], reader: User, filename: str) -> HttpResponse:
    """The appointments as a calendar file; the rows came through `visible_to`."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.calendar_name = "Appointments"
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for row in rows:
        calendar.add_component(_event(row, reader))
    answer = HttpResponse(calendar.to_ical(), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'inline; filename="{filename}"'
    answer["Cache-Control"] = "private, no-cache"
    return answer


def _event(appointment: Appointment, reader: User) -> Event:
    """One event: the same UID for as long as the appointment lives, a higher SEQUENCE with each change of it."""
    lost = view_of(appointment, reader) is View.FORMER
    status: Any = appointment.viewer_status  # type: ignore[attr-defined]
    event = Event()
    event.add("uid", str(appointment.appointment_id))
    event.add("sequence", appointment.version)
    event.add("dtstamp", appointment.updated_at)
    event.add("created", appointment.created_at)
    event.add("last-modified", appointment.updated_at)
    event.add("dtstart", appointment.start)
    event.add("dtend", appointment.end)
    event.add("summary", _summary(appointment, reader, lost=lost))
    event.add("location", appointment.institution.name)
    event.add("status", "CANCELLED" if status in CANCELLED else "TENTATIVE" if status in TENTATIVE else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if status in CANCELLED else "OPAQUE")
    event.add("description", f"{S(status).label}, {_on_the_clock(appointment)}")
    if appointment.video_url and appointment.video_url.isprintable() and not lost:
        event.add("url", appointment.video_url)
    return event


def _summary(appointment: Appointment, reader: User, *, lost: bool) -> str:
    """What it is and whom the reader meets; no reason and no notes, for calendars are shared."""
    kind = appointment.service.name if appointment.service else appointment.get_appointment_type_display()
    therapist = appointment.therapist.display_name if appointment.therapist else None
    if lost:
        return kind
    if reader.role == Role.PATIENT:
        return f"{kind} with Dr. {therapist}" if therapist else kind
    if reader.role == Role.THERAPIST:
        return f"{kind}: {appointment.patient.display_name}"
    return f"{kind}: {appointment.patient.display_name}, {therapist or 'nobody yet'}"


def _on_the_clock(appointment: Appointment) -> str:
    """The institution's own wall-clock time, its zone named."""
    day, at = appointment.appointment_date, appointment.appointment_time
    return f"{day:%Y-%m-%d} {at:%H:%M} {appointment.institution.timezone}"
