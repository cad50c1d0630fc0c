"""How far an offer has come on its way to the therapist."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from appointments.models import Assignment


def offers_told(
    assignment_ids: Iterable[int], graced_appointment_ids: Iterable[int]
) -> dict[tuple[int | None, int], int]:
    """The assignments of new offers, and the live ones of appointments whose clock was graced.

    By (appointment, therapist).
    """
    graced = Q(appointment_id__in=list(graced_appointment_ids), ended_at__isnull=True)
    rows = Assignment.objects.filter(Q(pk__in=list(assignment_ids)) | graced)
    return {(row.appointment_id, row.therapist_id): row.pk for row in rows}


def record_notified(assignment_ids: Iterable[int], now: datetime) -> None:
    """The offers' notifications were written: from now on a silence may be held against the therapist."""
    Assignment.objects.filter(pk__in=list(assignment_ids), notified_at__isnull=True).update(notified_at=now)


def record_delivered(assignment_ids: Iterable[int], now: datetime) -> None:
    """The offers reached one of the therapist's devices."""
    Assignment.objects.filter(pk__in=list(assignment_ids), delivered_at__isnull=True).update(delivered_at=now)


def record_read(assignment_ids: Iterable[int], now: datetime) -> None:
    """The therapist has looked at the offers, so they were delivered too."""
    ids = list(assignment_ids)
    record_delivered(ids, now)
    Assignment.objects.filter(pk__in=ids, read_at__isnull=True).update(read_at=now)
