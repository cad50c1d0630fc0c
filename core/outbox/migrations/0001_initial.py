from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="OutboxEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lane", models.CharField(choices=[("tasks", "Tasks"), ("realtime", "Realtime")], max_length=10)),
                ("stream", models.CharField(max_length=40)),
                ("kind", models.CharField(max_length=40)),
                ("payload", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
                (
                    "available_at",
                    models.DateTimeField(help_text="Not to be touched before: back-off, or another relay's lease."),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                ("request_id", models.CharField(blank=True, max_length=36)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["lane", "id"], name="outbox_lane_order"),
                    models.Index(fields=["lane", "stream", "id"], name="outbox_stream_order"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("lane__in", ["tasks", "realtime"])), name="outbox_lane_known"
                    )
                ],
            },
        ),
    ]
