"""Signing in, in the same words and the same time for a wrong password and an unknown name; and out again."""

from datetime import datetime

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest

from core.accounts.models import User
from core.errors import DomainError
from core.outbox.models import Lane
from core.outbox.writing import write


def sign_in(request: HttpRequest, username: str, password: str) -> User:
    """The active user behind the credentials.

    Raises DomainError: throttled after five failures, authentication_failed, account_suspended with its reason.
    """
    credentials = {"username": username, "password": password}
    if not _is_allowed(request, credentials):
        wait = settings.AXES_COOLOFF_TIME.total_seconds()
        raise DomainError("Too many failed attempts; wait a while.", code="throttled", retry_after=wait)
    user = User.objects.filter(username=username).first()
    if user is None:
        User().set_password(password)  # takes as long as checking one
    if user is None or not user.check_password(password):
        _count_failure(request, username)
        raise DomainError("The user name or the password is wrong.", code="authentication_failed")
    if not user.is_active:
        raise DomainError(_suspension(user), code="account_suspended")
    AxesProxyHandler.reset_attempts(username=username, ip_address=request.META.get("REMOTE_ADDR"))
    return user


def sign_out(request: HttpRequest, now: datetime) -> None:
    """End the browser's session, and promise that its sockets are closed."""
    with transaction.atomic():
        if isinstance(request.user, User):
            close_sockets(request.user.pk, None, now)
        logout(request)


def close_sockets(user_id: int, token: str | None, now: datetime) -> None:
    """Promise that the person's sockets show anew what they were opened by; a token's digest opens nothing."""
    fact = {"user": user_id, "token": token}
    write(Lane.REALTIME, "token_revoked", fact, stream=f"user:{user_id}", now=now)


def _is_allowed(request: HttpRequest, credentials: dict[str, str]) -> bool:
    allowed: bool = AxesProxyHandler.is_allowed(request, credentials)
    _answer_ourselves(request)
    return allowed


def _count_failure(request: HttpRequest, username: str) -> None:
    AxesProxyHandler.user_login_failed(__name__, credentials={"username": username}, request=request)
    _answer_ourselves(request)


def _answer_ourselves(request: HttpRequest) -> None:
    """Keep the middleware of axes, which the admin's login needs, from putting its own answer in place of ours."""
    request.axes_locked_out = False  # type: ignore[attr-defined]


def _suspension(user: User) -> str:
    since: datetime | None = user.suspended_at
    reason = user.suspension_reason or "no reason was recorded"
    when = f" since {since:%Y-%m-%d %H:%M} UTC" if since else ""
    return f"This account is suspended{when}: {reason}."
