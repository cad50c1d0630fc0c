"""The product's site with some endpoints more, to be compared with the product's on the same server."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import include, path
from django.utils import timezone
from rest_framework.generics import CreateAPIView, ListAPIView
from rest_framework.serializers import BaseSerializer, ModelSerializer

from appointments.models import Appointment, AppointmentLog, Assignment, AssignmentStatus, Origin
from core.outbox.models import Lane, OutboxEntry


class BareSerializer(ModelSerializer):
    class Meta:
        model = Appointment
        fields = ("id", "institution", "patient", "therapist", "start", "end", "appointment_date", "appointment_time")


class BareCreate(CreateAPIView):
    """As many rows as `assign` writes, under no rule at all."""

    queryset = Appointment.objects.all()
    serializer_class = BareSerializer

    @transaction.atomic
    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        now = timezone.now()
        made = serializer.save(origin=Origin.OPERATOR, assigned_at=now, response_deadline=now)
        Assignment.objects.create(
            appointment=made,
            therapist=made.therapist,
            origin=Origin.OPERATOR,
            status=AssignmentStatus.OFFERED,
            assigned_at=now,
        )
        AppointmentLog.objects.create(
            appointment=made,
            action="created",
            performed_by=self.request.user,
            timestamp=now,
            new_values={"id": made.pk},
        )
        stream = f"appointment:{made.pk}"
        for lane in Lane:
            OutboxEntry.objects.create(
                lane=lane, stream=stream, kind="bare", payload={"id": made.pk}, created_at=now, available_at=now
            )


class BareRow(ModelSerializer):
    class Meta:
        model = Appointment
        fields = "__all__"


class BareList(ListAPIView):
    """Twenty rows with all their columns, under no rule, uncounted."""

    serializer_class = BareRow
    pagination_class = None
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Appointment]:
        return Appointment.objects.filter(institution=self.request.user.institution_id).order_by("-start", "-id")[:20]


urlpatterns = [
    path("bare/", BareCreate.as_view()),
    path("bare/list/", BareList.as_view()),
    path("", include("core.urls")),
]
