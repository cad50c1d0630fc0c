"""Booking as other systems do it: look which times of the day are free, then insert; nothing locks, nothing forbids."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from rest_framework import status
from rest_framework.generics import CreateAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer

from appointments.models import HELD
from core.accounts.models import Institution, User

HALF_HOUR = timedelta(minutes=30)
OPENS, TIMES = 8, 16
COLUMNS = 'institution_id, patient_id, therapist_id, start, "end", status, notes, created_at'
COPY = f"""
INSERT INTO benchmarks_booking ({COLUMNS})
SELECT {COLUMNS} FROM appointments_appointment WHERE therapist_id IS NOT NULL
"""


class Booking(models.Model):
    """An appointment with the columns that every such system has, and their usual indexes."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    start = models.DateTimeField(db_index=True)
    end = models.DateTimeField()
    status = models.CharField(max_length=20, default="pending")
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "benchmarks"

    def __str__(self) -> str:
        return f"booking {self.pk}"


class BookingSerializer(ModelSerializer):
    class Meta:
        model = Booking
        fields = "__all__"


class PeerBooking(CreateAPIView):
    """A query for each half hour of the day, as measured at four such systems (17 to 26 a request), then the insert."""

    serializer_class = BookingSerializer

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = BookingSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if form.validated_data["start"] not in self.free_times(**form.validated_data):
            return Response({"detail": "Not available."}, status=status.HTTP_409_CONFLICT)
        form.save()
        return Response(form.data, status=status.HTTP_201_CREATED)

    def free_times(self, therapist: User, start: datetime, **rest: Any) -> list[datetime]:
        opens = start.replace(hour=OPENS, minute=0)
        times = [opens + place * HALF_HOUR for place in range(TIMES)]
        return [time for time in times if not taken(therapist, time)]


class LeanBooking(PeerBooking):
    """The least that can be called a check: one query for the wished time."""

    def free_times(self, therapist: User, start: datetime, **rest: Any) -> list[datetime]:
        return [] if taken(therapist, start) else [start]


def taken(therapist: User, start: datetime) -> bool:
    """Tell whether the therapist has something then."""
    rows = Booking.objects.filter(therapist=therapist, status__in=HELD, start__lt=start + HALF_HOUR, end__gt=start)
    return rows.exists()


@contextmanager
def own_table() -> Iterator[None]:
    """The peers' table for the time of the block, with as many rows as the product's."""
    with connection.schema_editor() as editor:
        editor.create_model(Booking)
    try:
        with connection.cursor() as cursor:
            cursor.execute(COPY)
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Booking)
