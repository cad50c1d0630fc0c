"""The inbox by polling: the same rows and numbers as the socket's."""

from typing import Any, Final

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from appointments.api.access import user_of
from appointments.api.rendering import instant
from appointments.errors import InvalidInput, NotFound
from appointments.events import EventType
from core.web.arrival import arrived_at
from core.web.idempotency import Idempotent
from realtime.inbox import bounds, mark_read, unread_count
from realtime.models import Notification
from realtime.rendering import as_resource, told_to

LARGEST_SEQ: Final = 2**53


class InboxQuery(serializers.Serializer[Any]):
    after = serializers.IntegerField(required=False, min_value=0, max_value=LARGEST_SEQ, help_text="Ascending from it.")
    before = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_SEQ, help_text="Newest first.")
    limit = serializers.IntegerField(default=50, min_value=1, max_value=200)
    unread = serializers.BooleanField(required=False, allow_null=True, default=None)


class NotificationSchema(serializers.Serializer[Any]):
    seq = serializers.IntegerField(help_text="1, 2, 3 … without gaps for each recipient.")
    type = serializers.ChoiceField(choices=EventType.choices)
    title = serializers.CharField()
    message = serializers.CharField(allow_blank=True)
    appointment = serializers.IntegerField(allow_null=True)
    data = serializers.DictField(  # type: ignore[assignment]
        help_text="`appointment` as the reader sees it now, or null; and the event's facts."
    )
    created_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)


class InboxSchema(serializers.Serializer[Any]):
    server_time = serializers.DateTimeField()
    last_seq = serializers.IntegerField()
    oldest_seq = serializers.IntegerField(help_text="What is older has been deleted.")
    unread_count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True, help_text="The next page in the same direction.")
    results = NotificationSchema(many=True)


class ReadSchema(serializers.Serializer[Any]):
    read = serializers.IntegerField(help_text="How many became read.")
    unread_count = serializers.IntegerField()


class NotificationsView(Idempotent):
    """The caller's notifications."""

    @extend_schema(parameters=[InboxQuery], responses=InboxSchema)
    def get(self, request: Request) -> Response:
        """Ascending with `after`, else newest first."""
        user, now = user_of(request), arrived_at(request)
        asked = _asked(request)
        # Read first: a number that is given meanwhile must not be promised without its row.
        known = bounds(user.pk)
        rows = Notification.objects.filter(recipient=user, seq__lte=known.last_seq)
        if asked["unread"] is not None:
            rows = rows.filter(read_at__isnull=asked["unread"])
        if "after" in asked:
            rows = rows.filter(seq__gt=asked["after"]).order_by("seq")
        else:
            rows = rows.filter(seq__lt=asked.get("before", LARGEST_SEQ)).order_by("-seq")
        page = list(rows[: asked["limit"] + 1])
        shown = page[: asked["limit"]]
        told = told_to(user, shown, now)
        return Response(
            {
                "server_time": instant(now),
                "last_seq": known.last_seq,
                "oldest_seq": known.oldest_seq,
                "unread_count": unread_count(user),
                "next": _next(request, shown[-1].seq, asked) if len(page) > len(shown) else None,
                "results": [as_resource(one, row) for one, row in zip(told, shown, strict=True)],
            }
        )


def _asked(request: Request) -> dict[str, Any]:
    form = InboxQuery(data={name: value for name, value in request.query_params.items() if value != ""})
    form.is_valid(raise_exception=True)
    asked: dict[str, Any] = form.validated_data
    if "after" in asked and "before" in asked:
        raise InvalidInput("Send either after or before.", attr="before")
    return asked


def _next(request: Request, seq: int, asked: dict[str, Any]) -> str:
    url = remove_query_param(remove_query_param(request.build_absolute_uri(), "after"), "before")
    return str(replace_query_param(url, "after" if "after" in asked else "before", seq))


class ReadView(Idempotent):
    """Tick one notification off."""

    @extend_schema(request=None, responses=ReadSchema)
    def post(self, request: Request, seq: int) -> Response:
        """Mark it as read."""
        user = user_of(request)
        if seq > LARGEST_SEQ or not Notification.objects.filter(recipient=user, seq=seq).exists():
            raise NotFound("No such notification.")
        return _ticked(request, Q(seq=seq))


class ReadAllView(Idempotent):
    """Tick all notifications off."""

    @extend_schema(request=None, responses=ReadSchema)
    def post(self, request: Request) -> Response:
        """Mark all as read."""
        return _ticked(request, Q())


def _ticked(request: Request, where: Q) -> Response:
    user = user_of(request)
    read = mark_read(user.pk, where, arrived_at(request))
    return Response({"read": read, "unread_count": unread_count(user)})
