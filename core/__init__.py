import gc

# What is loaded stays; to look through it for garbage again and again took half of every start. `CoreConfig` ends it.
gc.disable()

from core.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
