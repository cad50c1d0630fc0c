"""Events that also go by e-mail: to whom, in which words, and who has said no."""

from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings
from structlog.contextvars import bound_contextvars

from appointments.models import Appointment
from appointments.services import assignment, attendance, suspension
from core.accounts.models import User
from core.letters import compose
from core.outbox.models import Lane, OutboxEntry
from realtime.letters import KIND
from tasks.notifications import mail
from tests.support.cast import Cast, book, drain_outbox, offer

pytestmark = pytest.mark.django_db
Letters = list[EmailMessage]


def posted() -> None:
    """Tell everybody, and let the worker do what that has queued."""
    drain_outbox(Lane.REALTIME)
    for entry in OutboxEntry.objects.filter(lane=Lane.TASKS, kind="mail").order_by("id"):
        mail(entry.payload["kind"], entry.payload["id"])
        entry.delete()


def fresh(box: Letters) -> dict[str, EmailMessage]:
    """What has come since the last look, by the reader's name."""
    posted()
    found = {letter.to[0].partition("@")[0]: letter for letter in box}
    box.clear()
    return found


def prefer(person: User, **preferences: Any) -> None:
    User.objects.filter(pk=person.pk).update(preferences=preferences)


def test_an_acceptance_is_mailed_to_both_and_operators_keep_to_their_dashboard(cast: Cast, mailoutbox: Letters) -> None:
    appointment = offer(cast)
    fresh(mailoutbox)
    assignment.accept(appointment.pk, cast.theo, timezone.now())
    letters = fresh(mailoutbox)
    assert set(letters) == {"theo", "pia"}
    assert letters["pia"].subject == "Appointment accepted"
    assert "Dr. Theo accepted your appointment." in letters["pia"].body
    assert "(Asia/Karachi)" in letters["pia"].body


def test_a_mail_goes_out_under_the_id_of_the_request_that_it_came_of(cast: Cast) -> None:
    appointment = offer(cast)
    posted()
    with bound_contextvars(request_id="of-the-acceptance"):
        assignment.accept(appointment.pk, cast.theo, timezone.now())
    drain_outbox()
    mails = OutboxEntry.objects.filter(kind="mail")
    assert set(mails.values_list("request_id", flat=True)) == {"of-the-acceptance"}


def test_an_offer_comes_with_the_links_that_answer_it(cast: Cast, mailoutbox: Letters, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://clinic.example"
    appointment = book(cast.pia, cast.olive)
    fresh(mailoutbox)
    assignment.assign(appointment.pk, cast.theo.pk, cast.olive, timezone.now())
    letters = fresh(mailoutbox)
    assert "Accept: https://clinic.example/answer/" in letters["theo"].body
    assert "answer" not in letters["pia"].body


def test_links_of_an_offer_that_is_over_are_not_sent(cast: Cast, mailoutbox: Letters) -> None:
    appointment = offer(cast)
    assignment.accept(appointment.pk, cast.theo, timezone.now())
    posted()
    assert [letter for letter in mailoutbox if "/answer/" in letter.body] == []


def test_only_the_events_that_are_named_are_mailed(cast: Cast, mailoutbox: Letters, settings: Settings) -> None:
    settings.EMAIL_EVENTS = ["appointment_cancelled"]
    appointment = offer(cast)
    assert fresh(mailoutbox) == {}
    attendance.cancel(appointment.pk, "moved away", cast.pia, timezone.now())
    assert set(fresh(mailoutbox)) == {"theo", "pia"}
    settings.EMAIL_EVENTS = []
    offer(cast, hours=30)
    assert fresh(mailoutbox) == {}


def test_everybody_may_refuse_one_event_or_every_mail(cast: Cast, mailoutbox: Letters) -> None:
    prefer(cast.pia, emails={"appointment_accepted": False})
    prefer(cast.theo, channels={"email": False})
    assignment.accept(offer(cast).pk, cast.theo, timezone.now())
    letters = fresh(mailoutbox)
    assert "theo" not in letters
    assert letters["pia"].subject != "Appointment accepted"


def test_an_operator_may_ask_for_an_event(cast: Cast, mailoutbox: Letters) -> None:
    prefer(cast.olive, emails={"appointment_accepted": True})
    assignment.accept(offer(cast).pk, cast.theo, timezone.now())
    assert "olive" in fresh(mailoutbox)


def test_who_refuses_between_the_event_and_the_mail_gets_none(cast: Cast) -> None:
    assignment.accept(offer(cast).pk, cast.theo, timezone.now())
    drain_outbox(Lane.REALTIME)
    row = cast.pia.notifications.get(type="appointment_accepted")
    assert compose(KIND, row.pk, timezone.now()) is not None
    prefer(cast.pia, emails={"appointment_accepted": False})
    assert compose(KIND, row.pk, timezone.now()) is None


def test_an_open_request_is_written_to_nobody(cast: Cast, mailoutbox: Letters) -> None:
    book(cast.pia, cast.pia)
    assert fresh(mailoutbox) == {}


def test_what_a_reader_no_longer_sees_is_not_written(cast: Cast) -> None:
    Appointment.objects.update(reason_for_visit="canary")
    appointment = offer(cast)
    drain_outbox(Lane.REALTIME)
    row = cast.theo.notifications.get(type="appointment_assigned")
    assignment.unassign(appointment.pk, cast.olive, timezone.now())
    found = compose(KIND, row.pk, timezone.now())
    assert found is not None
    assert [word for word in ("Pia", "canary", "/answer/") if word in found.letter.body] == []


def test_a_suspension_is_not_mailed_twice(cast: Cast, mailoutbox: Letters, settings: Settings) -> None:
    settings.EMAIL_EVENTS = ["therapist_disabled"]
    prefer(cast.olive, emails={"therapist_disabled": True})
    suspension.disable(cast.theo.pk, "on request", cast.olive, timezone.now())
    assert set(fresh(mailoutbox)) == {"olive"}


def test_the_queue_holds_ids_alone(cast: Cast) -> None:
    assignment.accept(offer(cast).pk, cast.theo, timezone.now())
    drain_outbox(Lane.REALTIME)
    payloads = [entry.payload for entry in OutboxEntry.objects.filter(kind="mail")]
    assert payloads
    assert all(set(payload) == {"kind", "id"} for payload in payloads)


def test_telling_many_costs_no_more_for_their_mails(cast: Cast) -> None:
    def queries(offers: int, first: int) -> int:
        for number in range(offers):
            offer(cast, hours=first + number)
        with CaptureQueriesContext(connection) as asked:
            drain_outbox(Lane.REALTIME)
        return len(asked)

    queries(1, 24)
    assert queries(2, 30) == queries(5, 40)


@pytest.mark.parametrize(("language", "words"), [("ar", "تم قبول الموعد"), ("ur", "اپائنٹمنٹ قبول ہو گئی")])
def test_a_mail_speaks_its_readers_language(cast: Cast, mailoutbox: Letters, language: str, words: str) -> None:
    User.objects.filter(pk=cast.pia.pk).update(language=language)
    assignment.accept(offer(cast).pk, cast.theo, timezone.now())
    assert fresh(mailoutbox)["pia"].subject == words
