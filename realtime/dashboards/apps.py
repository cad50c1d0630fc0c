from django.apps import AppConfig


class DashboardsConfig(AppConfig):
    name = "realtime.dashboards"
    label = "dashboards"

    def ready(self) -> None:
        from realtime.dashboards.vocabulary import speak  # noqa: PLC0415 - settings must be loaded

        speak()
