import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("appointments", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Inbox",
            fields=[
                (
                    "recipient",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="inbox",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("last_seq", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.PositiveBigIntegerField()),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("new_appointment", "New appointment"),
                            ("appointment_assigned", "Appointment assigned"),
                            ("appointment_unassigned", "Appointment unassigned"),
                            ("deadline_extended", "Deadline extended"),
                            ("deadline_approaching", "Deadline approaching"),
                            ("appointment_accepted", "Appointment accepted"),
                            ("appointment_rejected", "Appointment rejected"),
                            ("rejection_reviewed", "Rejection reviewed"),
                            ("appointment_auto_cancelled", "Appointment auto-cancelled"),
                            ("therapist_disabled", "Therapist disabled"),
                            ("therapist_enabled", "Therapist enabled"),
                            ("appointment_cancelled", "Appointment cancelled"),
                            ("appointment_rescheduled", "Appointment rescheduled"),
                            ("appointment_missed", "Appointment missed"),
                            ("appointment_no_show", "Patient did not come"),
                            ("appointment_started", "Appointment started"),
                            ("appointment_completed", "Appointment completed"),
                            ("appointment_updated", "Appointment updated"),
                            ("appointment_claimed", "Appointment claimed"),
                            ("waitlist_offer", "Place on the waiting list"),
                            ("waitlist_offer_expired", "Waiting-list offer over"),
                        ],
                        max_length=40,
                    ),
                ),
                ("version", models.PositiveIntegerField(null=True)),
                ("data", models.JSONField(default=dict)),
                ("open_request", models.BooleanField(default=False)),
                ("outbox_id", models.BigIntegerField()),
                ("created_at", models.DateTimeField()),
                ("delivered_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "appointment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="notifications",
                        to="appointments.appointment",
                    ),
                ),
                (
                    "assignment",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="appointments.assignment",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("seq",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("read_at__isnull", True)),
                        fields=["recipient", "seq"],
                        name="notification_unread",
                    ),
                    models.Index(
                        condition=models.Q(("delivered_at__isnull", True)),
                        fields=["recipient", "seq"],
                        name="notification_undelivered",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("recipient", "seq"), name="notification_seq_once"),
                    models.UniqueConstraint(fields=("recipient", "outbox_id"), name="notification_event_once"),
                ],
            },
        ),
    ]
