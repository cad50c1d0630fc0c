"""Figures over the appointments that somebody sees."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from appointments.models import (
    Appointment,
    AppointmentRejection,
    AppointmentStatus,
    AppointmentType,
    Assignment,
    AssignmentStatus,
)
from appointments.selectors.visibility import held_by
from core.accounts.models import Role, User

S = AppointmentStatus
NAMED = (S.COMPLETED, S.CANCELLED, S.AUTO_CANCELLED, S.MISSED, S.NO_SHOW)
ACCEPTED = (AssignmentStatus.ACCEPTED, AssignmentStatus.UPHELD)
REJECTED = (AssignmentStatus.REJECTED, AssignmentStatus.RELEASED, AssignmentStatus.UPHELD)
MOST_REASONS = 10


def statistics(rows: QuerySet[Appointment], reader: User) -> dict[str, Any]:
    """Counts by status and type, revenue, answers and shares, over rows that carry `viewer_status`.

    Therapists' figures speak of their own work: revenue of what they hold, answers they gave.
    """
    by_status = dict(rows.values_list("viewer_status").annotate(Count("id")).order_by())
    by_type = dict(rows.values_list("appointment_type").annotate(Count("id")).order_by())
    own = rows.filter(held_by(reader.pk)) if reader.role == Role.THERAPIST else rows
    paid = own.filter(is_paid=True).aggregate(total=Sum("consultation_fee"))["total"]
    return {
        "total": sum(by_status.values()),
        "by_status": {status: by_status.get(status, 0) for status in S.values},
        "by_type": {kind: by_type.get(kind, 0) for kind in AppointmentType.values},
        **{status.value: by_status.get(status.value, 0) for status in NAMED},
        "revenue": _money(paid),
        "response": _response(_of_reader(Assignment.objects.filter(appointment__in=rows.values("pk")), reader)),
        "rejection_reasons": _reasons(rows, reader),
        "by_therapist": _by_therapist(own),
    }


def _of_reader(assignments: QuerySet[Assignment], reader: User) -> QuerySet[Assignment]:
    return assignments.filter(therapist=reader) if reader.role == Role.THERAPIST else assignments


def _response(assignments: QuerySet[Assignment]) -> dict[str, Any]:
    """How offers were answered, and how long the answers took."""
    counts = assignments.aggregate(
        accepted=Count("id", filter=Q(answered_at__isnull=False) & ~Q(rejection__isnull=False)),
        rejected=Count("id", filter=Q(rejection__isnull=False)),
        expired=Count("id", filter=Q(status=AssignmentStatus.EXPIRED)),
    )
    times: list[timedelta] = list(
        assignments.filter(answered_at__isnull=False)
        .annotate(taken=F("answered_at") - F("assigned_at"))
        .order_by("taken")
        .values_list("taken", flat=True)
    )
    return counts | {"median_seconds": _quantile(times, 0.5), "p90_seconds": _quantile(times, 0.9)}


def _quantile(ordered: Sequence[timedelta], share: float) -> float | None:
    """The nearest-rank quantile in seconds."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))].total_seconds(), 1)


def _reasons(rows: QuerySet[Appointment], reader: User) -> list[dict[str, Any]]:
    """The most frequent reasons; patients are shown none."""
    if reader.role == Role.PATIENT:
        return []
    found = AppointmentRejection.objects.filter(appointment__in=rows.values("pk"))
    if reader.role == Role.THERAPIST:
        found = found.filter(therapist=reader)
    counted = found.values("rejection_reason").annotate(count=Count("id")).order_by("-count", "rejection_reason")
    return [{"reason": row["rejection_reason"], "count": row["count"]} for row in counted[:MOST_REASONS]]


def _by_therapist(rows: QuerySet[Appointment]) -> list[dict[str, Any]]:
    counted = (
        rows.filter(therapist__isnull=False)
        .values("therapist_id", "therapist__first_name", "therapist__last_name", "therapist__username")
        .annotate(
            total=Count("id"),
            completed=Count("id", filter=Q(status=S.COMPLETED)),
            revenue=Sum("consultation_fee", filter=Q(is_paid=True)),
        )
        .order_by("therapist_id")
    )
    return [
        {
            "therapist": row["therapist_id"],
            "therapist_name": f"{row['therapist__first_name']} {row['therapist__last_name']}".strip()
            or row["therapist__username"],
            "total": row["total"],
            "completed": row["completed"],
            "revenue": _money(row["revenue"]),
        }
        for row in counted
    ]


def _money(amount: Decimal | None) -> str:
    return f"{amount or Decimal(0):.2f}"
