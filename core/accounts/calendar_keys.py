"""Keys for calendar programs, which can send no header: they stand in the feed's address and open only that."""

import hashlib
import secrets
from datetime import datetime
from typing import Final

from core.accounts.models import CalendarKey, User

BYTES: Final = 32
LONGEST: Final = 100


def renew(user: User, now: datetime) -> str:
    """A new key, shown this once; the one before opens nothing any more."""
    key = secrets.token_urlsafe(BYTES)
    CalendarKey.objects.update_or_create(user=user, defaults={"digest": _digest(key), "created_at": now})
    return key


def revoke(user: User) -> None:
    """End the key, if there is one."""
    CalendarKey.objects.filter(user=user).delete()


def owner_of(key: str) -> User | None:
    """Whose calendar the key opens; None for an unknown key and for a suspended account."""
    if not key or len(key) > LONGEST:
        return None
    return User.objects.filter(calendar_key__digest=_digest(key), is_active=True).first()


def _digest(key: str) -> str:
    # The key is random and long, so its plain hash cannot be guessed back.
    return hashlib.sha256(key.encode()).hexdigest()
