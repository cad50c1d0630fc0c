from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"

    def ready(self) -> None:
        from core.outbox.draining import LeasedHandler, register  # noqa: PLC0415 - apps must be loaded
        from core.outbox.models import Lane  # noqa: PLC0415
        from tasks.handlers import deliver  # noqa: PLC0415

        register(Lane.TASKS, LeasedHandler(deliver))
