"""System checks: what production must not start with."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.checks import CheckMessage, Error, Tags, register, run_checks
from django.core.checks import Warning as Warned
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from appointments import demo
from appointments.events import EventType
from core.accounts.models import User
from core.settings.security import DEMO_SECRET_KEY

# What these take leads to no mailbox.
UNSENT = frozenset(
    f"django.core.mail.backends.{kind}.EmailBackend" for kind in ("console", "dummy", "filebased", "locmem")
)
OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


def refuse_unsafe_start() -> None:
    """Run the checks where no command does. Raises ImproperlyConfigured with all errors found."""
    # A server imports its application inside an event loop, where Django refuses to ask the database.
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(_serious_errors).result()
    if found:
        raise ImproperlyConfigured(" ".join(found))


def _serious_errors() -> list[str]:
    try:
        return [str(found.msg) for found in run_checks(databases=["default"]) if found.is_serious()]
    finally:
        connection.close()


@register(Tags.security)
def production_is_safe(**_: Any) -> list[CheckMessage]:
    """Without DEBUG, refuse the demo key, `*` as a host, and the demo's password for Flower."""
    if settings.DEBUG:
        return []
    found: list[CheckMessage] = []
    if settings.SECRET_KEY == DEMO_SECRET_KEY or len(settings.SECRET_KEY) < 32:
        hint = "Generate one: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        found.append(Error("DJANGO_SECRET_KEY expects a key of its own, of 32 characters.", hint=hint, id="core.E001"))
    if "*" in settings.ALLOWED_HOSTS:
        found.append(Error("ALLOWED_HOSTS expects the hosts by name, not '*'.", id="core.E002"))
    if settings.FLOWER_BASIC_AUTH.partition(":")[2] == demo.PASSWORD:
        found.append(Error("FLOWER_BASIC_AUTH expects a password of its own, not the demo's.", id="core.E006"))
    return found


@register(Tags.security, deploy=True)
def cache_is_shared(**_: Any) -> list[CheckMessage]:
    """Limits that are counted per process are no limits."""
    if "locmem" in settings.CACHES["default"]["BACKEND"]:
        return [Error("CACHE_URL expects a cache that all processes share.", id="core.E003")]
    return []


@register(Tags.security, deploy=True)
def mails_are_sent(**_: Any) -> list[CheckMessage]:
    """Warn, with `check --deploy`, where offers, reminders and suspensions would be written to nobody."""
    if settings.DEBUG or settings.EMAIL_BACKEND not in UNSENT:
        return []
    hint = "django.core.mail.backends.smtp.EmailBackend sends, by way of EMAIL_HOST."
    return [Warned(f"EMAIL_BACKEND sends nothing: {settings.EMAIL_BACKEND}.", hint=hint, id="core.W001")]


@register(Tags.security, deploy=True)
def links_lead_here(**_: Any) -> list[CheckMessage]:
    """Warn, with `check --deploy`, where the links in messages would lead to the reader's own machine."""
    if settings.DEBUG or urlsplit(settings.PUBLIC_URL).hostname not in OWN_MACHINE:
        return []
    hint = "Set it to the address at which people reach this installation, such as https://clinic.example."
    return [Warned(f"PUBLIC_URL, with which links begin, is {settings.PUBLIC_URL}.", hint=hint, id="core.W002")]


@register
def mailed_events_exist(**_: Any) -> list[CheckMessage]:
    """A misspelt event would silently never be mailed."""
    unknown = sorted(set(settings.EMAIL_EVENTS) - set(EventType.values))
    if unknown:
        return [Error(f"EMAIL_EVENTS expects event names, not {', '.join(unknown)}.", id="core.E004")]
    return []


@register(Tags.database)
def no_demo_accounts(**options: Any) -> list[CheckMessage]:
    """Without DEBUG, refuse accounts whose password everybody knows."""
    if settings.DEBUG or "default" not in (options["databases"] or []):
        return []
    names = [row[0] for people in demo.PEOPLE.values() for row in people] + ["admin"]
    try:
        accounts = list(User.objects.filter(username__in=names, is_active=True))
    except DatabaseError:  # not migrated yet, or not there: others will say so
        return []
    if any(check_password(demo.PASSWORD, account.password) for account in accounts):
        return [Error("Demo accounts are active: delete them or change their passwords.", id="core.E005")]
    return []
