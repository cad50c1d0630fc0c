from django.apps import AppConfig


class LivenessConfig(AppConfig):
    name = "core.liveness"
    label = "liveness"
    default_auto_field = "django.db.models.BigAutoField"
