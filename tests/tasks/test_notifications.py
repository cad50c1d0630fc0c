"""The second channel: who is told what, by which way, and what the logs may say of it."""

import io
from datetime import UTC, datetime

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone
from pytest_django.fixtures import Settings

from appointments.models import Appointment
from appointments.services import assignment
from core.accounts.models import User
from tasks.notifications import MailError, send_offer, tell_account
from tests.core.test_logs import logged  # noqa: F401 - a fixture
from tests.realtime.conftest import free_port
from tests.support.cast import Cast, offer
from tests.support.provider import Provider
from tests.tasks.moves import live

Letters = list[EmailMessage]


def tell(cast: Cast, occasion: str = "remind") -> Appointment:
    appointment = offer(cast)
    send_offer(live(appointment).pk, occasion)
    return appointment


def prefer(person: User, **channels: bool) -> None:
    User.objects.filter(pk=person.pk).update(preferences={"channels": channels})


def test_without_a_provider_an_offer_goes_out_by_mail(cast: Cast, mailoutbox: Letters) -> None:
    tell(cast)
    assert [letter.to for letter in mailoutbox] == [["theo@clinic.example"]]


def test_the_first_configured_of_push_sms_and_whatsapp_is_used_alone(
    cast: Cast, provider: Provider, settings: Settings, mailoutbox: Letters
) -> None:
    settings.REMINDER_WHATSAPP_URL, settings.REMINDER_SMS_URL = provider.url("whatsapp"), provider.url("sms")
    tell(cast)
    assert (provider.told, mailoutbox) == (["sms"], [])
    settings.REMINDER_PUSH_URL = provider.url("push")
    send_offer(live(Appointment.objects.get()).pk, "remind")
    assert provider.told == ["sms", "push"]


def test_the_message_goes_to_the_persons_number(cast: Cast, provider: Provider, settings: Settings) -> None:
    settings.REMINDER_SMS_URL = provider.url("sms")
    tell(cast)
    assert "491700000000" in provider.taken[0][0]


def test_a_channel_that_a_person_does_not_want_is_passed_over(
    cast: Cast, provider: Provider, settings: Settings
) -> None:
    settings.REMINDER_SMS_URL, settings.REMINDER_WHATSAPP_URL = provider.url("sms"), provider.url("whatsapp")
    prefer(cast.theo, sms=False)
    tell(cast)
    assert provider.told == ["whatsapp"]


def test_preferences_of_another_shape_change_nothing(cast: Cast, provider: Provider, settings: Settings) -> None:
    settings.REMINDER_SMS_URL = provider.url("sms")
    User.objects.filter(pk=cast.theo.pk).update(preferences={"channels": "sms"})
    tell(cast)
    assert provider.told == ["sms"]


def test_somebody_without_a_number_is_told_by_mail(
    cast: Cast, provider: Provider, settings: Settings, mailoutbox: Letters
) -> None:
    settings.REMINDER_SMS_URL = provider.url("sms")
    User.objects.filter(pk=cast.theo.pk).update(phone="")
    tell(cast)
    assert (provider.told, len(mailoutbox)) == ([], 1)


def test_a_provider_that_refuses_is_replaced_by_mail(
    cast: Cast, provider: Provider, settings: Settings, mailoutbox: Letters
) -> None:
    settings.REMINDER_SMS_URL, provider.answer = provider.url("sms"), 500
    tell(cast)
    assert (provider.told, len(mailoutbox)) == (["sms"], 1)


def test_times_are_the_therapists_with_the_zone_named(cast: Cast, mailoutbox: Letters) -> None:
    User.objects.filter(pk=cast.theo.pk).update(timezone="America/New_York")
    appointment = offer(cast)
    Appointment.objects.update(
        start=datetime(2031, 3, 3, 15, 0, tzinfo=UTC),
        end=datetime(2031, 3, 3, 15, 30, tzinfo=UTC),
        response_deadline=datetime(2031, 3, 3, 14, 5, tzinfo=UTC),
    )
    send_offer(live(appointment).pk, "warn")
    assert "Monday 3 March 2031 at 10:00 (America/New_York)" in mailoutbox[0].body
    assert "by Monday 3 March 2031 at 09:05 (America/New_York)" in mailoutbox[0].body


def test_a_waiting_offer_comes_with_the_links_that_answer_it(
    cast: Cast, provider: Provider, settings: Settings
) -> None:
    settings.REMINDER_SMS_URL = provider.url("sms")
    tell(cast)
    message = provider.taken[0][1]["message"]
    assert "/accept/" in message and "/reject/" in message


def test_without_a_zone_of_their_own_it_is_the_institutions(cast: Cast, mailoutbox: Letters) -> None:
    User.objects.filter(pk=cast.theo.pk).update(timezone="")
    tell(cast)
    assert "(Asia/Karachi)" in mailoutbox[0].body


@pytest.mark.parametrize(
    ("occasion", "says"), [("warn", "running out"), ("remind", "waits for your answer"), ("grace", "more time")]
)
def test_the_subject_says_why(cast: Cast, mailoutbox: Letters, occasion: str, says: str) -> None:
    tell(cast, occasion)
    assert says in mailoutbox[0].subject


def test_nothing_about_the_patient_leaves_the_house(cast: Cast, mailoutbox: Letters) -> None:
    appointment = offer(cast)
    Appointment.objects.update(reason_for_visit="canary", symptoms="canary", notes="canary")
    send_offer(live(appointment).pk, "warn")
    letter = mailoutbox[0].subject + mailoutbox[0].body
    assert not [word for word in ("canary", "Pia", "pia@") if word in letter]


def test_nobody_is_told_of_an_offer_that_was_answered(cast: Cast, mailoutbox: Letters) -> None:
    appointment = offer(cast)
    pk = live(appointment).pk
    assignment.accept(appointment.pk, cast.theo, timezone.now())
    send_offer(pk, "warn")
    assert mailoutbox == []


def test_the_suspended_are_told_by_mail_whatever_they_prefer(
    cast: Cast, provider: Provider, settings: Settings, mailoutbox: Letters
) -> None:
    settings.REMINDER_SMS_URL = provider.url("sms")
    tell_account(cast.theo.pk, "therapist_disabled")
    tell_account(cast.theo.pk, "therapist_enabled")
    assert (provider.told, [letter.to for letter in mailoutbox]) == ([], [["theo@clinic.example"]] * 2)
    assert "suspended" in mailoutbox[0].subject
    assert "active again" in mailoutbox[1].subject


def test_somebody_without_an_address_is_no_failure(cast: Cast, mailoutbox: Letters) -> None:
    User.objects.filter(pk=cast.theo.pk).update(email="")
    tell_account(cast.theo.pk, "therapist_disabled")
    assert mailoutbox == []


def test_a_mail_server_that_is_away_is_asked_again(cast: Cast, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = free_port()
    with pytest.raises(MailError, match="ConnectionRefusedError"):
        tell_account(cast.theo.pk, "therapist_disabled")
    assert tell_account.autoretry_for == (MailError,)
    assert tell_account.max_retries > 3


def test_no_log_names_the_number_or_the_address(
    cast: Cast,
    provider: Provider,
    settings: Settings,
    logged: io.StringIO,  # noqa: F811
) -> None:
    settings.REMINDER_SMS_URL, provider.answer = provider.url("sms"), 500
    tell(cast)
    assert "second_channel.failed" in logged.getvalue()
    assert "4917" not in logged.getvalue()
    assert "clinic.example" not in logged.getvalue()
