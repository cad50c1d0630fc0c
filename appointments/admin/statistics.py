"""The page of statistics in Django admin: charts, and the same figures in words."""

import json
from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.utils import timezone

from appointments.admin.scope import staff
from appointments.models import AppointmentStatus
from appointments.selectors.statistics import statistics
from appointments.selectors.visibility import visible_to

COLOUR = "#6366f1"
Lines = list[tuple[str, Any]]


class PeriodForm(forms.Form):
    """The days that the statistics are of."""

    date_from = forms.DateField(required=False)
    date_to = forms.DateField(required=False)


def figures(admin: ModelAdmin, request: HttpRequest) -> dict[str, Any]:
    """What the page shows: figures over what the person sees, of all time or between two days."""
    form = PeriodForm(request.GET)
    rows = visible_to(staff(request), timezone.now())
    if form.is_valid():
        bounds = {"appointment_date__gte": form.cleaned_data["date_from"]}
        bounds["appointment_date__lte"] = form.cleaned_data["date_to"]
        rows = rows.filter(**{name: day for name, day in bounds.items() if day})
    found = statistics(rows, staff(request))
    shown = {**admin.admin_site.each_context(request), "title": "Statistics", "form": form}
    return {**shown, "charts": _charts(found), "tables": _tables(found)}


def _charts(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Bar charts as heading and data, in the shape of Chart.js."""
    answers = [(name, found["response"][name]) for name in ("accepted", "rejected", "expired")]
    therapists = [(row["therapist_name"], row["total"]) for row in found["by_therapist"]]
    charts: list[tuple[str, Lines]] = [
        ("By status", _statuses(found)),
        ("Answers", answers),
        ("By therapist", therapists),
    ]
    return [(heading, _bars(heading, lines)) for heading, lines in charts if lines]


def _bars(heading: str, lines: Lines) -> str:
    bars = {"label": heading, "data": [value for _, value in lines], "backgroundColor": COLOUR}
    return json.dumps({"labels": [name for name, _ in lines], "datasets": [bars]})


def _statuses(found: dict[str, Any]) -> Lines:
    return [(str(AppointmentStatus(name).label), count) for name, count in found["by_status"].items()]


def _tables(found: dict[str, Any]) -> list[tuple[str, Lines]]:
    """The statistics as headings with lines."""
    return [
        ("Altogether", [("Appointments", found["total"]), ("Revenue", found["revenue"])]),
        ("By status", _statuses(found)),
        ("By type", list(found["by_type"].items())),
        ("Answers", [(name.replace("_", " "), value) for name, value in found["response"].items()]),
        (
            "Reasons for rejection",
            [(row["reason"] or "none given", row["count"]) for row in found["rejection_reasons"]],
        ),
        (
            "By therapist",
            [
                (row["therapist_name"], f"{row['total']}, {row['completed']} completed, {row['revenue']} paid")
                for row in found["by_therapist"]
            ],
        ),
    ]
