import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from appointments.models.appointment import Appointment, AppointmentType
from appointments.models.slot import TimeSlot
from core.accounts.models import Institution

FIRST, USUAL, LAST = 1, 5, 10


class WaitingList(models.Model):
    """A patient's wish for a place on a day; those who wait are served by priority (1 first), then age.

    The window is wall-clock in the institution's zone; without a therapist, anybody's place will do.
    """

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="waiting_list", db_index=False
    )
    therapist = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    preferred_date = models.DateField()
    preferred_time_start = models.TimeField(null=True)
    preferred_time_end = models.TimeField(null=True)
    appointment_type = models.CharField(max_length=20, choices=AppointmentType.choices, default=AppointmentType.THERAPY)
    reason = models.TextField(blank=True)
    priority = models.PositiveSmallIntegerField(default=USUAL)
    is_active = models.BooleanField(default=True)
    notified_at = models.DateTimeField(null=True)
    passed_at = models.DateTimeField(null=True, help_text="Left the list by itself: the window was over.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("priority", "created_at", "id")
        verbose_name = "waiting-list entry"
        verbose_name_plural = "waiting list"
        indexes = (
            models.Index(
                fields=("institution", "preferred_date", "priority", "created_at", "id"),
                name="waiting_in_turn",
                condition=Q(is_active=True),
            ),
            models.Index(fields=("institution", "priority", "created_at", "id"), name="waiting_list"),
            models.Index(fields=("patient", "priority", "created_at", "id"), name="waiting_by_patient"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(priority__gte=FIRST, priority__lte=LAST), name="waiting_priority_known"),
            models.CheckConstraint(
                condition=Q(preferred_time_start__isnull=True)
                | Q(preferred_time_end__isnull=True)
                | Q(preferred_time_end__gt=F("preferred_time_start")),
                name="waiting_window_has_length",
            ),
            models.CheckConstraint(
                condition=Q(passed_at__isnull=True) | Q(is_active=False), name="waiting_no_longer_once_passed"
            ),
        )

    def __str__(self) -> str:
        return f"waiting-list entry {self.pk}"


class WaitingOfferStatus(models.TextChoices):
    OFFERED = "offered", "Offered"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "No answer in time"
    WITHDRAWN = "withdrawn", "Left the list"


class WaitingOffer(models.Model):
    """A place of a slot, held for one person until `expires_at`.

    The offers of one `vacancy` follow each other until somebody takes the place; `vacated_by` is the appointment
    that left it. While an offer lives, it is one of its slot's `held_places`. `armed_at`: its ETA task was published.
    """

    entry = models.ForeignKey(WaitingList, on_delete=models.PROTECT, related_name="offers", db_index=False)
    # An offer outlives the slot that its therapist takes back later.
    time_slot = models.ForeignKey(TimeSlot, on_delete=models.SET_NULL, null=True, related_name="+")
    therapist = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    start = models.DateTimeField()
    end = models.DateTimeField()
    vacancy = models.UUIDField(default=uuid.uuid4)
    vacated_by = models.ForeignKey(Appointment, on_delete=models.SET_NULL, null=True, related_name="+")
    status = models.CharField(max_length=10, choices=WaitingOfferStatus.choices, default=WaitingOfferStatus.OFFERED)
    offered_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    armed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    appointment = models.OneToOneField(
        Appointment, on_delete=models.SET_NULL, null=True, related_name="+", help_text="What the place became."
    )

    class Meta:
        indexes = (
            models.Index(fields=("expires_at",), name="waiting_offer_due", condition=Q(status="offered")),
            models.Index(fields=("therapist", "start"), name="waiting_offer_held", condition=Q(status="offered")),
            models.Index(fields=("entry", "-id"), name="waiting_offer_of_entry"),
        )
        constraints = (
            models.UniqueConstraint(fields=("vacancy", "entry"), name="waiting_asked_once_for_a_place"),
            models.UniqueConstraint(
                fields=("vacancy",), condition=Q(status="offered"), name="waiting_one_offer_of_a_place"
            ),
            models.UniqueConstraint(
                fields=("entry",), condition=Q(status="offered"), name="waiting_one_offer_to_an_entry"
            ),
            models.CheckConstraint(
                condition=Q(status="offered", ended_at__isnull=True, time_slot__isnull=False)
                | Q(status__in=("accepted", "declined", "expired", "withdrawn"), ended_at__isnull=False),
                name="waiting_offer_ended_with_its_status",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__lte=F("start")) & Q(end__gt=F("start")), name="waiting_offer_ends_before_start"
            ),
        )

    def __str__(self) -> str:
        return f"offer {self.pk} to waiting-list entry {self.entry_id}"
