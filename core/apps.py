import gc

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db import connection


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core import (  # noqa: PLC0415 - apps must be loaded
            checks,  # noqa: F401 - registers the system checks
            telemetry,
        )

        if connection.vendor == "postgresql":
            from core.instants import read_fast  # noqa: PLC0415 - a site on SQLite has no such driver

            read_fast()
        telemetry.start()
        # Nor does a later collection, here or in a forked worker, look through what is loaded by now.
        gc.freeze()
        gc.enable()


class AdminConfig(admin_apps.SimpleAdminConfig):
    """Its pages are loaded by who serves them (core/urls.py): relay, beat and workers are a fifth smaller without."""

    default = False
    default_site = "core.admin_site.Site"
