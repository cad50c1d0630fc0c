"""One message to one person by one channel, and an honest answer about what became of it.

Addresses and what a server says about them stay out of the errors: these are stored and logged.
"""

import logging
from contextlib import suppress
from smtplib import SMTPException, SMTPNotSupportedError, SMTPRecipientsRefused, SMTPResponseException
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

EMAIL: Final = "email"
# In the order of preference for what is urgent.
PROVIDERS: Final = {
    "push": "REMINDER_PUSH_URL",
    "sms": "REMINDER_SMS_URL",
    "whatsapp": "REMINDER_WHATSAPP_URL",
}
# Apprise says only in its log why a request failed; these never reached the provider.
NEVER_CONNECTED: Final = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "SSLError", "ProxyError")
BROKEN_OFF: Final = "Socket Exception"


class NotDelivered(Exception):
    """It certainly did not go out; `final` where another try would meet the same refusal."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class OutcomeUnknown(Exception):
    """It may have gone out or not."""


def is_configured(channel: str) -> bool:
    """Tell whether there is a way to send by this channel."""
    return channel == EMAIL or bool(getattr(settings, PROVIDERS[channel]))


def deliver(channel: str, address: str, subject: str, body: str) -> None:
    """Send by e-mail to an address, by another channel to a number. Raises NotDelivered, OutcomeUnknown."""
    if not address:
        raise NotDelivered("there is no e-mail address" if channel == EMAIL else "there is no number", final=True)
    if channel == EMAIL:
        _by_mail(address, subject, body)
    elif is_configured(channel):
        _by_provider(getattr(settings, PROVIDERS[channel]).replace("{to}", address), subject, body)
    else:
        raise NotDelivered(f"{PROVIDERS[channel]} is not set", final=True)


def _by_mail(address: str, subject: str, body: str) -> None:
    connection: Any = get_connection()
    try:
        try:
            connection.open()
        except (OSError, SMTPException) as error:
            raise NotDelivered(type(error).__name__) from None
        _hand_over(EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [address], connection=connection))
    finally:
        with suppress(OSError, SMTPException):  # what the server says to the farewell changes nothing
            connection.close()


def _hand_over(message: EmailMessage) -> None:
    try:
        message.send()
    # SMTPException is an OSError: the known refusals come first.
    except SMTPRecipientsRefused as refused:
        codes = [code for code, _ in refused.recipients.values()]
        raise NotDelivered(f"SMTPRecipientsRefused {codes[0]}", final=min(codes) >= 500) from None
    except SMTPResponseException as refused:
        reason = f"{type(refused).__name__} {refused.smtp_code}"
        raise NotDelivered(reason, final=refused.smtp_code >= 500) from None
    except (SMTPNotSupportedError, ValueError) as error:  # an address that is none, or none that this server knows
        raise NotDelivered(type(error).__name__, final=True) from None
    except OSError as error:
        raise OutcomeUnknown(type(error).__name__) from None


def _by_provider(url: str, subject: str, body: str) -> None:
    # Every process would load it, for the few that send by it.
    import apprise  # noqa: PLC0415
    from apprise.result import AppriseResultStatus  # noqa: PLC0415

    sender = apprise.Apprise()
    if not sender.add(url):
        raise NotDelivered("the provider's URL cannot be used", final=True)
    result = sender.notify(title=subject, body=body, log_level=logging.DEBUG)
    if result:
        return
    said = [str(entry.message) for entry in result.logs()]
    broken = [line for line in said if BROKEN_OFF in line and not any(why in line for why in NEVER_CONNECTED)]
    if broken or result.status == AppriseResultStatus.TIMEOUT:
        raise OutcomeUnknown("the provider did not answer")
    raise NotDelivered("the provider did not take it")
