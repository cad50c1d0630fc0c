"""Time off: previewed with the appointments it hits, then taken."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from appointments.api import schemas
from appointments.api.access import read, user_of
from appointments.api.inputs import IdField
from appointments.api.rendering import instant, render_appointments
from appointments.api.slots import query_of, therapist_named
from appointments.errors import NotFound, PermissionDenied
from appointments.models import TimeOff
from appointments.services import time_off
from core.accounts.models import Role, User
from core.web.arrival import arrived_at
from core.web.fields import InstantField
from core.web.idempotency import Idempotent


class TimeOffInput(serializers.Serializer[Any]):
    therapist = IdField(required=False, help_text="Left out by a therapist: their own.")
    start = InstantField()
    end = InstantField()
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)
    dry_run = serializers.BooleanField(default=False)


class TimeOffQuery(serializers.Serializer[Any]):
    therapist = IdField(required=False)
    date_from = serializers.DateField(required=False)
    date_to = serializers.DateField(required=False)


class TimeOffViewSet(Idempotent, GenericViewSet[TimeOff]):
    """Therapists see and take their own, operators everybody's; it is not for patients."""

    queryset = TimeOff.objects.none()
    serializer_class = schemas.TimeOffSchema
    lookup_value_regex = r"[0-9]{1,18}"
    filter_backends = ()

    @extend_schema(parameters=[TimeOffQuery], responses=schemas.TimeOffSchema(many=True))
    def list(self, request: Request) -> Response:
        """Time off, by its beginning."""
        asked = query_of(TimeOffQuery, request)
        lookups = {"therapist": "therapist_id", "date_from": "end__date__gte", "date_to": "start__date__lte"}
        rows = _visible(request).filter(**{lookups[name]: asked[name] for name in lookups if name in asked})
        page = self.paginate_queryset(rows)
        return self.get_paginated_response([_rendered(row) for row in page or []])

    @extend_schema(responses=schemas.TimeOffSchema)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One time off."""
        return Response(_rendered(_one(request, pk)))

    @extend_schema(request=TimeOffInput, responses={200: schemas.TimeOffHitSchema, 201: schemas.TimeOffHitSchema})
    def create(self, request: Request) -> Response:
        """Take time off; with `dry_run` only tell which appointments it would hit."""
        user, now = _worker(request), arrived_at(request)
        asked = read(TimeOffInput, request).validated_data
        dry_run = asked["dry_run"]
        away = time_off.take(
            therapist_named(asked, user), asked["start"], asked["end"], asked["reason"], user, now, dry_run=dry_run
        )
        hit = render_appointments(away.hit, user, now)
        answer = _rendered(away.time_off) | {"dry_run": dry_run, "appointments": [hit[pk] for pk in away.hit]}
        return Response(answer, status=status.HTTP_200_OK if dry_run else status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Take a time off back."""
        time_off.end_time_off(_one(request, pk).pk, user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _worker(request: Request) -> User:
    """The caller. Raises PermissionDenied for patients."""
    user = user_of(request)
    if user.role == Role.PATIENT:
        raise PermissionDenied("Only therapists and operators see and take time off.")
    return user


def _visible(request: Request) -> QuerySet[TimeOff]:
    user = _worker(request)
    rows = TimeOff.objects.select_related("therapist").order_by("start", "id")
    if user.role == Role.THERAPIST:
        return rows.filter(therapist=user)
    return rows if user.role == Role.ADMIN else rows.filter(therapist__institution_id=user.institution_id)


def _one(request: Request, pk: str) -> TimeOff:
    row = _visible(request).filter(pk=int(pk)).first()
    if row is None:
        raise NotFound("No such time off.")
    return row


def _rendered(row: TimeOff) -> dict[str, Any]:
    return {
        "id": row.pk,
        "therapist": row.therapist_id,
        "therapist_name": row.therapist.display_name,
        "start": instant(row.start),
        "end": instant(row.end),
        "reason": row.reason,
        "created_at": instant(row.created_at),
    }
