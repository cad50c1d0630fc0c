"""Therapists: who there is, who is free, suspension and its undoing; and the breaker."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from appointments.api import inputs, schemas
from appointments.api.access import read, require_staff, user_of
from appointments.api.booking import service_of
from appointments.api.inputs import LONGEST_DURATION, IdField
from appointments.api.rendering import instant, render_appointments
from appointments.api.times import require_sane_year
from appointments.errors import NotFound
from appointments.models import Appointment, AppointmentStatus, Service
from appointments.policy import current_policy
from appointments.selectors.free_therapists import (
    answer_history,
    answer_rate,
    free_among,
    therapists_for,
)
from appointments.services import suspension, time_off
from core.accounts.models import AccountLog, Institution, Role, User
from core.web.arrival import arrived_at
from core.web.fields import InstantField
from core.web.idempotency import Idempotent

STAFF = (Role.OPERATOR, Role.ADMIN)


class TherapistQuery(serializers.Serializer[Any]):
    free_at = InstantField(required=False)
    duration_minutes = serializers.IntegerField(default=30, min_value=1, max_value=LONGEST_DURATION)
    service = IdField(required=False)
    is_active = serializers.BooleanField(required=False, allow_null=True, default=None)
    search = serializers.CharField(required=False, max_length=100)


class TherapistViewSet(Idempotent, GenericViewSet[User]):
    """Operators read every field and may suspend and reinstate; others see the active ones by name."""

    queryset = User.objects.none()
    serializer_class = schemas.TherapistSchema
    lookup_value_regex = r"[0-9]{1,18}"
    filter_backends = ()

    @extend_schema(parameters=[TherapistQuery], responses=schemas.TherapistSchema(many=True))
    def list(self, request: Request) -> Response:
        """The institution's therapists; with `free_at` those who could come then."""
        user, now = user_of(request), arrived_at(request)
        query = {name: value for name, value in request.query_params.items() if value != ""}
        form = TherapistQuery(data=query)
        form.is_valid(raise_exception=True)
        page = self.paginate_queryset(_filtered(therapists_for(user), form.validated_data, user, now))
        return self.get_paginated_response(_rendered(page or [], user, now))

    @extend_schema(responses=schemas.TherapistSchema)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One therapist."""
        return Response(_shown(_therapist(request, pk), request))

    @extend_schema(request=inputs.DisableInput, responses=schemas.TherapistSchema)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """Suspend: signed out everywhere, waiting offers go back."""
        therapist = _therapist(request, pk)
        actor = require_staff(request)
        reason = read(inputs.DisableInput, request).validated_data["reason"]
        return Response(_shown(suspension.disable(therapist.pk, reason, actor, arrived_at(request)), request))

    @extend_schema(request=inputs.EnableInput, responses=schemas.EnabledSchema)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Reinstate, and bring auto-cancelled appointments back within 72 hours."""
        therapist = _therapist(request, pk)
        actor = require_staff(request)
        wanted = read(inputs.EnableInput, request).validated_data["restore_appointments"]
        done = suspension.enable(therapist.pk, actor, arrived_at(request), wanted)
        outcome = {
            "restored_appointments": [appointment.pk for appointment in done.restored],
            "refused_appointments": [{"appointment": pk, "code": code} for pk, code in done.refused.items()],
        }
        return Response(_shown(done.therapist, request) | outcome)

    @extend_schema(request=inputs.RedistributeInput, responses=schemas.RedistributedSchema)
    @action(detail=True, methods=["post"])
    def redistribute(self, request: Request, pk: str) -> Response:
        """Give the therapist a day off and search somebody for each appointment; with `dry_run` only tell whom."""
        therapist = _therapist(request, pk)
        actor, now = require_staff(request), arrived_at(request)
        asked = read(inputs.RedistributeInput, request).validated_data
        require_sane_year(asked["date"], "date")
        moves = time_off.redistribute(therapist, asked["date"], actor, now, dry_run=asked["dry_run"])
        rows = render_appointments([move.appointment.pk for move in moves], actor, now)
        return Response(
            {
                "dry_run": asked["dry_run"],
                "therapist": therapist.pk,
                "date": asked["date"].isoformat(),
                "appointments": [
                    {
                        "appointment": rows[move.appointment.pk],
                        "candidate": move.candidate and {"id": move.candidate.id, "name": move.candidate.name},
                        "refused": move.refused,
                    }
                    for move in moves
                ],
            }
        )

    @extend_schema(responses=schemas.AccountLogSchema(many=True))
    @action(detail=True)
    def logs(self, request: Request, pk: str) -> Response:
        """When and why the account was suspended and reinstated, newest first."""
        therapist = _therapist(request, pk)
        require_staff(request)
        rows = AccountLog.objects.filter(user=therapist).select_related("performed_by")
        page: Any = self.paginate_queryset(rows)  # type: ignore[arg-type]
        return self.get_paginated_response([_account_log(row) for row in page or []])


def _therapist(request: Request, pk: str) -> User:
    """The therapist where the caller sees them. Raises NotFound."""
    therapist = therapists_for(user_of(request)).filter(pk=int(pk)).first()
    if therapist is None:
        raise NotFound("No such therapist.")
    return therapist


def _filtered(rows: QuerySet[User], asked: dict[str, Any], user: User, now: datetime) -> QuerySet[User]:
    institutions: QuerySet[Institution] = Institution.objects.all()
    if user.role != Role.ADMIN:
        institutions = institutions.filter(pk=user.institution_id)
    service = asked.get("service")
    if service is not None and user.role != Role.ADMIN:
        service_of(service, user.institution_id)
    if service is not None:
        qualified = Service.therapists.through.objects.filter(service_id=service).values("user_id")
        rows = rows.filter(Q(pk__in=qualified) | Q(services__isnull=True))
    if asked["is_active"] is not None:
        rows = rows.filter(is_active=asked["is_active"])
    for word in asked.get("search", "").split():
        names = Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(username__icontains=word)
        rows = rows.filter(names)
    if "free_at" in asked:
        end = asked["free_at"] + timedelta(minutes=asked["duration_minutes"])
        rows = free_among(rows, institutions, asked["free_at"], end, now)
    return rows.order_by("id").distinct()


def _shown(therapist: User, request: Request) -> dict[str, Any]:
    return _rendered([therapist], user_of(request), arrived_at(request))[0]


def _rendered(therapists: list[User], reader: User, now: datetime) -> list[dict[str, Any]]:
    """Four queries for any number of therapists."""
    ids = [therapist.pk for therapist in therapists]
    services: dict[int, list[int]] = {pk: [] for pk in ids}
    for user_id, service_id in Service.therapists.through.objects.filter(user_id__in=ids).values_list(
        "user_id", "service_id"
    ):
        services[user_id].append(service_id)
    rows = [{"id": one.pk, "name": one.display_name, "services": sorted(services[one.pk])} for one in therapists]
    if reader.role not in STAFF:
        return rows
    offers = dict(
        Appointment.objects.filter(status=AppointmentStatus.PENDING, therapist_id__in=ids)
        .values_list("therapist_id")
        .annotate(Count("id"))
        .order_by()
    )
    history = {row["therapist_id"]: row for row in answer_history(ids, now - current_policy().answer_rate_over)}
    for row, one in zip(rows, therapists, strict=True):
        past = history.get(one.pk, {})
        row |= {
            "username": one.username,
            "email": one.email,
            "phone": one.phone,
            "institution": one.institution_id,
            "is_active": one.is_active,
            "taking_appointments": one.taking_appointments,
            "away_until": instant(one.away_until),
            "suspended_at": instant(one.suspended_at),
            "suspension_reason": one.suspension_reason,
            "open_offers": offers.get(one.pk, 0),
            "answer_rate": answer_rate(past.get("answered", 0), past.get("expired", 0)),
        }
    return rows


def _account_log(row: AccountLog) -> dict[str, Any]:
    return {
        "id": row.pk,
        "therapist": row.user_id,
        "action": row.action,
        "performed_by": row.performed_by_id,
        "performed_by_name": row.performed_by.display_name if row.performed_by else "System",
        "timestamp": instant(row.timestamp),
        "reason": row.reason,
        "old_values": row.old_values,
        "new_values": row.new_values,
    }
