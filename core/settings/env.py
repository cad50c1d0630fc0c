"""Typed reading of the environment (and `.env`); every bad variable is named with what it expects."""

import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
_mistakes: list[str] = []

BASE_DIR = Path(__file__).resolve().parent.parent.parent
environ.Env.read_env(str(BASE_DIR / ".env"))

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off"})


def read(name: str, default: str, expects: str, parse: Callable[[str], T]) -> T:
    """The variable's value by `parse`; an empty one counts as absent, a bad one is noted for `refuse_mistakes`."""
    raw = os.environ.get(name, "").strip() or default
    try:
        return parse(raw)
    except (ValueError, LookupError, OSError, ImportError, ImproperlyConfigured):
        _mistakes.append(f"{name} expects {expects}.")
        return parse(default)


def refuse_mistakes() -> None:
    """Stop the start with all bad variables at once; their values may be secrets and are not shown."""
    if _mistakes:
        raise ImproperlyConfigured(" ".join(_mistakes))


def text(name: str, default: str = "", *, shape: str = "", expects: str = "text") -> str:
    """Any text on one line, or what the regular expression `shape` describes whole."""

    def parse(raw: str) -> str:
        if not raw.isprintable() or (shape and raw != default and not re.fullmatch(shape, raw)):
            raise ValueError
        return raw

    return read(name, default, expects, parse)


def boolean(name: str, *, default: bool) -> bool:
    """true or false."""

    def parse(raw: str) -> bool:
        if raw.lower() in TRUE:
            return True
        if raw.lower() in FALSE:
            return False
        raise ValueError

    return read(name, "true" if default else "false", "true or false", parse)


def number(name: str, default: float, *, least: float, most: float) -> float:
    """A decimal number within bounds."""

    def parse(raw: str) -> float:
        value = float(raw)
        if not least <= value <= most:
            raise ValueError
        return value

    return read(name, str(default), f"a number from {least:g} to {most:g}", parse)


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """A whole number within bounds."""

    def parse(raw: str) -> int:
        value = int(raw)
        if not least <= value <= most:
            raise ValueError
        return value

    return read(name, str(default), f"a whole number from {least} to {most}", parse)


def dotted(name: str, default: str) -> str:
    """The dotted path of a class that can be imported."""

    def parse(raw: str) -> str:
        module, _, attribute = raw.rpartition(".")
        if not module or not attribute.isidentifier() or find_spec(module) is None:
            raise ValueError
        return raw

    return read(name, default, "the dotted path of a class", parse)


def words(name: str, default: str, *, shape: str, expects: str) -> list[str]:
    """A comma list of words of one shape."""

    def parse(raw: str) -> list[str]:
        found = [word.strip() for word in raw.split(",") if word.strip()]
        if not all(re.fullmatch(shape, word) for word in found):
            raise ValueError
        return found

    return read(name, default, expects, parse)


def url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    """A URL with one of the schemes; empty where the default is."""

    def parse(raw: str) -> str:
        scheme, _, rest = raw.partition("://")
        if raw and (scheme not in schemes or not rest):
            raise ValueError
        urlsplit(raw).port  # noqa: B018 - raises ValueError where the port is none
        return raw

    return read(name, default, "a URL beginning with " + ", ".join(f"{scheme}://" for scheme in schemes), parse)
