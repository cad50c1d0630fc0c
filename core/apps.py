from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core import (  # noqa: PLC0415 - apps must be loaded
            checks,  # noqa: F401 - registers the system checks
            telemetry,
        )

        telemetry.start()


class AdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "core.admin_site.Site"
