import os

from celery import Celery
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

app = Celery("core")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["tasks"], related_name="deadlines")
app.autodiscover_tasks(["tasks"], related_name="notifications")
app.autodiscover_tasks(["tasks"], related_name="reassignment")
app.autodiscover_tasks(["tasks"], related_name="reminders")
app.autodiscover_tasks(["tasks"], related_name="sweeps")
app.steps["worker"].add(DjangoStructLogInitStep)
