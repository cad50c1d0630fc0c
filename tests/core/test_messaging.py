"""What became of a message: it went out, it certainly did not, or nobody knows."""

import io
import logging

import pytest
from pytest_django.fixtures import Settings

from core.messaging import NotDelivered, OutcomeUnknown, deliver, is_configured
from tests.core.test_logs import logged  # noqa: F401 - a fixture
from tests.realtime.conftest import free_port
from tests.support.mail import Mailbox
from tests.support.provider import Provider

PIA = "pia@clinic.example"
NUMBER = "+491700000000"


def mail(address: str = PIA) -> None:
    deliver("email", address, "Subject", "Body")


def text() -> None:
    deliver("sms", NUMBER, "Subject", "Body")


def test_a_mail_reaches_the_server_with_its_subject_and_sender(mailbox: Mailbox) -> None:
    mail()
    ((address, letter),) = mailbox.letters
    assert (address, letter["Subject"], letter["From"]) == (PIA, "Subject", "appointments@localhost")
    assert letter.get_content().strip() == "Body"


@pytest.mark.parametrize(("answer", "final"), [("550 unknown", True), ("450 later", False)])
def test_a_refused_recipient_was_not_told(mailbox: Mailbox, answer: str, final: bool) -> None:
    mailbox.rcpt_answers[PIA] = answer
    with pytest.raises(NotDelivered, match=rf"^SMTPRecipientsRefused {answer[:3]}$") as refused:
        mail()
    assert (refused.value.final, mailbox.letters) == (final, [])


@pytest.mark.parametrize(("answer", "final"), [("554 spam", True), ("451 busy", False)])
def test_refused_data_was_not_taken(mailbox: Mailbox, answer: str, final: bool) -> None:
    mailbox.data_answers[PIA] = answer
    with pytest.raises(NotDelivered, match=rf"^SMTPDataError {answer[:3]}$") as refused:
        mail()
    assert refused.value.final == final


def test_a_server_that_is_away_took_nothing(settings: Settings) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", free_port()
    with pytest.raises(NotDelivered, match="ConnectionRefusedError") as refused:
        mail()
    assert not refused.value.final


def test_a_server_that_hangs_up_after_the_mail_leaves_it_open(mailbox: Mailbox) -> None:
    mailbox.hang_up = True
    with pytest.raises(OutcomeUnknown):
        mail()
    assert mailbox.recipients == [PIA]


def test_a_server_that_does_not_answer_after_the_mail_leaves_it_open(mailbox: Mailbox, settings: Settings) -> None:
    mailbox.slow, settings.EMAIL_TIMEOUT = 0.6, 0.2
    with pytest.raises(OutcomeUnknown, match=r"TimeoutError|SMTPServerDisconnected"):
        mail()


@pytest.mark.parametrize("address", ["", "nobody", "a@b\nBcc: x@y"])
def test_an_address_that_is_none_is_final(mailbox: Mailbox, address: str) -> None:
    mailbox.rcpt_answers["nobody"] = "501 no address"
    with pytest.raises(NotDelivered) as refused:
        mail(address)
    assert (refused.value.final, mailbox.letters) == (True, [])


def test_a_provider_takes_the_text_for_the_number(provider: Provider, settings: Settings) -> None:
    settings.REMINDER_SMS_URL = provider.url("sms")
    text()
    ((path, body),) = provider.taken
    assert NUMBER.removeprefix("+") in path
    assert (body["title"], body["message"]) == ("Subject", "Body")


def test_a_provider_that_refuses_took_nothing(provider: Provider, settings: Settings) -> None:
    settings.REMINDER_SMS_URL, provider.answer = provider.url("sms"), 500
    with pytest.raises(NotDelivered, match="did not take it") as refused:
        text()
    assert not refused.value.final


def test_a_provider_that_cannot_be_reached_took_nothing(settings: Settings) -> None:
    settings.REMINDER_SMS_URL = f"json://127.0.0.1:{free_port()}/sms"
    with pytest.raises(NotDelivered):
        text()


def test_a_provider_that_hangs_up_leaves_it_open(provider: Provider, settings: Settings) -> None:
    settings.REMINDER_SMS_URL, provider.hangs_up = provider.url("sms"), True
    with pytest.raises(OutcomeUnknown):
        text()


def test_a_provider_that_does_not_answer_leaves_it_open(provider: Provider, settings: Settings) -> None:
    settings.REMINDER_SMS_URL, provider.pause = provider.url("sms") + "?rto=0.2", 0.6
    with pytest.raises(OutcomeUnknown):
        text()


def test_without_a_provider_or_a_number_it_is_final(settings: Settings) -> None:
    assert (is_configured("email"), is_configured("sms")) == (True, False)
    with pytest.raises(NotDelivered, match="REMINDER_SMS_URL is not set") as refused:
        text()
    settings.REMINDER_SMS_URL = "no-such-service://x"
    with pytest.raises(NotDelivered, match="cannot be used") as unusable:
        text()
    with pytest.raises(NotDelivered, match="no number") as numberless:
        deliver("sms", "", "Subject", "Body")
    assert refused.value.final and unusable.value.final and numberless.value.final


def test_nothing_about_the_person_is_logged_or_said(
    provider: Provider,
    settings: Settings,
    mailbox: Mailbox,
    logged: io.StringIO,  # noqa: F811
) -> None:
    settings.REMINDER_SMS_URL, provider.answer = provider.url("sms"), 500
    mailbox.rcpt_answers[PIA] = f"550 no {PIA} here"
    logging.getLogger("mail").propagate = False  # the test's own server, which names everybody
    with pytest.raises(NotDelivered) as refused:
        mail()
    with pytest.raises(NotDelivered) as unheard:
        text()
    said = logged.getvalue() + str(refused.value) + str(unheard.value)
    assert [word for word in ("pia@", "4917", "Body") if word in said] == []
