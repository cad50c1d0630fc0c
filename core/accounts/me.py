"""Fields of `/api/auth/me/` that other rooms contribute."""

from collections.abc import Callable, Mapping
from typing import Any

from core.accounts.models import User

Field = Callable[[User], Any]
_fields: dict[str, Field] = {}


def register_field(name: str, value: Field) -> None:
    """Add a field; called from `AppConfig.ready`."""
    _fields[name] = value


def contributed_fields(user: User) -> Mapping[str, Any]:
    """The values of all contributed fields for `user`."""
    return {name: value(user) for name, value in _fields.items()}
