from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "part",
                    models.CharField(
                        choices=[("web", "Web"), ("relay", "Relay"), ("beat", "Beat")],
                        max_length=10,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("beaten_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Lease",
            fields=[
                (
                    "part",
                    models.CharField(
                        choices=[("web", "Web"), ("relay", "Relay"), ("beat", "Beat")],
                        max_length=10,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("holder", models.CharField(max_length=40)),
                ("held_until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Outage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "part",
                    models.CharField(choices=[("web", "Web"), ("relay", "Relay"), ("beat", "Beat")], max_length=10),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("settled_at__isnull", True)), fields=["id"], name="outage_unsettled"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ended_at__gt", models.F("started_at"))), name="outage_has_length"
                    )
                ],
            },
        ),
    ]
