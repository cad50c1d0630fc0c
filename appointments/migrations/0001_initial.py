import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from appointments.migrations._postgres import install, remove


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Service",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="services", to="accounts.institution"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "duration_minutes",
                    models.PositiveIntegerField(
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1440),
                        ],
                    ),
                ),
                (
                    "fee",
                    models.DecimalField(
                        decimal_places=2,
                        default=0,
                        max_digits=10,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "therapists",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Who is qualified; a therapist named by no service is qualified for all.",
                        related_name="services",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("name", "id"),
                "constraints": [models.UniqueConstraint(fields=("institution", "name"), name="service_name_once")],
            },
        ),
        migrations.CreateModel(
            name="TimeSlot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "therapist",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="time_slots",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("date", models.DateField()),
                ("start_time", models.TimeField()),
                ("end_time", models.TimeField()),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                ("is_available", models.BooleanField(default=True)),
                ("max_appointments", models.PositiveIntegerField(default=1)),
                ("current_appointments", models.PositiveIntegerField(default=0)),
                ("held_places", models.PositiveIntegerField(default=0)),
                (
                    "is_booked",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Q(
                            (
                                "max_appointments__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("current_appointments"), "+", models.F("held_places")
                                ),
                            )
                        ),
                        output_field=models.BooleanField(),
                    ),
                ),
                ("series", models.UUIDField(null=True)),
                ("recurring_days", models.CharField(blank=True, help_text="0 is Monday, as in 0,2,4.", max_length=13)),
                ("recurring_end_date", models.DateField(null=True)),
            ],
            options={
                "ordering": ("start", "id"),
                "indexes": [
                    models.Index(fields=["therapist", "start", "end"], name="slot_by_therapist"),
                    models.Index(fields=["therapist", "date"], name="slot_by_day"),
                    models.Index(fields=["start", "id"], name="slot_list"),
                    models.Index(
                        condition=models.Q(("series__isnull", False)), fields=["series", "start"], name="slot_by_series"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("therapist", "start"), name="slot_starts_once"),
                    models.CheckConstraint(condition=models.Q(("end__gt", models.F("start"))), name="slot_has_length"),
                    models.CheckConstraint(condition=models.Q(("max_appointments__gte", 1)), name="slot_has_a_place"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "max_appointments__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("current_appointments"), "+", models.F("held_places")
                                ),
                            )
                        ),
                        name="slot_within_capacity",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Appointment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("appointment_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("meeting_id", models.UUIDField(db_index=True, default=uuid.uuid4)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("confirmed", "Confirmed"),
                            ("assigned", "Assigned"),
                            ("rejected", "Rejected"),
                            ("in_progress", "In progress"),
                            ("completed", "Completed"),
                            ("missed", "Missed"),
                            ("no_show", "No show"),
                            ("cancelled", "Cancelled"),
                            ("auto_cancelled", "Auto-cancelled"),
                            ("rescheduled", "Rescheduled"),
                        ],
                        default="pending",
                        max_length=20,
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appointments",
                        to="accounts.institution",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appointments_as_patient",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "therapist",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appointments_as_therapist",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appointments",
                        to="appointments.service",
                    ),
                ),
                (
                    "appointment_type",
                    models.CharField(
                        choices=[
                            ("therapy", "Therapy"),
                            ("consultation", "Consultation"),
                            ("follow_up", "Follow-up"),
                            ("crisis_intervention", "Crisis intervention"),
                        ],
                        default="therapy",
                        max_length=20,
                    ),
                ),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                ("appointment_date", models.DateField(help_text="`start` in the institution's zone.")),
                ("appointment_time", models.TimeField(help_text="`start` in the institution's zone.")),
                ("duration_minutes", models.PositiveIntegerField(default=30)),
                (
                    "time_slot",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="appointments",
                        to="appointments.timeslot",
                    ),
                ),
                ("reason_for_visit", models.TextField(blank=True)),
                ("symptoms", models.TextField(blank=True)),
                ("notes", models.TextField(blank=True)),
                (
                    "booking_method",
                    models.CharField(
                        choices=[
                            ("online", "Online"),
                            ("phone", "Phone"),
                            ("walk_in", "Walk-in"),
                            ("referral", "Referral"),
                        ],
                        default="online",
                        max_length=10,
                    ),
                ),
                (
                    "booked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("video_url", models.CharField(blank=True, max_length=500)),
                (
                    "origin",
                    models.CharField(
                        choices=[("operator", "Operator"), ("patient", "Patient"), ("system", "System")],
                        max_length=10,
                        null=True,
                    ),
                ),
                ("open", models.BooleanField(default=False)),
                ("opened_at", models.DateTimeField(null=True)),
                ("assigned_at", models.DateTimeField(null=True)),
                ("response_deadline", models.DateTimeField(null=True)),
                ("warn_at", models.DateTimeField(null=True)),
                ("search_id", models.UUIDField(null=True)),
                ("search_requested_at", models.DateTimeField(null=True)),
                (
                    "claimed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("missed_at", models.DateTimeField(null=True)),
                ("auto_cancelled_at", models.DateTimeField(null=True)),
                ("cancelled_at", models.DateTimeField(null=True)),
                (
                    "cancelled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("cancellation_reason", models.TextField(blank=True)),
                ("consultation_fee", models.DecimalField(decimal_places=2, default=0, max_digits=10)),
                ("is_paid", models.BooleanField(default=False)),
                ("paid_at", models.DateTimeField(null=True)),
                ("payment_method", models.CharField(blank=True, max_length=50)),
                (
                    "rescheduled_from",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rescheduled_to",
                        to="appointments.appointment",
                    ),
                ),
                ("hidden_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ("start", "id"),
                "indexes": [
                    models.Index(
                        fields=["institution", "start", "id", "appointment_date", "status"], name="appointment_list"
                    ),
                    models.Index(fields=["institution", "status", "start", "id"], name="appointment_by_status"),
                    models.Index(fields=["therapist", "start"], name="appointment_by_therapist"),
                    models.Index(fields=["patient", "start"], name="appointment_by_patient"),
                    models.Index(
                        condition=models.Q(("status", "pending"), ("therapist__isnull", False)),
                        fields=["response_deadline"],
                        name="appointment_due",
                    ),
                    models.Index(
                        condition=models.Q(("status", "pending"), ("warn_at__isnull", False)),
                        fields=["warn_at"],
                        name="appointment_to_warn",
                    ),
                    models.Index(
                        condition=models.Q(("status__in", ("pending", "rejected", "confirmed", "assigned"))),
                        fields=["start"],
                        name="appointment_unfinished",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("status__in", ("pending", "confirmed", "assigned", "rejected", "in_progress")),
                            ("therapist__isnull", False),
                        ),
                        fields=["start", "end", "therapist"],
                        name="appointment_busy",
                    ),
                    models.Index(
                        condition=models.Q(("open", True)), fields=["institution", "start"], name="appointment_open"
                    ),
                    models.Index(
                        condition=models.Q(("status__in", ("pending", "rejected"))),
                        fields=["institution", "response_deadline", "id"],
                        name="appointment_open_work",
                    ),
                    models.Index(
                        condition=models.Q(("search_id__isnull", False)),
                        fields=["search_requested_at"],
                        name="appointment_searching",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "pending",
                                    "confirmed",
                                    "assigned",
                                    "rejected",
                                    "in_progress",
                                    "completed",
                                    "missed",
                                    "no_show",
                                    "cancelled",
                                    "auto_cancelled",
                                    "rescheduled",
                                ],
                            )
                        ),
                        name="appointment_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("end__gt", models.F("start"))), name="appointment_has_length"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("duration_minutes__lte", 720)), name="appointment_not_too_long"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("response_deadline__isnull", True),
                            models.Q(("status", "pending"), ("therapist__isnull", False)),
                            _connector="OR",
                        ),
                        name="deadline_only_while_offered",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("response_deadline__isnull", False),
                            models.Q(("status", "pending"), ("therapist__isnull", False), _negated=True),
                            _connector="OR",
                        ),
                        name="offer_has_deadline",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("open", False),
                            models.Q(("status", "pending"), ("therapist__isnull", True)),
                            _connector="OR",
                        ),
                        name="open_only_while_unassigned",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("search_id__isnull", True),
                            models.Q(("status", "pending"), ("therapist__isnull", True)),
                            _connector="OR",
                        ),
                        name="search_only_while_unassigned",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("therapist__isnull", False),
                            ("status__in", ("pending", "cancelled", "auto_cancelled", "rescheduled")),
                            _connector="OR",
                        ),
                        name="held_by_a_therapist",
                    ),
                    models.CheckConstraint(condition=models.Q(("consultation_fee__gte", 0)), name="fee_not_negative"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "appointment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="appointments.appointment",
                    ),
                ),
                (
                    "therapist",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[("operator", "Operator"), ("patient", "Patient"), ("system", "System")], max_length=10
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("offered", "Offered"),
                            ("accepted", "Accepted"),
                            ("rejected", "Rejected, waiting for review"),
                            ("upheld", "Rejection denied"),
                            ("released", "Rejection accepted"),
                            ("expired", "No answer in time"),
                            ("withdrawn", "Withdrawn"),
                            ("cancelled", "Cancelled with the appointment"),
                        ],
                        max_length=10,
                    ),
                ),
                ("assigned_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("full_clock", models.BooleanField(default=True)),
                ("extended_by_therapist", models.BooleanField(default=False)),
                ("graced_until", models.DateTimeField(null=True)),
                ("warned_at", models.DateTimeField(null=True)),
                ("reminded_at", models.DateTimeField(null=True)),
                ("armed_for", models.DateTimeField(null=True)),
                ("notified_at", models.DateTimeField(help_text="The offer's notification was written.", null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "suspended_therapist",
                    models.BooleanField(default=False, help_text="Its expiry suspended the therapist."),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["therapist", "-assigned_at"], name="assignment_by_therapist"),
                    models.Index(
                        condition=models.Q(("suspended_therapist", True)),
                        fields=["ended_at"],
                        name="assignment_suspensions",
                    ),
                    models.Index(
                        condition=models.Q(("status", "expired")), fields=["ended_at"], name="assignment_expired"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("appointment",),
                        name="one_live_assignment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", True),
                                ("status__in", ("offered", "accepted", "rejected", "upheld")),
                            ),
                            models.Q(
                                ("ended_at__isnull", False),
                                ("status__in", ("released", "expired", "withdrawn", "cancelled")),
                            ),
                            _connector="OR",
                        ),
                        name="assignment_ended_with_its_status",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AppointmentRejection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "appointment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rejections",
                        to="appointments.appointment",
                    ),
                ),
                (
                    "assignment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rejection",
                        to="appointments.assignment",
                    ),
                ),
                (
                    "therapist",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rejections",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("rejection_reason", models.TextField(blank=True)),
                ("rejected_at", models.DateTimeField()),
                (
                    "review_decision",
                    models.CharField(choices=[("accept", "Accept"), ("deny", "Deny")], max_length=10, null=True),
                ),
                ("review_notes", models.TextField(blank=True)),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("reviewed_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ("-rejected_at", "-id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("review_decision__isnull", True), ("reviewed_at__isnull", True)),
                            models.Q(("review_decision__in", ["accept", "deny"]), ("reviewed_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="rejection_reviewed_as_a_whole",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OpenRequestDecline",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "appointment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="declines",
                        to="appointments.appointment",
                    ),
                ),
                (
                    "therapist",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("declined_at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("appointment", "therapist"), name="declined_once")],
            },
        ),
        migrations.CreateModel(
            name="SuspensionBreaker",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="breakers", to="accounts.institution"
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "closed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
            ],
            options={
                "ordering": ("-opened_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("institution",),
                        name="one_open_breaker",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TimeOff",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "therapist",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="time_off",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=300)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ("start", "id"),
                "indexes": [models.Index(fields=["therapist", "start", "end"], name="time_off_by_therapist")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end__gt", models.F("start"))), name="time_off_has_length"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitingList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "institution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.institution",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waiting_list",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "therapist",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("preferred_date", models.DateField()),
                ("preferred_time_start", models.TimeField(null=True)),
                ("preferred_time_end", models.TimeField(null=True)),
                (
                    "appointment_type",
                    models.CharField(
                        choices=[
                            ("therapy", "Therapy"),
                            ("consultation", "Consultation"),
                            ("follow_up", "Follow-up"),
                            ("crisis_intervention", "Crisis intervention"),
                        ],
                        default="therapy",
                        max_length=20,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("priority", models.PositiveSmallIntegerField(default=5)),
                ("is_active", models.BooleanField(default=True)),
                ("notified_at", models.DateTimeField(null=True)),
                (
                    "passed_at",
                    models.DateTimeField(help_text="Left the list by itself: the window was over.", null=True),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "waiting-list entry",
                "verbose_name_plural": "waiting list",
                "ordering": ("priority", "created_at", "id"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_active", True)),
                        fields=["institution", "preferred_date", "priority", "created_at", "id"],
                        name="waiting_in_turn",
                    ),
                    models.Index(fields=["institution", "priority", "created_at", "id"], name="waiting_list"),
                    models.Index(fields=["patient", "priority", "created_at", "id"], name="waiting_by_patient"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("priority__gte", 1), ("priority__lte", 10)), name="waiting_priority_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("preferred_time_start__isnull", True),
                            ("preferred_time_end__isnull", True),
                            ("preferred_time_end__gt", models.F("preferred_time_start")),
                            _connector="OR",
                        ),
                        name="waiting_window_has_length",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("passed_at__isnull", True), ("is_active", False), _connector="OR"),
                        name="waiting_no_longer_once_passed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitingOffer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "entry",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offers",
                        to="appointments.waitinglist",
                    ),
                ),
                (
                    "time_slot",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="appointments.timeslot",
                    ),
                ),
                (
                    "therapist",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                ("vacancy", models.UUIDField(default=uuid.uuid4)),
                (
                    "vacated_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="appointments.appointment",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("offered", "Offered"),
                            ("accepted", "Accepted"),
                            ("declined", "Declined"),
                            ("expired", "No answer in time"),
                            ("withdrawn", "Left the list"),
                        ],
                        default="offered",
                        max_length=10,
                    ),
                ),
                ("offered_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("armed_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "appointment",
                    models.OneToOneField(
                        help_text="What the place became.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="appointments.appointment",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "offered")), fields=["expires_at"], name="waiting_offer_due"
                    ),
                    models.Index(
                        condition=models.Q(("status", "offered")),
                        fields=["therapist", "start"],
                        name="waiting_offer_held",
                    ),
                    models.Index(fields=["entry", "-id"], name="waiting_offer_of_entry"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("vacancy", "entry"), name="waiting_asked_once_for_a_place"),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "offered")),
                        fields=("vacancy",),
                        name="waiting_one_offer_of_a_place",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "offered")),
                        fields=("entry",),
                        name="waiting_one_offer_to_an_entry",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("status", "offered"), ("time_slot__isnull", False)),
                            models.Q(
                                ("ended_at__isnull", False),
                                ("status__in", ("accepted", "declined", "expired", "withdrawn")),
                            ),
                            _connector="OR",
                        ),
                        name="waiting_offer_ended_with_its_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__lte", models.F("start")), ("end__gt", models.F("start"))),
                        name="waiting_offer_ends_before_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AppointmentLog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "appointment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="logs",
                        to="appointments.appointment",
                    ),
                ),
                ("action", models.CharField(max_length=30)),
                (
                    "performed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("timestamp", models.DateTimeField()),
                ("notes", models.TextField(blank=True)),
                ("old_values", models.JSONField(default=dict)),
                ("new_values", models.JSONField(default=dict)),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [models.Index(fields=["appointment", "-id"], name="log_of_appointment")],
            },
        ),
        migrations.CreateModel(
            name="AppointmentReminder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "appointment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reminders",
                        to="appointments.appointment",
                    ),
                ),
                (
                    "reminder_type",
                    models.CharField(
                        choices=[("email", "E-mail"), ("sms", "SMS"), ("whatsapp", "WhatsApp"), ("push", "Push")],
                        max_length=10,
                    ),
                ),
                ("scheduled_for", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("uncertain", "Uncertain"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("claimed_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                (
                    "is_sent",
                    models.GeneratedField(
                        db_persist=True, expression=models.Q(("status", "sent")), output_field=models.BooleanField()
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=300)),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ("scheduled_for", "id"),
                "indexes": [
                    models.Index(fields=["scheduled_for", "id"], name="reminder_list"),
                    models.Index(condition=models.Q(("status", "pending")), fields=["due_at"], name="reminder_due"),
                    models.Index(
                        condition=models.Q(("status", "sending")), fields=["claimed_at"], name="reminder_in_flight"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "cancelled"), _negated=True),
                        fields=("appointment", "reminder_type", "scheduled_for"),
                        name="reminded_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["pending", "sending", "sent", "failed", "cancelled", "uncertain"])
                        ),
                        name="reminder_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reminder_type__in", ["email", "sms", "whatsapp", "push"])),
                        name="reminder_type_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("sent_at__isnull", False), ("status", "sent")),
                            models.Q(models.Q(("status", "sent"), _negated=True), ("sent_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="reminder_sent_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "sending"), _negated=True),
                            ("claimed_at__isnull", False),
                            _connector="OR",
                        ),
                        name="reminder_sending_is_claimed",
                    ),
                ],
            },
        ),
        migrations.RunPython(
            install,
            remove,
        ),
    ]
