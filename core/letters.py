"""Letters that other rooms compose and `tasks` sends; a task knows only their kind and id."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from core.accounts.models import User


class Letter(NamedTuple):
    subject: str
    body: str


class Addressed(NamedTuple):
    reader: User
    letter: Letter


# From an id: the letter as it is to be sent now, or None where it no longer is.
Composer = Callable[[int, datetime], Addressed | None]
_composers: dict[str, Composer] = {}


def register_composer(kind: str, composer: Composer) -> None:
    """Name the one who writes letters of this kind; called from `AppConfig.ready`."""
    _composers[kind] = composer


def compose(kind: str, pk: int, now: datetime) -> Addressed | None:
    """The letter, or None where there is nothing to send."""
    return _composers[kind](pk, now)
