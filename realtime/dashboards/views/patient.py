"""The patient's pages: ordinary forms that work without scripts; the scripts only keep them fresh."""

from datetime import date, datetime, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appointments.api.filters import filtered
from appointments.api.rendering import for_rendering, render, render_appointments
from appointments.models import Appointment, AppointmentType
from appointments.policy import current_policy
from appointments.selectors.free_therapists import therapists_for
from appointments.selectors.visibility import visible_to
from appointments.selectors.waiting_list import waiting_for
from appointments.services import attendance, booking, rescheduling
from core.accounts.models import Role, User
from core.errors import DomainError
from core.web.arrival import arrived_at
from core.web.errors import STATUS_OF, error_body
from realtime.dashboards.forms import TYPES, BookingForm, CancelForm, RescheduleForm, WaitingForm, WhenForm
from realtime.dashboards.pages import for_roles, language_of, page, place_of, zone_of
from realtime.dashboards.times import elsewhere, free_times, nearest
from realtime.dashboards.views.answers import LARGEST_ID, wants_json
from realtime.inbox import mark_read
from realtime.models import Notification
from realtime.rendering import told_to

TABS: Final = ("current", "upcoming", "missed", "completed", "all", "waiting", "notifications")
CURRENT: Final = "pending,confirmed,assigned,in_progress,rejected"
MOST: Final = 100


@require_safe
@for_roles(Role.PATIENT)
def appointments(request: HttpRequest) -> HttpResponse:
    """My appointments, by tab."""
    me, now, policy = cast(User, request.user), arrived_at(request), current_policy()
    wanted = request.GET.get("tab", "current")
    tab = wanted if wanted in TABS else "current"
    query = QueryDict(mutable=True)
    if tab == "waiting":
        return page(request, "dashboards/patient.html", {"tab": tab, "tabs": TABS, "entries": entries(me)})
    query["ordering"] = "start" if tab in {"current", "upcoming"} else "-start"
    context: dict[str, Any] = {"tab": tab, "tabs": TABS}
    if tab == "current":
        query["status"] = CURRENT
        context["offers"] = [one for one in entries(me) if one["offer"]]
    elif tab != "all":
        query["tab"] = tab
    if tab == "notifications":
        rows = list(Notification.objects.filter(recipient=me).order_by("-seq")[:MOST])
        context |= {"zone": zone_of(me), "place": place_of(zone_of(me))}
        context["told"] = list(zip(told_to(me, rows, now), rows, strict=True))
    else:
        found = for_rendering(filtered(visible_to(me, now), query, me, now))[:MOST]
        context["listed"] = [_shown(render(row, me, now, policy), row, me) for row in found]
    return page(request, "dashboards/patient.html", context)


def _shown(resource: dict[str, Any], row: Appointment, me: User) -> dict[str, Any]:
    zone = ZoneInfo(row.institution.timezone)
    return {
        **resource,
        "local": row.start.astimezone(zone).replace(tzinfo=None),
        "place": place_of(zone),
        "elsewhere": elsewhere(me, row.start, zone),
        "answer_by": row.response_deadline.astimezone(zone).replace(tzinfo=None) if row.response_deadline else None,
    }


def entries(me: User) -> list[dict[str, Any]]:
    """The entries that are alive, each with the place held for it, on the institution's clock."""
    zone = zone_of(me)
    shown = []
    for row in waiting_for(me).filter(is_active=True):
        live: list[Any] = getattr(row, "live", [])
        offer = live[0] if live else None
        shown.append(
            {
                "row": row,
                "position": getattr(row, "place", None),
                "offer": offer,
                "start": offer.start.astimezone(zone).replace(tzinfo=None) if offer else None,
                "until": offer.expires_at.astimezone(zone).replace(tzinfo=None) if offer else None,
            }
        )
    return shown


@require_POST
@for_roles(Role.PATIENT)
def read_all(request: HttpRequest) -> HttpResponse:
    """Tick all notifications off."""
    mark_read(cast(User, request.user).pk, Q(), arrived_at(request))
    return HttpResponseRedirect("/patient/?tab=notifications")


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.PATIENT)
def schedule(request: HttpRequest) -> HttpResponse:
    """Book: a day, a time, whom, and why; `show` only looks up the times of a day."""
    me, now = cast(User, request.user), arrived_at(request)
    if request.method != "POST":
        return booking_page(request, _first_answers(request, now), None)
    with translation.override(language_of(request)):
        form = BookingForm(request.POST)
        if "show" in request.POST:
            return booking_page(request, request.POST, None)
        if form.is_valid():
            try:
                booked = _book(form, me, now)
                return _booked(request, booked, me)
            except DomainError as refusal:
                if wants_json(request):
                    return _refused(refusal)
                form.refuse(refusal)
        elif wants_json(request):
            return _invalid(form)
        return booking_page(request, request.POST, form)


def _first_answers(request: HttpRequest, now: datetime) -> dict[str, str]:
    """What the link that led here has chosen already."""
    tomorrow = (now.astimezone(zone_of(cast(User, request.user))) + timedelta(days=1)).date()
    given = {name: request.GET.get(name, "") for name in ("date", "provider_id", "appointment_type", "replaces")}
    return {**given, "date": given["date"] or tomorrow.isoformat()}


@transaction.atomic
def _book(form: BookingForm, me: User, now: datetime) -> Appointment:
    """Raises DomainError; what is replaced is cancelled in the same step, or nothing happens."""
    asked = form.cleaned_data
    start = form.start(zone_of(me))
    if asked["replaces"]:
        old = visible_to(me, now).filter(pk=asked["replaces"]).first()
        if old is None:
            raise Http404
        attendance.cancel(old.pk, _("Booked another appointment"), me, now)
    wanted = booking.Booking(
        patient=me,
        start=start,
        therapist_id=asked["provider_id"],
        appointment_type=AppointmentType(asked["appointment_type"]),
        notes=asked["notes"],
        blame="time",
    )
    return booking.book(wanted, me, now)


def _booked(request: HttpRequest, booked: Appointment, me: User) -> HttpResponse:
    if wants_json(request):
        return JsonResponse(render_appointments([booked.pk], me, arrived_at(request))[booked.pk], status=201)
    by = booked.response_deadline
    if by is None:
        told = _("Request sent. You will hear as soon as a therapist takes it.")
    else:
        told = _("Request sent. You will hear by %(time)s.") % {"time": f"{by.astimezone(zone_of(me)):%H:%M}"}
    messages.success(request, told)
    return HttpResponseRedirect("/patient/")


def booking_page(request: HttpRequest, answers: Any, form: WaitingForm | None) -> HttpResponse:
    """The form with its answers, the times of its day, and what is wrong."""
    me, now = cast(User, request.user), arrived_at(request)
    day, therapist = _day(answers.get("date", "")), answers.get("provider_id", "")
    times = free_times(me, day, int(therapist) if therapist.isdecimal() else None, now) if day else {}
    therapists = [(str(one.pk), one.display_name) for one in therapists_for(me).order_by("first_name", "id")]
    context = {
        "answers": answers,
        "errors": form.errors if form else {},
        "refusals": form.non_field_errors() if form else [],
        "types": TYPES,
        "emergency": settings.EMERGENCY_TEXT,
        "therapists": therapists,
        "times": times,
        "nearest": nearest(times, answers.get("time", "")) if form else [],
        "place": place_of(zone_of(me)),
        "first_day": now.astimezone(zone_of(me)).date().isoformat(),
    }
    return page(request, "dashboards/schedule.html", context, status=400 if form else 200)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.PATIENT)
def reschedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Move one's own appointment to another time."""
    me, now = cast(User, request.user), arrived_at(request)
    appointment = _mine(me, pk, now)
    with translation.override(language_of(request)):
        form = RescheduleForm(request.POST) if request.method == "POST" and "show" not in request.POST else None
        if form and form.is_valid():
            try:
                start = form.start(zone_of(me))
                rescheduling.reschedule(pk, start, me, now, form.cleaned_data["reason"], blame="time")
                messages.success(request, _("Your appointment was moved."))
                return HttpResponseRedirect("/patient/")
            except DomainError as refusal:
                form.refuse(refusal)
    answers = request.POST or {"date": appointment.appointment_date.isoformat()}
    day = _day(answers.get("date", ""))
    times = free_times(me, day, appointment.therapist_id, now) if day else {}
    return _about(request, "dashboards/reschedule.html", appointment, form, {"answers": answers, "times": times})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.PATIENT)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel one's own appointment, with a reason."""
    me, now = cast(User, request.user), arrived_at(request)
    appointment = _mine(me, pk, now)
    with translation.override(language_of(request)):
        form = CancelForm(request.POST) if request.method == "POST" else None
        if form and form.is_valid():
            try:
                attendance.cancel(pk, form.cleaned_data["reason"], me, now)
                messages.success(request, _("Your appointment was cancelled."))
                return HttpResponseRedirect("/patient/")
            except DomainError as refusal:
                form.refuse(refusal)
    return _about(request, "dashboards/cancel.html", appointment, form, {"answers": request.POST})


def _mine(me: User, pk: int, now: datetime) -> Appointment:
    rows = visible_to(me, now).select_related("institution", "therapist")
    appointment = rows.filter(pk=min(pk, LARGEST_ID)).first()
    if appointment is None:
        raise Http404
    return appointment


def _about(
    request: HttpRequest,
    template: str,
    appointment: Appointment,
    form: WhenForm | CancelForm | None,
    context: dict[str, Any],
) -> HttpResponse:
    zone = ZoneInfo(appointment.institution.timezone)
    shown = {
        "appointment": appointment,
        "local": appointment.start.astimezone(zone).replace(tzinfo=None),
        "place": place_of(zone),
        "errors": form.errors if form else {},
        "refusals": form.non_field_errors() if form else [],
        "first_day": arrived_at(request).astimezone(zone).date().isoformat(),
    }
    return page(request, template, {**shown, **context}, status=400 if form else 200)


def _refused(refusal: DomainError) -> HttpResponse:
    status = STATUS_OF.get(refusal.code, 400)
    return JsonResponse(error_body(status, refusal.code, refusal.detail, refusal.attr) | refusal.extra, status=status)


def _invalid(form: BookingForm) -> HttpResponse:
    found = [
        {"code": error["code"] or "invalid", "detail": error["message"], "attr": name}
        for name, errors in form.errors.get_json_data().items()
        for error in errors
    ]
    return JsonResponse({"type": "validation_error", "errors": found}, status=400)
