"""The appointments viewset, mounted under both prefixes."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils import translation
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from appointments import machine
from appointments.api import inputs, schemas
from appointments.api.access import (
    acting,
    read,
    require_staff,
    showing_current,
    shown,
    user_of,
    visible,
)
from appointments.api.actions import ActionsMixin
from appointments.api.booking import booking_from
from appointments.api.calendar import CALENDAR, AnyAccept, as_answer
from appointments.api.editing import edit_from
from appointments.api.filters import ListQuery, filtered
from appointments.api.rendering import for_rendering, instant, render, render_appointments, render_booked
from appointments.errors import NotFound
from appointments.models import Appointment, AppointmentLog, AppointmentStatus
from appointments.policy import current_policy
from appointments.selectors.calendar import with_people
from appointments.selectors.free_therapists import Candidate, candidates
from appointments.selectors.statistics import statistics
from appointments.selectors.visibility import today_of, visible_to
from appointments.services import attendance, booking, reassign, rescheduling
from appointments.services.due import overdue
from appointments.services.sweeps import expire_due
from core.accounts.models import Role
from core.web.arrival import arrived_at
from core.web.idempotency import Idempotent


class AppointmentViewSet(ActionsMixin, Idempotent, GenericViewSet[Appointment]):
    """Appointments as the caller may see them, and every action of the table of transitions."""

    queryset = Appointment.objects.none()
    serializer_class = schemas.AppointmentSchema
    lookup_value_regex = r"[0-9]{1,18}"
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Appointment]:
        if getattr(self, "swagger_fake_view", False):
            return Appointment.objects.none()
        return visible_to(user_of(self.request), arrived_at(self.request))

    # Reads ---------------------------------------------------------------------------------------------------------

    @extend_schema(parameters=[ListQuery], responses=schemas.AppointmentSchema(many=True))
    def list(self, request: Request) -> Response:
        """What the caller sees, filtered and in pages."""
        return self._page(request, self.get_queryset())

    @extend_schema(responses=schemas.AppointmentSchema)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One appointment."""
        return Response(shown(request, visible(request, pk).pk))

    @extend_schema(parameters=[ListQuery], responses=schemas.AppointmentSchema(many=True))
    @action(detail=False)
    def today(self, request: Request) -> Response:
        """Those of today, on the institution's calendar."""
        return self._page(request, self.get_queryset().filter(today_of(user_of(request), arrived_at(request))))

    @extend_schema(parameters=[ListQuery], responses=schemas.AppointmentSchema(many=True))
    @action(detail=False)
    def upcoming(self, request: Request) -> Response:
        """Accepted ones that have not begun."""
        booked = (AppointmentStatus.CONFIRMED, AppointmentStatus.ASSIGNED)
        rows = self.get_queryset().filter(viewer_status__in=booked, start__gte=arrived_at(request))
        return self._page(request, rows)

    @extend_schema(parameters=[ListQuery], responses=schemas.StatisticsSchema, filters=False)
    @action(detail=False, pagination_class=None)
    def statistics(self, request: Request) -> Response:
        """Counts, answers and revenue over what the caller sees."""
        rows = filtered(self.get_queryset(), request.query_params, user_of(request), arrived_at(request))
        return Response(statistics(rows.order_by(), user_of(request)))

    @extend_schema(responses=schemas.LogSchema(many=True))
    @action(detail=True)
    def logs(self, request: Request, pk: str) -> Response:
        """The timeline, newest first; also of a deleted appointment."""
        user = user_of(request)
        rows = Appointment.objects.filter(pk=int(pk))
        if user.role == Role.OPERATOR:
            rows = rows.filter(institution=user.institution)
        elif user.role != Role.ADMIN:
            visible(request, pk)
        if not rows.exists():
            raise NotFound("No such appointment.")
        require_staff(request)
        found = AppointmentLog.objects.filter(appointment_id=int(pk)).select_related("performed_by")
        page: Any = self.paginate_queryset(found)  # type: ignore[arg-type]
        return self.get_paginated_response([_log(row) for row in page or []])

    @extend_schema(responses=schemas.CandidateSchema(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def available_therapists(self, request: Request, pk: str) -> Response:
        """Who can come, best first, with the reasons."""
        appointment, now = visible(request, pk), arrived_at(request)
        require_staff(request)
        ranked = candidates(appointment, now, current_policy().answer_rate_over)
        with translation.override(user_of(request).language):
            return Response([_candidate(one, now) for one in ranked])

    @extend_schema(responses=CALENDAR)
    @action(detail=True, content_negotiation_class=AnyAccept)
    def ics(self, request: Request, pk: str) -> HttpResponse:
        """One appointment as an event for the caller's calendar."""
        shown = visible(request, pk)
        row = with_people(self.get_queryset()).get(pk=shown.pk)
        return as_answer([row], user_of(request), f"appointment-{row.pk}.ics")

    # Writes --------------------------------------------------------------------------------------------------------

    @extend_schema(request=inputs.CreateInput, responses={201: schemas.AppointmentSchema})
    def create(self, request: Request) -> Response:
        """Book: an offer to the named therapist, else a request that needs one."""
        actor, now = user_of(request), arrived_at(request)
        asked = booking_from(request, actor)
        appointment = booking.book(asked, actor, now)
        return Response(render_booked(appointment, actor, now), status=status.HTTP_201_CREATED)

    @extend_schema(request=inputs.UpdateInput, responses=schemas.AppointmentSchema)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Edit what is no transition."""
        appointment, actor, now = visible(request, pk), user_of(request), arrived_at(request)
        machine.check_role("update", actor)
        changes, version = edit_from(request, actor, appointment)
        with showing_current(appointment.pk, actor, now):
            attendance.update(appointment.pk, changes, actor, now, version)
        return Response(shown(request, appointment.pk))

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Hide an appointment that is over; its audit stays."""
        appointment, actor, now = visible(request, pk), user_of(request), arrived_at(request)
        machine.check_role("delete", actor)
        with showing_current(appointment.pk, actor, now):
            attendance.delete(appointment.pk, actor, now)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        request=inputs.ReassignInput, responses={200: schemas.AppointmentSchema, 202: schemas.AppointmentSchema}
    )
    @action(detail=True, methods=["post"])
    def reassign(self, request: Request, pk: str) -> Response:
        """Find somebody else (202), or offer it to the named therapist at once (200)."""
        appointment = acting(request, pk, "reassign", inputs.ReassignInput, reassign.reassign)
        searching = appointment.search_id is not None
        code = status.HTTP_202_ACCEPTED if searching else status.HTTP_200_OK
        return Response(shown(request, appointment.pk), status=code)

    @extend_schema(request=inputs.HandoverInput, responses={201: schemas.LogSchema})
    @action(detail=True, methods=["post"])
    def handover_notes(self, request: Request, pk: str) -> Response:
        """Leave a note in the timeline."""
        appointment = acting(
            request,
            pk,
            "handover_notes",
            inputs.HandoverInput,
            attendance.hand_over,
        )
        note = AppointmentLog.objects.filter(appointment=appointment, action="noted").first()
        assert note is not None
        return Response(_log(note), status=status.HTTP_201_CREATED)

    @extend_schema(request=inputs.RescheduleInput, responses={201: schemas.RescheduledSchema})
    @action(detail=True, methods=["post"])
    def reschedule(self, request: Request, pk: str) -> Response:
        """Move it to another time; a successor takes its place."""
        appointment = visible(request, pk, acting=True)
        actor, now = user_of(request), arrived_at(request)
        machine.check_role("reschedule", actor)
        form = read(inputs.RescheduleInput, request)
        start, field = form.when(ZoneInfo(appointment.institution.timezone))
        with showing_current(appointment.pk, actor, now):
            moved = rescheduling.reschedule(
                appointment.pk,
                start,
                actor,
                now,
                form.validated_data["reason"],
                form.validated_data.get("version"),
                blame=field,
            )
        shown = render_appointments([moved.old_appointment.pk, moved.new_appointment.pk], actor, now)
        body = {
            "old_appointment": shown.get(moved.old_appointment.pk),
            "new_appointment": shown.get(moved.new_appointment.pk),
        }
        return Response(body, status=status.HTTP_201_CREATED)

    @extend_schema(request=inputs.AutoCancelInput, responses=schemas.AutoCancelledSchema)
    @action(detail=False, methods=["post"])
    def auto_cancel_overdue(self, request: Request) -> Response:
        """Act on every overdue offer now; `dry_run` only names them."""
        actor, now = require_staff(request), arrived_at(request)
        dry_run = read(inputs.AutoCancelInput, request).validated_data["dry_run"]
        due = overdue(now, current_policy())
        if actor.role != Role.ADMIN:
            due = due.filter(institution=actor.institution)
        ids = list(due.values_list("pk", flat=True))
        disabled: list[int] = []
        if not dry_run and ids:
            ids, disabled = expire_due(now, manual=True, where=Q(pk__in=ids))
        body = {"dry_run": dry_run, "processed": len(ids), "appointments": ids, "disabled_therapists": disabled}
        return Response(body)

    def _page(self, request: Request, rows: QuerySet[Appointment]) -> Response:
        user, now, policy = user_of(request), arrived_at(request), current_policy()
        page = self.paginate_queryset(for_rendering(filtered(rows, request.query_params, user, now)))
        return self.get_paginated_response([render(row, user, now, policy) for row in page or []])


def _candidate(one: Candidate, now: datetime) -> dict[str, Any]:
    """In the active language."""
    return {
        "id": one.id,
        "name": one.name,
        "reasons": one.reasons(now),
        "warning": one.warning,
        "open_offers": one.open_offers,
        "appointments_that_day": one.appointments_that_day,
        "answer_rate": one.answer_rate,
    }


def _log(row: AppointmentLog) -> dict[str, Any]:
    return {
        "id": row.pk,
        "appointment": row.appointment_id,
        "action": row.action,
        "performed_by": row.performed_by_id,
        "performed_by_name": row.performed_by.display_name if row.performed_by else "System",
        "timestamp": instant(row.timestamp),
        "notes": row.notes,
        "old_values": row.old_values,
        "new_values": row.new_values,
    }
