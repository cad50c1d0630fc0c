"""After a restore the database is as old as its backup, and the world has gone on."""

from django.contrib.sessions.models import Session
from django.utils import timezone
from knox.models import AuthToken

from appointments.models import Assignment
from appointments.services.suspension import settle_outages
from core.liveness.models import Part
from core.liveness.services import beat
from core.transactions import in_transaction


@in_transaction
def resume() -> None:
    """End every login, count the time since the backup as an outage, and have ETA tasks published anew.

    A login that ended after the backup would otherwise live again, and an offer would be overdue at once.
    """
    now = timezone.now()
    AuthToken.objects.all().delete()
    Session.objects.all().delete()
    for part in (Part.WEB, Part.RELAY):
        beat(part, now)
    settle_outages(now)
    Assignment.objects.filter(ended_at__isnull=True).update(armed_for=None)
