"""The waiting list: joining and leaving it, and the answer to a place that is held."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from appointments.api import schemas
from appointments.api.access import STAFF, read, require_staff, shown, user_of
from appointments.api.booking import patient_of
from appointments.api.inputs import LONGEST_TEXT, IdField, text
from appointments.api.rendering import instant
from appointments.api.slots import DayField, query_of
from appointments.errors import Conflict, NotFound, PermissionDenied
from appointments.models import AppointmentType, WaitingList, WaitingOffer
from appointments.models.waiting_list import FIRST, LAST, USUAL
from appointments.selectors.waiting_list import waiting_for
from appointments.services import waiting_list
from appointments.services.waiting_list import Wish
from core.accounts.models import Role, User
from core.web.arrival import arrived_at
from core.web.idempotency import Idempotent


class WishInput(serializers.Serializer[Any]):
    patient = IdField(required=False, allow_null=True, help_text="Staff name the patient; patients wait themselves.")
    therapist = IdField(required=False, allow_null=True, help_text="Also called doctor; left out: anybody.")
    preferred_date = DayField()
    preferred_time_start = serializers.TimeField(required=False, allow_null=True)
    preferred_time_end = serializers.TimeField(required=False, allow_null=True)
    appointment_type = serializers.ChoiceField(choices=AppointmentType.choices, default=AppointmentType.THERAPY)
    reason = text()
    priority = serializers.IntegerField(
        min_value=FIRST, max_value=LAST, default=USUAL, help_text="1 first; staff only."
    )


class WishChangeInput(serializers.Serializer[Any]):
    """Every field is optional."""

    therapist = IdField(required=False, allow_null=True)
    preferred_date = DayField(required=False)
    preferred_time_start = serializers.TimeField(required=False, allow_null=True)
    preferred_time_end = serializers.TimeField(required=False, allow_null=True)
    appointment_type = serializers.ChoiceField(choices=AppointmentType.choices, required=False)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_TEXT)
    priority = serializers.IntegerField(min_value=FIRST, max_value=LAST, required=False, help_text="Staff only.")


class NotifyInput(serializers.Serializer[Any]):
    time_slot = IdField(required=False, allow_null=True, help_text="Left out: the first free one that suits.")


class AnswerInput(serializers.Serializer[Any]):
    offer = IdField(required=False, allow_null=True, help_text="The id of the offer that the caller has seen.")


class WaitingQuery(serializers.Serializer[Any]):
    patient = IdField(required=False)
    therapist = IdField(required=False)
    preferred_date = DayField(required=False)
    is_active = serializers.BooleanField(required=False, allow_null=True, default=None)


class WaitingListViewSet(Idempotent, GenericViewSet[WaitingList]):
    """Patients see their own entries and answer for themselves; operators see and do everything."""

    queryset = WaitingList.objects.none()
    serializer_class = schemas.WaitingListSchema
    lookup_value_regex = r"[0-9]{1,18}"
    filter_backends = ()

    @extend_schema(parameters=[WaitingQuery], responses=schemas.WaitingListSchema(many=True))
    def list(self, request: Request) -> Response:
        """Who waits, in the order in which they are served."""
        _refuse_therapists(request)
        asked = query_of(WaitingQuery, request)
        lookups = {"patient": "patient_id", "therapist": "therapist_id"}
        wanted = {lookups.get(name, name): value for name, value in asked.items() if value is not None}
        page = self.paginate_queryset(_visible(request).filter(**wanted))
        return self.get_paginated_response([_rendered(row) for row in page or []])

    @extend_schema(responses=schemas.WaitingListSchema)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One entry."""
        return Response(_rendered(_one(request, int(pk))))

    @extend_schema(request=WishInput, responses={201: schemas.WaitingListSchema})
    def create(self, request: Request) -> Response:
        """Wait for a place on a day; of the wish only the day is required."""
        actor = _refuse_therapists(request)
        asked = read(WishInput, request).validated_data
        patient = patient_of(asked.pop("patient", None), actor)
        if actor.role == Role.PATIENT:
            asked["priority"] = USUAL  # the staff's to say
        wish = Wish(patient=patient, therapist_id=asked.pop("therapist", None), **asked)
        entry = waiting_list.join(wish, actor, arrived_at(request))
        return Response(_rendered(_one(request, entry.pk)), status=status.HTTP_201_CREATED)

    @extend_schema(request=WishChangeInput, responses=schemas.WaitingListSchema)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the wish; operators also the priority."""
        entry, actor = _one(request, int(pk)), user_of(request)
        asked = read(WishChangeInput, request).validated_data
        if "priority" in asked and actor.role not in STAFF:
            raise PermissionDenied("Only operators say who comes first.")
        if "therapist" in asked:
            asked["therapist_id"] = asked.pop("therapist")
        with _showing_current(request, entry):
            waiting_list.change(entry.pk, asked, arrived_at(request))
        return Response(_rendered(_one(request, entry.pk)))

    @extend_schema(request=NotifyInput, responses=schemas.WaitingListSchema)
    @action(detail=True, methods=["post"])
    def notify(self, request: Request, pk: str) -> Response:
        """Offer a free place out of turn; where there is none, ask the patient to look for one."""
        entry = _one(request, int(pk))
        require_staff(request)
        slot_id = read(NotifyInput, request).validated_data.get("time_slot")
        with _showing_current(request, entry):
            waiting_list.notify(entry.pk, arrived_at(request), slot_id)
        return Response(_rendered(_one(request, entry.pk)))

    @extend_schema(request=None, responses=schemas.WaitingListSchema)
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, pk: str) -> Response:
        """Leave the list; a place that is held goes to the next."""
        entry = _one(request, int(pk))
        with _showing_current(request, entry):
            waiting_list.deactivate(entry.pk, arrived_at(request))
        return Response(_rendered(_one(request, entry.pk)))

    @extend_schema(request=AnswerInput, responses={201: schemas.AppointmentSchema})
    @action(detail=True, methods=["post"])
    def accept_offer(self, request: Request, pk: str) -> Response:
        """Take the place that is held: an appointment that its therapist is asked to accept."""
        entry, actor = _one(request, int(pk)), user_of(request)
        offer_id = read(AnswerInput, request).validated_data.get("offer")
        with _showing_current(request, entry):
            appointment = waiting_list.accept_offer(entry.pk, actor, arrived_at(request), offer_id)
        return Response(shown(request, appointment.pk), status=status.HTTP_201_CREATED)

    @extend_schema(request=AnswerInput, responses=schemas.WaitingListSchema)
    @action(detail=True, methods=["post"])
    def decline_offer(self, request: Request, pk: str) -> Response:
        """Leave the place that is held to the next, and go on waiting."""
        entry = _one(request, int(pk))
        offer_id = read(AnswerInput, request).validated_data.get("offer")
        with _showing_current(request, entry):
            waiting_list.decline_offer(entry.pk, arrived_at(request), offer_id)
        return Response(_rendered(_one(request, entry.pk)))


def _refuse_therapists(request: Request) -> User:
    user = user_of(request)
    if user.role == Role.THERAPIST:
        raise PermissionDenied("The waiting list is for patients and operators.")
    return user


def _visible(request: Request) -> QuerySet[WaitingList]:
    return waiting_for(user_of(request))


def _one(request: Request, pk: int) -> WaitingList:
    row = _visible(request).filter(pk=pk).first()
    if row is None:
        raise NotFound("No such entry.")
    return row


@contextmanager
def _showing_current(request: Request, entry: WaitingList) -> Iterator[None]:
    """Let a conflict carry the entry as it is now."""
    try:
        yield
    except Conflict as conflict:
        conflict.extra.setdefault("current", _rendered(_one(request, entry.pk)))
        raise


def _rendered(row: Any) -> dict[str, Any]:
    offer = row.live[0] if row.live else None
    therapist_name = row.therapist.display_name if row.therapist else None
    return {
        "id": row.pk,
        "patient": row.patient_id,
        "patient_name": row.patient.display_name,
        "therapist": row.therapist_id,
        "therapist_name": therapist_name,
        "doctor": row.therapist_id,
        "doctor_name": therapist_name,
        "institution": row.institution_id,
        "preferred_date": row.preferred_date.isoformat(),
        "preferred_time_start": row.preferred_time_start.isoformat() if row.preferred_time_start else None,
        "preferred_time_end": row.preferred_time_end.isoformat() if row.preferred_time_end else None,
        "appointment_type": row.appointment_type,
        "reason": row.reason,
        "priority": row.priority,
        "is_active": row.is_active,
        "notified": row.notified_at is not None,
        "notified_at": instant(row.notified_at),
        "passed_at": instant(row.passed_at),
        "position": row.place,
        "offer_expires_at": instant(offer.expires_at) if offer else None,
        "offer": _offer(offer) if offer else None,
        "created_at": instant(row.created_at),
    }


def _offer(offer: WaitingOffer) -> dict[str, Any]:
    return {
        "id": offer.pk,
        "time_slot": offer.time_slot_id,
        "therapist": offer.therapist_id,
        "therapist_name": offer.therapist.display_name,
        "start": instant(offer.start),
        "end": instant(offer.end),
        "expires_at": instant(offer.expires_at),
    }
