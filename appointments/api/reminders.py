"""Reminders: everybody reads those of their own appointments, operators plan and send them by hand."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from appointments.api import inputs, schemas
from appointments.api.access import read, require_staff, showing_current, user_of
from appointments.api.inputs import IdField
from appointments.api.rendering import instant
from appointments.errors import NotFound
from appointments.models import AppointmentReminder, ReminderStatus, ReminderType
from appointments.selectors.reminders import visible_reminders
from appointments.services import reminders
from core.web.arrival import arrived_at
from core.web.idempotency import Idempotent


class ReminderQuery(serializers.Serializer[Any]):
    appointment = IdField(required=False)
    reminder_type = serializers.ChoiceField(choices=ReminderType.choices, required=False)
    status = serializers.ChoiceField(choices=ReminderStatus.choices, required=False)
    is_sent = serializers.BooleanField(required=False, allow_null=True, default=None)


class ReminderViewSet(Idempotent, GenericViewSet[AppointmentReminder]):
    """Reminders before accepted appointments, by the time for which they are planned."""

    queryset = AppointmentReminder.objects.none()
    serializer_class = schemas.ReminderSchema
    lookup_value_regex = r"[0-9]{1,18}"
    filter_backends = ()

    def get_queryset(self) -> QuerySet[AppointmentReminder]:
        if getattr(self, "swagger_fake_view", False):
            return AppointmentReminder.objects.none()
        return visible_reminders(user_of(self.request)).order_by("scheduled_for", "id")

    @extend_schema(parameters=[ReminderQuery], responses=schemas.ReminderSchema(many=True))
    def list(self, request: Request) -> Response:
        """The reminders of what the caller sees, in pages."""
        form = ReminderQuery(data={name: value for name, value in request.query_params.items() if value != ""})
        form.is_valid(raise_exception=True)
        asked = {name: value for name, value in form.validated_data.items() if value is not None}
        page: Any = self.paginate_queryset(self.get_queryset().filter(**asked))
        return self.get_paginated_response([render(row) for row in page or []])

    @extend_schema(responses=schemas.ReminderSchema)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One reminder."""
        return Response(render(self._visible(pk)))

    @extend_schema(request=inputs.ReminderInput, responses={201: schemas.ReminderSchema})
    def create(self, request: Request) -> Response:
        """Plan one more reminder of an accepted appointment."""
        actor, now = require_staff(request), arrived_at(request)
        asked = read(inputs.ReminderInput, request).validated_data
        with showing_current(asked["appointment"], actor, now):
            planned = reminders.plan(
                asked["appointment"], asked["reminder_type"], asked["scheduled_for"], actor=actor, now=now
            )
        return Response(render(planned), status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=schemas.ReminderSchema)
    @action(detail=True, methods=["post"])
    def send(self, request: Request, pk: str) -> Response:
        """Let it go out at once; `status` says later what became of it."""
        reminder, now = self._visible(pk), arrived_at(request)
        actor = require_staff(request)
        with showing_current(reminder.appointment_id, actor, now):
            return Response(render(reminders.send_now(reminder.pk, actor, now)))

    def _visible(self, pk: str) -> AppointmentReminder:
        reminder = self.get_queryset().filter(pk=int(pk)).first()
        if reminder is None:
            raise NotFound("No such reminder.")
        return reminder


def render(row: AppointmentReminder) -> dict[str, Any]:
    """A reminder as everybody who sees it reads it."""
    return {
        "id": row.pk,
        "appointment": row.appointment_id,
        "reminder_type": row.reminder_type,
        "scheduled_for": instant(row.scheduled_for),
        "sent_at": instant(row.sent_at),
        "is_sent": row.status == ReminderStatus.SENT,
        "status": row.status,
        "error": row.error,
    }
