"""The second channel: what also goes out by push, SMS, WhatsApp or e-mail."""

from typing import Any, Final

import structlog
from celery import shared_task
from django.utils import timezone

from appointments import letters
from appointments.models import Assignment, AssignmentStatus, WaitingOffer
from appointments.selectors.waiting_list import LIVE
from core.accounts.models import User
from core.accounts.preferences import wants
from core.letters import compose
from core.messaging import EMAIL, PROVIDERS, NotDelivered, OutcomeUnknown, deliver, is_configured

log = structlog.get_logger(__name__)


class MailError(Exception):
    """The mail did not go out, or nobody knows; what the server said holds addresses and is not repeated."""


# A mail server that is away for minutes; each try is a message of its own in the broker.
RETRIES: Final[dict[str, Any]] = {
    "autoretry_for": (MailError,),
    "retry_backoff": 5,
    "retry_backoff_max": 60,
    "max_retries": 8,
}


@shared_task(**RETRIES)
def send_offer(assignment_id: int, occasion: str) -> None:
    """Tell the therapist of a waiting offer on their second channel; nothing once it was answered."""
    rows = Assignment.objects.filter(pk=assignment_id, status=AssignmentStatus.OFFERED)
    assignment = rows.select_related("therapist__institution", "appointment").first()
    if assignment is None or assignment.appointment.response_deadline is None:
        return
    letter = letters.offer(assignment, occasion, assignment.appointment.response_deadline)
    send_on_second_channel(assignment.therapist, *letter)


@shared_task(**RETRIES)
def send_waiting_offer(offer_id: int) -> None:
    """Tell the patient of the place that is held for them on their second channel; nothing once it is over."""
    rows = WaitingOffer.objects.filter(LIVE, pk=offer_id)
    offer = rows.select_related("entry__patient__institution").first()
    if offer is None:
        return
    send_on_second_channel(offer.entry.patient, *letters.held_place(offer))


@shared_task(**RETRIES)
def tell_account(user_id: int, event: str) -> None:
    """Tell somebody by e-mail that their account was suspended or reinstated."""
    user = User.objects.get(pk=user_id)
    send_by_mail(user, *letters.account(user, event))


@shared_task(**RETRIES)
def mail(kind: str, pk: int) -> None:
    """Send the letter that another room composes; nothing where it is no longer wanted."""
    addressed = compose(kind, pk, timezone.now())
    if addressed is not None:
        send_by_mail(addressed.reader, *addressed.letter)


def send_on_second_channel(user: User, subject: str, body: str) -> None:
    """Use the first configured and wanted of push, SMS and WhatsApp, else e-mail. Raises MailError."""
    for channel in PROVIDERS:
        if is_configured(channel) and user.phone and wants(user, channel):
            try:
                return deliver(channel, user.phone, subject, body)
            except (NotDelivered, OutcomeUnknown):
                log.warning("second_channel.failed", channel=channel, user=user.pk)
    return send_by_mail(user, subject, body)


def send_by_mail(user: User, subject: str, body: str) -> None:
    """Send an e-mail where there is an address that can be reached. Raises MailError where another try may help."""
    try:
        deliver(EMAIL, user.email, subject, body)
    except NotDelivered as refused:
        if not refused.final:
            raise MailError(str(refused)) from None
        log.warning("mail.refused", user=user.pk, reason=str(refused))
    except OutcomeUnknown as unknown:
        raise MailError(str(unknown)) from None
