"""Published time: slots, many at once, and what of it can be booked."""

from datetime import date
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from appointments.api import schemas
from appointments.api.access import read, user_of
from appointments.api.inputs import LONGEST_DURATION, IdField
from appointments.api.rendering import instant
from appointments.api.times import require_sane_year
from appointments.api.vocabulary import in_our_words
from appointments.errors import InvalidInput, NotFound, PermissionDenied
from appointments.models import TimeSlot
from appointments.selectors.free_therapists import therapists_for
from appointments.selectors.slots import available, bookable_slots, slots_for
from appointments.services import slots
from appointments.services.slots import EVERY_DAY, MOST_PLACES, Hours, Shifts
from core.accounts.models import Role, User
from core.web.arrival import arrived_at
from core.web.idempotency import Idempotent


class WeekdaysField(serializers.CharField):
    """Weekdays as a list of numbers or as "0,2,4"; 0 is Monday."""

    default_error_messages = {"weekdays": "Name weekdays by 0 (Monday) to 6, such as 0,2,4."}  # noqa: RUF012

    def to_internal_value(self, data: Any) -> tuple[int, ...]:  # type: ignore[override]
        words = data if isinstance(data, list) else str(data).split(",")
        if not words or any(str(word).strip() not in set("0123456") for word in words):
            self.fail("weekdays")
        return tuple(sorted({int(str(word).strip()) for word in words}))


class DayField(serializers.DateField):
    """A calendar day within reach."""

    def to_internal_value(self, value: Any) -> date:
        day = super().to_internal_value(value)
        try:
            require_sane_year(day, "")
        except InvalidInput as refused:
            raise serializers.ValidationError(str(refused)) from refused
        return day


def places(**kwargs: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=MOST_PLACES, **kwargs)


class SlotInput(serializers.Serializer[Any]):
    therapist = IdField(required=False)
    date = DayField()
    start_time = serializers.TimeField()
    end_time = serializers.TimeField()
    is_available = serializers.BooleanField(default=True)
    max_appointments = places(default=1)
    is_recurring = serializers.BooleanField(default=False)
    recurring_days = WeekdaysField(required=False)
    recurring_end_date = DayField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["is_recurring"] and "recurring_end_date" not in attrs:
            raise serializers.ValidationError({"recurring_end_date": "This field is required."}, code="required")
        return attrs


class SlotChangeInput(serializers.Serializer[Any]):
    date = DayField(required=False)
    start_time = serializers.TimeField(required=False)
    end_time = serializers.TimeField(required=False)
    is_available = serializers.BooleanField(required=False)
    max_appointments = places(required=False)


class BulkInput(serializers.Serializer[Any]):
    therapist = IdField(required=False, help_text="Also called doctor.")
    start_date = DayField()
    end_date = DayField()
    start_time = serializers.TimeField()
    end_time = serializers.TimeField()
    slot_duration_minutes = serializers.IntegerField(min_value=5, max_value=LONGEST_DURATION)
    break_duration_minutes = serializers.IntegerField(min_value=0, max_value=LONGEST_DURATION, default=0)
    weekdays = WeekdaysField(required=False)
    max_appointments_per_slot = places(default=1)
    dry_run = serializers.BooleanField(default=False)


class SlotQuery(serializers.Serializer[Any]):
    therapist = IdField(required=False)
    date = DayField(required=False)
    date_from = DayField(required=False)
    date_to = DayField(required=False)
    available_only = serializers.BooleanField(default=False)


class ScopeQuery(serializers.Serializer[Any]):
    only_this = serializers.BooleanField(default=False)


class AvailabilityInput(serializers.Serializer[Any]):
    therapist = IdField(help_text="Also called doctor_id.")
    date = DayField()
    duration_minutes = serializers.IntegerField(min_value=1, max_value=LONGEST_DURATION, default=30)


SCOPE = OpenApiParameter("only_this", bool, description="Of a series, this occurrence alone.")


class TimeSlotViewSet(Idempotent, GenericViewSet[TimeSlot]):
    """Everybody reads the institution's slots; therapists publish their own, operators everybody's."""

    queryset = TimeSlot.objects.none()
    serializer_class = schemas.TimeSlotSchema
    lookup_value_regex = r"[0-9]{1,18}"
    filter_backends = ()

    @extend_schema(parameters=[SlotQuery], responses=schemas.TimeSlotSchema(many=True))
    def list(self, request: Request) -> Response:
        """Slots by time."""
        asked, now = query_of(SlotQuery, request), arrived_at(request)
        rows = _filtered(slots_for(user_of(request), now), asked)
        rows = available(rows, now) if asked["available_only"] else rows
        page = self.paginate_queryset(rows)
        return self.get_paginated_response([rendered(row) for row in page or []])

    @extend_schema(responses=schemas.TimeSlotSchema)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One slot."""
        return Response(rendered(_slot(request, pk)))

    @extend_schema(request=SlotInput, responses={201: schemas.TimeSlotSchema})
    def create(self, request: Request) -> Response:
        """Publish a slot, or with `is_recurring` all its occurrences; answers the first."""
        user, now = user_of(request), arrived_at(request)
        _require_publisher(user)
        asked = read(SlotInput, request).validated_data
        therapist = therapist_named(asked, user)
        hours = Hours(
            start_time=asked["start_time"],
            end_time=asked["end_time"],
            places=asked["max_appointments"],
            is_available=asked["is_available"],
        )
        if asked["is_recurring"]:
            days = asked.get("recurring_days") or (asked["date"].weekday(),)
            shifts = Shifts(first=asked["date"], last=asked["recurring_end_date"], weekdays=days)
            first = slots.publish_weekly(therapist, shifts, hours, user, now).slots[0].pk
        else:
            first = slots.publish(therapist, asked["date"], hours, user, now).pk
        return Response(rendered(slots_for(user, now).get(pk=first)), status=status.HTTP_201_CREATED)

    @extend_schema(request=SlotChangeInput, parameters=[SCOPE], responses=schemas.TimeSlotSchema)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a slot; of a series all future free occurrences."""
        user, now = user_of(request), arrived_at(request)
        slot = _slot(request, pk)
        _require_publisher(user)
        asked = read(SlotChangeInput, request).validated_data
        changed = slots.change(slot.pk, asked, user, now, only_this=_only_this(request))
        shown = slot.pk if slot.pk in {row.pk for row in changed} else changed[0].pk
        return Response(rendered(slots_for(user, now).get(pk=shown)))

    @extend_schema(parameters=[SCOPE], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Withdraw a slot; of a series all future free occurrences."""
        slot = _slot(request, pk)
        _require_publisher(user_of(request))
        slots.withdraw(slot.pk, user_of(request), arrived_at(request), only_this=_only_this(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=BulkInput, responses={200: schemas.BulkSchema, 201: schemas.BulkSchema})
    @action(detail=False, methods=["post"])
    def bulk_create(self, request: Request) -> Response:
        """Cut the hours of many days into slots; with `dry_run` only tell which."""
        user, now = user_of(request), arrived_at(request)
        _require_publisher(user)
        asked = read(BulkInput, request).validated_data
        done = slots.publish_many(
            therapist_named(asked, user),
            Shifts(first=asked["start_date"], last=asked["end_date"], weekdays=asked.get("weekdays") or EVERY_DAY),
            Hours(
                start_time=asked["start_time"],
                end_time=asked["end_time"],
                places=asked["max_appointments_per_slot"],
            ),
            user,
            now,
            minutes=asked["slot_duration_minutes"],
            pause=asked["break_duration_minutes"],
            dry_run=asked["dry_run"],
        )
        answer = {
            "created": 0 if asked["dry_run"] else len(done.slots),
            "skipped": done.skipped,
            "slots": [rendered(row) for row in done.slots],
        }
        return Response(answer, status=status.HTTP_200_OK if asked["dry_run"] else status.HTTP_201_CREATED)


class CheckAvailabilityView(Idempotent):
    """When a therapist can be booked on a day."""

    @extend_schema(request=AvailabilityInput, responses=schemas.AvailabilitySchema)
    def post(self, request: Request) -> Response:
        """The slots of that day with a free place, long enough for the visit."""
        user, now = user_of(request), arrived_at(request)
        asked = read(AvailabilityInput, request).validated_data
        therapist = therapists_for(user).filter(pk=asked["therapist"]).first()
        if therapist is None:
            raise InvalidInput("No such therapist.", code="does_not_exist", attr="doctor_id")
        rows = list(bookable_slots(therapist.pk, asked["date"], asked["duration_minutes"], now))
        return Response(
            {
                "doctor_id": therapist.pk,
                "date": asked["date"].isoformat(),
                "available_slots": [_available(row, asked["duration_minutes"]) for row in rows],
                "total_slots": len(rows),
            }
        )


def rendered(slot: TimeSlot) -> dict[str, Any]:
    """A slot as JSON; `can_book` is there where the row was read through `slots_for`."""
    assert slot.therapist.institution is not None
    return {
        "id": slot.pk,
        "therapist": slot.therapist_id,
        "therapist_name": slot.therapist.display_name,
        "date": slot.date.isoformat(),
        "start_time": slot.start_time.isoformat(),
        "end_time": slot.end_time.isoformat(),
        "start": instant(slot.start),
        "end": instant(slot.end),
        "timezone": slot.therapist.institution.timezone,
        "is_available": slot.is_available,
        "is_booked": slot.current_appointments + slot.held_places >= slot.max_appointments,
        "max_appointments": slot.max_appointments,
        "current_appointments": slot.current_appointments,
        "is_recurring": slot.series is not None,
        "recurring_days": slot.recurring_days,
        "recurring_end_date": slot.recurring_end_date and slot.recurring_end_date.isoformat(),
        "can_book": getattr(slot, "can_book", slot.is_available),
    }


def _available(slot: TimeSlot, minutes: int) -> dict[str, Any]:
    return {
        "slot_id": slot.pk,
        "start_time": slot.start_time.isoformat(),
        "end_time": slot.end_time.isoformat(),
        "start": instant(slot.start),
        "end": instant(slot.end),
        "duration_minutes": minutes,
        "available_count": slot.max_appointments - slot.current_appointments - slot.held_places,
    }


def _slot(request: Request, pk: str) -> TimeSlot:
    """The slot where the caller sees it. Raises NotFound."""
    slot = slots_for(user_of(request), arrived_at(request)).filter(pk=int(pk)).first()
    if slot is None:
        raise NotFound("No such time slot.")
    return slot


def _require_publisher(user: User) -> None:
    if user.role == Role.PATIENT:
        raise PermissionDenied("Only therapists and operators publish time.")


def therapist_named(asked: dict[str, Any], user: User) -> int:
    """The therapist named, or the caller. Raises InvalidInput."""
    if "therapist" in asked:
        return int(asked["therapist"])
    if user.role == Role.THERAPIST:
        return user.pk
    raise InvalidInput("This field is required.", code="required", attr="therapist")


def query_of(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The checked query string."""
    bound = form(data=in_our_words({name: value for name, value in request.query_params.items() if value != ""}))
    bound.is_valid(raise_exception=True)
    return bound.validated_data


def _only_this(request: Request) -> bool:
    return bool(query_of(ScopeQuery, request)["only_this"])


def _filtered(rows: QuerySet[TimeSlot], asked: dict[str, Any]) -> QuerySet[TimeSlot]:
    lookups = {"therapist": "therapist_id", "date": "date", "date_from": "date__gte", "date_to": "date__lte"}
    return rows.filter(**{lookups[name]: asked[name] for name in lookups if name in asked})
