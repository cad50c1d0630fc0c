"""Meetings: appointments in the words of telehealth clients, camelCase and `scheduledAt`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from appointments import machine
from appointments.api.access import read, user_of
from appointments.api.filters import TABS
from appointments.api.inputs import VersionedInput
from appointments.api.rendering import View, instant, view_of
from appointments.api.schemas import PersonSchema
from appointments.errors import Conflict, NotFound
from appointments.models import Appointment
from appointments.selectors.meetings import STATUS_OF, MeetingStatus, meetings_of
from appointments.services import attendance, rescheduling
from core.accounts.models import User
from core.web.arrival import arrived_at
from core.web.fields import InstantField
from core.web.idempotency import Idempotent

UUID_PATTERN: Final = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"


class MeetingQuery(serializers.Serializer[Any]):
    tab = serializers.ChoiceField(choices=tuple(TABS), required=False)


class MoveInput(VersionedInput):
    scheduledAt = InstantField()  # noqa: N815 - the contract's name


class MeetingSchema(serializers.Serializer[Any]):
    """The newest appointment of a chain of reschedules."""

    id = serializers.UUIDField(help_text="The meeting_id: it stays when the meeting is rescheduled.")
    appointmentId = serializers.IntegerField(help_text="The appointment's id, another after each reschedule.")  # noqa: N815
    title = serializers.CharField()
    scheduledAt = serializers.DateTimeField()  # noqa: N815
    durationMinutes = serializers.IntegerField()  # noqa: N815
    status = serializers.ChoiceField(choices=tuple(MeetingStatus))
    videoUrl = serializers.CharField(allow_null=True)  # noqa: N815
    doctor = PersonSchema(allow_null=True)
    patient = PersonSchema(allow_null=True, help_text="Null for a therapist who has lost it.")


def render_meeting(appointment: Appointment, reader: User) -> dict[str, Any]:
    """The meeting as `reader` sees it; the row came through `meetings_of`."""
    lost = view_of(appointment, reader) is View.FORMER
    kind = appointment.service.name if appointment.service else appointment.get_appointment_type_display()
    return {
        "id": str(appointment.meeting_id),
        "appointmentId": appointment.pk,
        "title": kind,
        "scheduledAt": instant(appointment.start),
        "durationMinutes": appointment.duration_minutes,
        "status": STATUS_OF[appointment.viewer_status],  # type: ignore[attr-defined]
        "videoUrl": None if lost else appointment.video_url or None,
        "doctor": _person(reader if lost else appointment.therapist),
        "patient": None if lost else _person(appointment.patient),
    }


def _person(user: User | None) -> dict[str, Any] | None:
    return {"id": user.pk, "name": user.display_name} if user else None


class MeetingViewSet(Idempotent, GenericViewSet[Appointment]):
    """What was accepted, by its `meeting_id`; the rules are those of the appointment behind it."""

    queryset = Appointment.objects.none()
    serializer_class = MeetingSchema
    lookup_field = "meeting_id"
    lookup_value_regex = UUID_PATTERN
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Appointment]:
        if getattr(self, "swagger_fake_view", False):
            return Appointment.objects.none()
        rows = meetings_of(user_of(self.request), arrived_at(self.request))
        return rows.select_related("patient", "therapist", "service")

    @extend_schema(parameters=[MeetingQuery], responses=MeetingSchema(many=True))
    def list(self, request: Request) -> Response:
        """The caller's meetings by their start; `tab` narrows them."""
        query = MeetingQuery(data={name: value for name, value in request.query_params.items() if value})
        query.is_valid(raise_exception=True)
        rows = self.get_queryset()
        if tab := query.validated_data.get("tab"):
            rows = rows.filter(viewer_status__in=TABS[tab])
        page = self.paginate_queryset(rows)
        return self.get_paginated_response([render_meeting(row, user_of(request)) for row in page or []])

    @extend_schema(responses=MeetingSchema)
    def retrieve(self, request: Request, meeting_id: str) -> Response:
        """One meeting."""
        return self._shown(meeting_id)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, meeting_id: str) -> Response:
        """Hide it; one that is still scheduled is cancelled first."""
        appointment = self._newest(meeting_id)
        machine.check_role("delete_meeting", user_of(request))
        with self._showing_current(meeting_id):
            attendance.delete_meeting(appointment.pk, user_of(request), arrived_at(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=VersionedInput, responses=MeetingSchema)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, meeting_id: str) -> Response:
        """Begin it, from fifteen minutes before its time."""
        return self._act(meeting_id, "start", VersionedInput, attendance.start)

    @extend_schema(request=VersionedInput, responses=MeetingSchema)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, meeting_id: str) -> Response:
        """End it."""
        return self._act(meeting_id, "complete", VersionedInput, attendance.complete)

    @extend_schema(request=MoveInput, responses=MeetingSchema)
    @action(detail=True, methods=["post"])
    def reschedule(self, request: Request, meeting_id: str) -> Response:
        """Move it to another time; a missed one is scheduled again."""

        def move(pk: int, scheduledAt: datetime, **rest: Any) -> object:  # noqa: N803 - the contract's name
            return rescheduling.reschedule(pk, scheduledAt, blame="scheduledAt", **rest)

        return self._act(meeting_id, "reschedule", MoveInput, move)

    def _act(
        self,
        meeting_id: str,
        name: str,
        form: type[serializers.Serializer[Any]],
        service: Callable[..., object],
    ) -> Response:
        appointment, actor = self._newest(meeting_id), user_of(self.request)
        machine.check_role(name, actor)
        asked = read(form, self.request).validated_data
        with self._showing_current(meeting_id):
            service(appointment.pk, actor=actor, now=arrived_at(self.request), **asked)
        return self._shown(meeting_id)

    def _newest(self, meeting_id: str) -> Appointment:
        """The appointment behind the meeting as the caller sees it. Raises NotFound."""
        found = self.get_queryset().filter(meeting_id=UUID(meeting_id)).first()
        if found is None:
            raise NotFound("No such meeting.")
        return found

    def _shown(self, meeting_id: str) -> Response:
        return Response(render_meeting(self._newest(meeting_id), user_of(self.request)))

    @contextmanager
    def _showing_current(self, meeting_id: str) -> Iterator[None]:
        """Let a conflict carry the meeting as the caller sees it now."""
        try:
            yield
        except Conflict as conflict:
            found = self.get_queryset().filter(meeting_id=UUID(meeting_id)).first()
            conflict.extra.setdefault("current", render_meeting(found, user_of(self.request)) if found else None)
            raise
