from collections.abc import Iterator, Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser

DEEPEST = 32


class ObjectParser(JSONParser):
    """JSON objects only, of text that every database can store: no NUL, no half of a surrogate pair."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            data: Any = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        if not isinstance(data, dict):
            raise ParseError("Send a JSON object.")
        for name, value in data.items():
            _refuse_unstorable(name, [name, value])
        return data


def _refuse_unstorable(name: str, value: Any) -> None:
    for text in _texts(value, DEEPEST):
        if "\x00" in text:
            raise _bad_text(name, "Null characters are not allowed.", "null_characters_not_allowed")
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise _bad_text(name, "Surrogate characters are not allowed.", "surrogate_characters_not_allowed")


def _bad_text(name: str, detail: str, code: str) -> ValidationError:
    shown = name.replace("\x00", "").encode(errors="ignore").decode()
    return ValidationError({shown: [detail]}, code=code)


def _texts(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        raise ParseError("The JSON is nested too deeply.")
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, depth - 1)
