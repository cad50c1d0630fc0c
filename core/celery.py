import gc
import os
from importlib import import_module
from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup, worker_ready
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
# Celery would load every page to run Django's checks, and then look at nothing of what they find.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("core")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["tasks"], related_name="deadlines")
app.autodiscover_tasks(["tasks"], related_name="notifications")
app.autodiscover_tasks(["tasks"], related_name="reassignment")
app.autodiscover_tasks(["tasks"], related_name="reminders")
app.autodiscover_tasks(["tasks"], related_name="sweeps")
app.steps["worker"].add(DjangoStructLogInitStep)


@celeryd_after_setup.connect
def load_addresses(**_: Any) -> None:
    """Before a worker forks: the letters that it sends hold links, and each child would load every page for them."""
    if not settings.DEADLINES_WORKER:
        import_module(settings.ROOT_URLCONF)
        gc.freeze()


@worker_ready.connect
def leave_loaded_alone(**_: Any) -> None:
    """Celery's own parts came after the applications; to look through them holds deadlines up."""
    gc.freeze()
