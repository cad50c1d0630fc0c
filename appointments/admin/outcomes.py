"""Doing one thing to many rows, each by itself, and saying of each how it went."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from django import forms
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from core.errors import DomainError

MOST_ROWS: Final = 500


class Outcome(NamedTuple):
    """What became of one row."""

    row: str
    url: str
    done: bool
    said: str


class ReasonForm(forms.Form):
    """A reason that is asked for before anything happens."""

    reason = forms.CharField(max_length=300, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


def each(rows: Iterable[Model], act: Callable[[Any], object], done: str) -> list[Outcome]:
    """Act on each row in a transaction of its own; a refusal stops none of the others."""
    return [_one(row, act, done) for row in rows]


def _one(row: Model, act: Callable[[Any], object], done: str) -> Outcome:
    meta = row._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    try:
        act(row)
    except DomainError as refusal:
        return Outcome(str(row), url, False, refusal.detail)
    return Outcome(str(row), url, True, done)


def show(admin: ModelAdmin, request: HttpRequest, title: str, outcomes: list[Outcome]) -> TemplateResponse:
    """The page that lists them."""
    context = {
        **admin.admin_site.each_context(request),
        "title": title,
        "outcomes": outcomes,
        "done": sum(outcome.done for outcome in outcomes),
        "back": reverse(f"admin:{admin.opts.app_label}_{admin.opts.model_name}_changelist"),
    }
    return TemplateResponse(request, "admin/outcomes.html", context)


def ask_reason(
    admin: ModelAdmin, request: HttpRequest, title: str, rows: "QuerySet[Any]", form: ReasonForm
) -> TemplateResponse:
    """The page that asks for the reason and comes back to the same action with the same rows."""
    context = {
        **admin.admin_site.each_context(request),
        "title": title,
        "form": form,
        "rows": rows,
        "action": request.POST["action"],
        "selected_name": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/reason.html", context)


def reason_of(request: HttpRequest) -> ReasonForm:
    """The form as far as it was filled in."""
    return ReasonForm(request.POST if "reason" in request.POST else None)
