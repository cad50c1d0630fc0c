from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core.accounts.me import register_field  # noqa: PLC0415 - apps must be loaded
        from core.letters import register_composer  # noqa: PLC0415
        from core.outbox.draining import TransactionalHandler, register  # noqa: PLC0415
        from core.outbox.models import Lane  # noqa: PLC0415
        from realtime.fan_out import deliver  # noqa: PLC0415
        from realtime.inbox import unread_count  # noqa: PLC0415
        from realtime.letters import KIND, compose  # noqa: PLC0415

        register(Lane.REALTIME, TransactionalHandler(deliver))
        register_field("unread_notifications", unread_count)
        register_composer(KIND, compose)
