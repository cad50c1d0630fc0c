"""Knox tokens for REST and WebSocket, in one query."""

from datetime import datetime
from hmac import compare_digest
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from knox.settings import CONSTANTS, knox_settings
from rest_framework.exceptions import AuthenticationFailed

from core.accounts.models import User
from core.prepared import prepared

LONGEST_TOKEN: Final = 128


def authenticate_token(raw: str, now: datetime) -> tuple[User, AuthToken] | None:
    """The active user and the token row behind a raw token, its life prolonged; None where it is not valid."""
    if not raw or len(raw) > LONGEST_TOKEN or not raw.isascii() or not raw.isalnum():
        return None
    digest = hash_token(raw)
    for token in _tokens(raw[: CONSTANTS.TOKEN_KEY_LENGTH]):
        if compare_digest(digest, token.digest):
            alive = token.expiry is None or now < token.expiry
            if not alive or not token.user.is_active:
                return None
            prolong(token, now)
            return token.user, token
    return None


@prepared
def _tokens(key: str) -> QuerySet[AuthToken]:
    return AuthToken.objects.filter(token_key=key).select_related("user__institution")


def prolong(token: AuthToken, now: datetime) -> None:
    """Move the token's end on, within its longest life; a logout at the same time wins."""
    if token.expiry is None:
        return
    end = min(now + knox_settings.TOKEN_TTL, token.created + knox_settings.AUTO_REFRESH_MAX_TTL)
    if (end - token.expiry).total_seconds() > knox_settings.MIN_REFRESH_INTERVAL:
        AuthToken.objects.filter(pk=token.pk).update(expiry=end)


class TokenAuthentication(KnoxAuthentication):
    """`Authorization: Token <token>`; anything unreadable in it is a failed authentication."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        found = authenticate_token(token.decode("latin-1"), timezone.now())
        if found is None:
            raise AuthenticationFailed("This token is not valid, or no longer.")
        return found


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "core.accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Token <token>"}
