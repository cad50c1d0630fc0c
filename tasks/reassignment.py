import uuid

from celery import shared_task
from django.utils import timezone

from appointments.services.reassignment import search


@shared_task
def reassign_appointment(appointment_id: int, search_id: str) -> None:
    """Offer the appointment to the best free therapist, or cancel it; does nothing for a search that is over."""
    search(appointment_id, uuid.UUID(search_id), timezone.now())
