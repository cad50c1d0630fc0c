"""Events that also go by e-mail: EMAIL_EVENTS names them, everybody may refuse or ask for each."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils import translation
from django.utils.dateparse import parse_datetime

from appointments.events import EventType, user_stream
from appointments.letters import answer_links_of, on_the_clock_of
from appointments.models import AssignmentStatus
from core.accounts.models import User
from core.accounts.preferences import wants_mail_of
from core.letters import Addressed, Letter
from core.outbox.models import Lane
from core.outbox.writing import Effect
from realtime.models import NewNotification, Notification
from realtime.rendering import told_to

KIND: Final = "notification"
# Whom these concern is told by `tell_account`, whatever they prefer.
OF_ACCOUNTS: Final = frozenset({EventType.THERAPIST_DISABLED, EventType.THERAPIST_ENABLED})


def promised(rows: Iterable[NewNotification], requests: Mapping[int, str]) -> list[Effect]:
    """The effects that mail those of the new notifications that EMAIL_EVENTS names and their readers want.

    An open request is shown to many and taken by one: nobody is written to about it. `requests` are the ids of the
    requests that the notifications come of, by the Outbox row.
    """
    named = [row for row in rows if row.type in settings.EMAIL_EVENTS and not row.open_request]
    if not named:
        return []
    readers = User.objects.in_bulk({row.recipient_id for row in named})
    keys = _keys_of(named)
    return [
        Effect(
            Lane.TASKS,
            "mail",
            {"kind": KIND, "id": keys[row.recipient_id, row.outbox_id]},
            user_stream(row.recipient_id),
            requests.get(row.outbox_id, ""),
        )
        for row in named
        if wants_mail_of(readers[row.recipient_id], row.type) and not _is_own_account(row)
    ]


def _keys_of(rows: Collection[NewNotification]) -> dict[tuple[int, int], int]:
    """What the database has numbered them: they are written without being read back."""
    written = Notification.objects.filter(
        recipient_id__in={row.recipient_id for row in rows}, outbox_id__in={row.outbox_id for row in rows}
    )
    found = written.order_by().values_list("recipient_id", "outbox_id", "pk")
    return {(recipient_id, outbox_id): pk for recipient_id, outbox_id, pk in found}


def _is_own_account(row: NewNotification) -> bool:
    return row.type in OF_ACCOUNTS and row.data.get("therapist") == row.recipient_id


def compose(notification_id: int, now: datetime) -> Addressed | None:
    """The event as its reader may see it now, in their language; None for one who does not want it by e-mail.

    An offer comes with its answer links while it is open.
    """
    row = (
        Notification.objects.select_related("recipient__institution", "assignment__appointment")
        .filter(pk=notification_id)
        .first()
    )
    if row is None or not row.recipient.is_active or not wants_mail_of(row.recipient, row.type):
        return None
    reader = row.recipient
    (told,) = told_to(reader, [row], now)
    shown = told.data["appointment"]
    start = parse_datetime(shown["start"]) if shown else None
    with translation.override(reader.language):
        paragraphs = [told.message]
        if start is not None:
            paragraphs.append(on_the_clock_of(reader, start))
        if row.assignment is not None and row.assignment.status == AssignmentStatus.OFFERED:
            paragraphs.append(answer_links_of(row.assignment))
    return Addressed(reader, Letter(told.title, "\n\n".join(paragraphs)))
