"""The query string of appointment lists, checked as a whole and turned into conditions on what the reader sees."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import QueryDict
from rest_framework import serializers

from appointments.api.inputs import IdField
from appointments.api.times import require_sane_year
from appointments.api.vocabulary import in_our_words
from appointments.errors import InvalidInput
from appointments.models import Appointment, AppointmentStatus, AppointmentType
from appointments.selectors.conflicts import on_days
from appointments.selectors.searching import found_by
from appointments.selectors.visibility import held_by
from core.accounts.models import Role, User

S = AppointmentStatus
TABS: Final = {
    "upcoming": (S.CONFIRMED, S.ASSIGNED, S.IN_PROGRESS),
    "missed": (S.MISSED, S.NO_SHOW),
    "completed": (S.COMPLETED,),
}
STATUS_WORDS: Final = {
    **{status.value: (status,) for status in S},
    "accepted": (S.CONFIRMED, S.ASSIGNED),
    "scheduled": (S.CONFIRMED, S.ASSIGNED),
    "booked": (S.PENDING,),
}
FILTERS: Final = {
    "pending": (S.PENDING,),
    "accepted": (S.CONFIRMED, S.ASSIGNED, S.IN_PROGRESS, S.COMPLETED),
    "rejected": (S.REJECTED,),
}
ORDERINGS: Final = {
    "start": "start",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "response_deadline": "response_deadline",
    "status": "viewer_status",
    "id": "id",
}


class StatusWordsField(serializers.CharField):
    """Statuses, repeated or as a comma list."""

    def to_internal_value(self, data: Any) -> Any:
        words = [word.strip() for word in super().to_internal_value(data).split(",")]
        unknown = [word for word in words if word not in STATUS_WORDS]
        if unknown:
            raise serializers.ValidationError(f"Unknown status: {', '.join(unknown)}.", code="invalid_choice")
        return sorted({status for word in words for status in STATUS_WORDS[word]})


class ListQuery(serializers.Serializer[Any]):
    status = StatusWordsField(required=False, help_text="Repeatable or a comma list; also accepted, scheduled, booked.")
    filter = serializers.ChoiceField(choices=("pending", "accepted", "rejected", "all"), required=False)
    tab = serializers.ChoiceField(choices=tuple(TABS), required=False)
    date_from = serializers.DateField(required=False)
    date_to = serializers.DateField(required=False)
    therapist = IdField(required=False)
    patient = IdField(required=False)
    appointment_type = serializers.ChoiceField(choices=AppointmentType.choices, required=False)
    is_paid = serializers.BooleanField(required=False, allow_null=True, default=None)
    unassigned = serializers.BooleanField(required=False, allow_null=True, default=None)
    open = serializers.BooleanField(required=False, allow_null=True, default=None)
    overdue = serializers.BooleanField(required=False, allow_null=True, default=None)
    due_within = serializers.FloatField(required=False, min_value=0, max_value=525_600, help_text="Minutes.")
    search = serializers.CharField(required=False, max_length=100)
    ordering = serializers.CharField(default="start", help_text=f"{', '.join(ORDERINGS)}; a minus reverses.")

    def validate_ordering(self, value: str) -> list[str]:
        columns = []
        for word in value.split(","):
            name = word.strip()
            if name.removeprefix("-") not in ORDERINGS:
                raise serializers.ValidationError(f"Cannot order by {name}.", code="invalid_choice")
            columns.append(("-" if name.startswith("-") else "") + ORDERINGS[name.removeprefix("-")])
        # In the direction of what precedes it, so that an index can be read backwards.
        return [*columns, "-id" if columns[-1].startswith("-") else "id"]


def parsed(query: QueryDict) -> dict[str, Any]:
    """The checked query string. Raises ValidationError and InvalidInput naming the parameter."""
    flat: dict[str, Any] = {name: query[name] for name in query}
    if "status" in query:
        flat["status"] = ",".join(query.getlist("status"))
    form = ListQuery(data={name: value for name, value in in_our_words(flat).items() if value != ""})
    form.is_valid(raise_exception=True)
    for name in ("date_from", "date_to"):
        if name in form.validated_data:
            require_sane_year(form.validated_data[name], name)
    found = form.validated_data
    if "date_from" in found and "date_to" in found and found["date_to"] < found["date_from"]:
        raise InvalidInput("date_to lies before date_from.", attr="date_to")
    return found


def filtered(rows: QuerySet[Appointment], query: QueryDict, reader: User, now: datetime) -> QuerySet[Appointment]:
    """Narrow what the reader sees; every condition speaks of the status as this reader sees it."""
    asked = parsed(query)
    for condition in _conditions(asked, reader, now):
        rows = rows.filter(condition)
    return rows.order_by(*asked["ordering"])


def seen_whole(reader: User) -> Q:
    """Rows whose people the reader may know; what they lost cannot be found by the patient's name."""
    if reader.role != Role.THERAPIST:
        return Q()
    return held_by(reader.pk) | Q(_takeable=True)


def _conditions(asked: dict[str, Any], reader: User, now: datetime) -> Iterable[Q]:
    whole = seen_whole(reader)
    if "status" in asked:
        yield Q(viewer_status__in=asked["status"])
    if asked.get("filter", "all") != "all":
        yield _by_filter(asked["filter"], reader)
    if "tab" in asked:
        yield Q(viewer_status__in=TABS[asked["tab"]])
    yield on_days(asked.get("date_from"), asked.get("date_to"))
    if "therapist" in asked:
        yield whole & Q(therapist_id=asked["therapist"])
    if "patient" in asked:
        yield whole & Q(patient_id=asked["patient"])
    if "appointment_type" in asked:
        yield Q(appointment_type=asked["appointment_type"])
    if "search" in asked:
        yield found_by(asked["search"], reader, whole)
    yield from _by_flags(asked, whole, now)


def _by_flags(asked: dict[str, Any], whole: Q, now: datetime) -> Iterable[Q]:
    offered = whole & Q(status=S.PENDING, therapist__isnull=False)
    flags = {
        "is_paid": whole & Q(is_paid=True),
        "unassigned": whole & Q(status=S.PENDING, therapist__isnull=True),
        "open": whole & Q(open=True),
        "overdue": offered & Q(response_deadline__lte=now),
    }
    for name, condition in flags.items():
        if asked[name] is not None:
            yield condition if asked[name] else ~condition
    if "due_within" in asked:
        yield offered & Q(response_deadline__lte=now + timedelta(minutes=asked["due_within"]))


def _by_filter(word: str, reader: User) -> Q:
    if word == "rejected" and reader.role == Role.THERAPIST:
        return Q(pk__in=reader.rejections.values("appointment_id"))
    return Q(viewer_status__in=FILTERS[word])
