"""Structured logs; request ids follow a write into its tasks, and no header, query or body is ever logged.

Of an error production logs the type and the place and not what it said, which may quote a row.
"""

import re
import sys
import traceback
from typing import Any

import structlog

from core.settings.base import DEBUG


def without_words(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Replace errors by their types, and a traceback by its frames."""
    found = event.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = "".join(reversed([_frames(each) for each in chain_of(error)]))
    for name, value in event.items():
        if isinstance(value, BaseException):
            event[name] = type(value).__qualname__
    if str(event.get("logger", "")).startswith("django_structlog"):
        event.pop("error", None)  # the failed task's own words
    return event


def chain_of(error: BaseException) -> list[BaseException]:
    """The error, what caused it, what caused that, …"""
    found: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in found:
        found.append(step)
        step = step.__cause__ or (None if step.__suppress_context__ else step.__context__)
    return found


def _frames(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__)) + f"{type(error).__module__}.{type(error).__qualname__}\n"


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
]
ANSWER_LINK = re.compile(r"/answer/[^/\s]+")


def without_answer_links(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Take out what would let a reader of the log answer a therapist's offer; whoever logs a path may name it."""
    for name, value in event.items():
        if isinstance(value, str) and "/answer/" in value:
            event[name] = ANSWER_LINK.sub("/answer/-", value)
    return event


structlog.configure(
    processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info if DEBUG else without_words,
                without_answer_links,
                structlog.dev.ConsoleRenderer(colors=False) if DEBUG else structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": SHARED,
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "structured"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Without handlers of its own: Django's writes paths as they are.
        "django": {"level": "INFO"},
        "django.request": {"level": "ERROR"},
        # It writes out what an error said; django-structlog tells of the same task without that.
        "celery.app.trace": {"level": "INFO" if DEBUG else "CRITICAL"},
        "django.server": {"level": "WARNING"},
        "uvicorn.access": {"level": "WARNING"},
        "axes": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        # It names the numbers that it sends to, and says only here why it failed: `core.messaging` reads that.
        "apprise": {"level": "DEBUG", "handlers": ["nowhere"], "propagate": False},
        # A dead layer would fill the log with a traceback a second; `realtime` says it once.
        "channels_redis": {"level": "CRITICAL"},
    },
}
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = 10
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = 20
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = "pk"
