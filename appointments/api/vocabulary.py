"""Other words for the same things, accepted in bodies and query strings."""

from collections.abc import Mapping
from typing import Any, Final

from appointments.errors import InvalidInput

ALIASES: Final[Mapping[str, str]] = {
    "therapist_id": "therapist",
    "doctor": "therapist",
    "doctor_id": "therapist",
    "provider": "therapist",
    "provider_id": "therapist",
    "patient_id": "patient",
    "client": "patient",
    "client_id": "patient",
}


def in_our_words(data: Any) -> dict[str, Any]:
    """The mapping with every alias renamed. Raises InvalidInput when two names of one thing disagree."""
    if not isinstance(data, Mapping):
        raise InvalidInput("Send a JSON object.", attr=None)
    named = {key: data[key] for key in data if key not in ALIASES}
    for alias in data:
        name = ALIASES.get(alias)
        if name is None:
            continue
        if name in named and str(named[name]) != str(data[alias]):
            raise InvalidInput(f"'{alias}' and '{name}' disagree.", attr=alias)
        named[name] = data[alias]
    return named
