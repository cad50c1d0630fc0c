from django.apps import AppConfig


class DashboardsConfig(AppConfig):
    name = "realtime.dashboards"
    label = "dashboards"
