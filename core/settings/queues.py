"""Celery. The bundle of transport options was tested as a whole; change it only with the fault tests."""

from typing import Any

from core.settings import env
from core.settings.rules import ETA_HORIZON_SECONDS

CELERY_BROKER_URL = env.url(
    "CELERY_BROKER_URL", "redis://127.0.0.1:6379/0", ("redis", "rediss", "unix", "amqp", "amqps", "pyamqp")
)
# The worker of the deadlines holds its messages unacknowledged until their ETA, so it needs a long visibility
# timeout and keys of its own; every other worker keeps a short one, so that a killed worker's task comes back soon.
DEADLINES_WORKER = env.boolean("DEADLINES_WORKER", default=False)
VISIBILITY_SECONDS = env.integer("VISIBILITY_SECONDS", 150, least=1, most=86_400)

REDIS_OPTIONS: dict[str, Any] = {
    "visibility_timeout": 2 * ETA_HORIZON_SECONDS if DEADLINES_WORKER else VISIBILITY_SECONDS,
    "socket_timeout": 2,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
}
if DEADLINES_WORKER:
    REDIS_OPTIONS |= {
        "unacked_key": "deadlines.unacked",
        "unacked_index_key": "deadlines.unacked_index",
        "unacked_mutex_key": "deadlines.unacked_mutex",
    }
RETRIES = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}
CELERY_BROKER_TRANSPORT_OPTIONS = RETRIES | ({} if "amqp" in CELERY_BROKER_URL.partition("://")[0] else REDIS_OPTIONS)
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = False

CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "tasks.deadlines.*": {"queue": "deadlines"},
    "tasks.notifications.*": {"queue": "notifications"},
    "tasks.reminders.*": {"queue": "notifications"},
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 90
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# Each run is written down as it is sent, so that admins see it and a killed beat's successor knows of it.
CELERY_BEAT_SYNC_EVERY = 1
DJANGO_CELERY_BEAT_TZ_AWARE = True
