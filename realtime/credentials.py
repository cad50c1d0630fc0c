"""Who a socket belongs to, and whether they still may have it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.http import HttpRequest, parse_cookie
from django.http.request import validate_host
from knox.models import AuthToken

from core.accounts.authentication import authenticate_token, prolong
from core.accounts.models import User

PROTOCOL: Final = "events.v1"
TOKEN_PROTOCOL: Final = "knox."  # noqa: S105 - a prefix
Scope = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Credentials:
    """By what a socket was opened: a token's digest, or a session's key with the hash that ends it."""

    user_id: int
    token: str | None = None
    session: str | None = None
    session_hash: str = ""


def authenticate(scope: Scope, now: datetime) -> tuple[User, Credentials] | None:
    """The user of a WebSocket handshake: sub-protocol, then header, then cookie; the first that is present counts."""
    for protocol in scope.get("subprotocols", ()):
        if protocol.startswith(TOKEN_PROTOCOL):
            return _by_token(protocol.removeprefix(TOKEN_PROTOCOL), now)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "token":
        return _by_token(token.strip(), now)
    key = parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME)
    if not key or not origin_allowed(headers.get("origin"), headers.get("host", "")):
        return None
    return _by_session(key)


def origin_allowed(origin: str | None, host: str) -> bool:
    """Tell whether a browser page of this origin may use the session cookie: the site itself, or one of CORS's."""
    if not origin:
        return False
    if origin in settings.CORS_ALLOWED_ORIGINS:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.netloc == host and validate_host(parts.hostname or "", settings.ALLOWED_HOSTS)


def _by_token(raw: str, now: datetime) -> tuple[User, Credentials] | None:
    found = authenticate_token(raw, now)
    if found is None:
        return None
    user, token = found
    return user, Credentials(user.pk, token=token.pk)


def _by_session(key: str) -> tuple[User, Credentials] | None:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    if not isinstance(user, User):
        return None
    return user, Credentials(user.pk, session=key, session_hash=user.get_session_auth_hash())


def still_valid(held: Iterable[Credentials], now: datetime) -> set[Credentials]:
    """Those whose account is active and whose token or session has not ended, in three queries at most."""
    held = list(held)
    users = User.objects.in_bulk({one.user_id for one in held})
    digests = [one.token for one in held if one.token]
    lasting = Q(expiry__isnull=True) | Q(expiry__gt=now)
    tokens = set(AuthToken.objects.filter(lasting, pk__in=digests).values_list("pk", flat=True)) if digests else set()
    keys = [one.session for one in held if one.session]
    running = Session.objects.filter(session_key__in=keys, expire_date__gt=now)
    sessions = set(running.values_list("session_key", flat=True)) if keys else set()

    def lasts(one: Credentials) -> bool:
        user = users.get(one.user_id)
        if user is None or not user.is_active:
            return False
        if one.token:
            return one.token in tokens
        return one.session in sessions and one.session_hash == user.get_session_auth_hash()

    return {one for one in held if lasts(one)}


def keep_alive(credentials: Credentials, now: datetime) -> None:
    """A ping counts as use: prolong the token."""
    token = AuthToken.objects.filter(pk=credentials.token).first() if credentials.token else None
    if token is not None:
        prolong(token, now)
