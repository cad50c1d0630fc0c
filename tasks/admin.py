"""Beat's schedules in Django admin, with their last run and a way to run them now."""

from typing import Any

from celery import current_app
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat import admin as beat_admin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.admin import ModelAdmin

from core.outbox.draining import UnreachableError
from tasks.publishing import publish

for _model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule):
    admin.site.unregister(_model)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ModelAdmin, beat_admin.PeriodicTaskAdmin):
    """An edit takes effect without a restart."""

    list_display = ("name", "enabled", "scheduler", "last_run_at", "total_run_count", "one_off")
    actions = ("enable_tasks", "disable_tasks", "toggle_tasks", "run_now")

    @admin.action(description="Run now")
    def run_now(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        """Queue each of them once, beside its schedule."""
        for entry in rows:
            task = current_app.tasks.get(entry.task)
            if task is None:
                messages.error(request, f"{entry.name}: there is no task {entry.task}.")
                continue
            try:
                publish(task)
            except UnreachableError as error:
                messages.error(request, f"{entry.name}: the broker does not answer ({error}).")
            else:
                messages.success(request, f"{entry.name}: queued.")


@admin.register(IntervalSchedule, CrontabSchedule, ClockedSchedule, SolarSchedule)
class ScheduleAdmin(ModelAdmin):
    """The times that entries run at."""
