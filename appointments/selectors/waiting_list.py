"""Who waits, in which place, and whose turn it is when a place becomes free."""

import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Prefetch, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from appointments.models import (
    HOLDS_PATIENT,
    Appointment,
    TimeSlot,
    WaitingList,
    WaitingOffer,
    WaitingOfferStatus,
)
from appointments.selectors.conflicts import overlapping
from appointments.selectors.slots import bookable
from core.accounts.models import Institution, Role, User

LIVE = Q(status=WaitingOfferStatus.OFFERED)


def waiting_for(reader: User) -> QuerySet[WaitingList]:
    """The entries that `reader` sees, each with its `place` in the queue and its live offer, for rendering."""
    rows = WaitingList.objects.select_related("patient", "therapist").prefetch_related(
        Prefetch("offers", WaitingOffer.objects.filter(LIVE).select_related("therapist"), to_attr="live")
    )
    if reader.role == Role.PATIENT:
        rows = rows.filter(patient_id=reader.pk)
    elif reader.role == Role.OPERATOR:
        rows = rows.filter(institution_id=reader.institution_id)
    elif reader.role != Role.ADMIN:
        return rows.none()
    return rows.annotate(place=_place()).order_by("priority", "created_at", "id")


def _place() -> Case:
    """1 + how many before this one want a place of that day that would suit it too; null for who no longer waits."""
    before = Q(priority__lt=OuterRef("priority")) | Q(priority=OuterRef("priority")) & (
        Q(created_at__lt=OuterRef("created_at")) | Q(created_at=OuterRef("created_at"), id__lt=OuterRef("id"))
    )
    rivals = WaitingList.objects.filter(
        before,
        Q(therapist__isnull=True) | Q(therapist_id=Coalesce(OuterRef("therapist_id"), F("therapist_id"))),
        is_active=True,
        institution_id=OuterRef("institution_id"),
        preferred_date=OuterRef("preferred_date"),
    )
    counted = rivals.order_by().values("institution_id").annotate(count=Count("pk")).values("count")
    return Case(When(is_active=True, then=Coalesce(Subquery(counted), 0) + 1), output_field=IntegerField())


def passed(now: datetime) -> QuerySet[WaitingList]:
    """Entries still on the list whose window is over on their institution's clock, and for which no place is held."""
    over = Q(pk__in=[])
    for zone in Institution.objects.values_list("timezone", flat=True).distinct().order_by():
        local = now.astimezone(ZoneInfo(zone))
        ended = Q(preferred_date=local.date(), preferred_time_end__lte=local.time())
        over |= Q(institution__timezone=zone) & (Q(preferred_date__lt=local.date()) | ended)
    held = WaitingOffer.objects.filter(LIVE, entry_id=OuterRef("pk"))
    return WaitingList.objects.filter(over, ~Exists(held), is_active=True)


def in_turn(therapist: User, start: datetime, end: datetime, vacancy: uuid.UUID) -> QuerySet[WaitingList]:
    """Who could take this place, first come first: it suits them, they are free then and were not asked before.

    `therapist` is loaded with the institution.
    """
    institution = therapist.institution
    assert institution is not None
    zone = ZoneInfo(institution.timezone)
    begins, ends = start.astimezone(zone), end.astimezone(zone)
    latest = Q(preferred_time_end__isnull=True)
    if ends.date() == begins.date():  # a window ends with its day
        latest |= Q(preferred_time_end__gte=ends.time())
    busy = Appointment.objects.filter(HOLDS_PATIENT, overlapping(start, end), patient_id=OuterRef("patient_id"))
    asked = WaitingOffer.objects.filter(LIVE | Q(vacancy=vacancy), entry_id=OuterRef("pk"))
    return WaitingList.objects.filter(
        latest,
        Q(preferred_time_start__isnull=True) | Q(preferred_time_start__lte=begins.time()),
        Q(therapist__isnull=True) | Q(therapist=therapist),
        ~Exists(busy),
        ~Exists(asked),
        institution=institution,
        preferred_date=begins.date(),
        is_active=True,
        patient__is_active=True,
    ).order_by("priority", "created_at", "id")


def offerable(entry: WaitingList, now: datetime) -> QuerySet[TimeSlot]:
    """Slots of the institution with a place that the entry's patient could take, the earliest first."""
    busy = Appointment.objects.filter(
        HOLDS_PATIENT, overlapping(OuterRef("start"), OuterRef("end")), patient_id=entry.patient_id
    )
    here = TimeSlot.objects.filter(bookable(now), ~Exists(busy), therapist__institution_id=entry.institution_id)
    return here.order_by("start", "id")


def places_for(entry: WaitingList, now: datetime) -> QuerySet[TimeSlot]:
    """Those of them that the entry waits for."""
    rows = offerable(entry, now).filter(date=entry.preferred_date)
    if entry.therapist_id is not None:
        rows = rows.filter(therapist_id=entry.therapist_id)
    if entry.preferred_time_start is not None:
        rows = rows.filter(start_time__gte=entry.preferred_time_start)
    if entry.preferred_time_end is not None:
        rows = rows.filter(end_time__lte=entry.preferred_time_end, end_time__gt=F("start_time"))
    return rows
