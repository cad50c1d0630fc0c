"""Every sentence of a page exists in every language: what is compiled is what was written."""

import json
import re
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

from tests.support.cast import Cast

pytestmark = pytest.mark.once

DASHBOARDS = Path(__file__).resolve().parents[3] / "realtime" / "dashboards"
LANGUAGES = ["ar", "ur"]
CALL = re.compile(r"""\btn?\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""")


def said_by_scripts() -> set[str]:
    calls = (found for path in DASHBOARDS.rglob("*.js") for found in CALL.finditer(path.read_text()))
    return {one[1] if one[1] is not None else one[2] for one in calls}


def said_by_templates() -> set[str]:
    texts = (templatize(path.read_text(), origin=str(path)) for path in DASHBOARDS.rglob("*.html"))
    found = re.compile(r"gettext\(u?(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")\)")
    return {one[1] if one[1] is not None else one[2] for text in texts for one in found.finditer(text)}


def compiled(language: str, domain: str) -> GNUTranslations:
    path = DASHBOARDS / "locale" / language / "LC_MESSAGES" / f"{domain}.mo"
    with path.open("rb") as file:
        return GNUTranslations(file)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_scripts_say_is_translated(language: str) -> None:
    words, known = said_by_scripts(), compiled(language, "djangojs")._catalog  # type: ignore[attr-defined]
    assert len(words) > 200
    assert {one for one in words if one not in known and (one, 0) not in known} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_templates_say_is_translated(language: str) -> None:
    words, known = said_by_templates(), compiled(language, "django")._catalog  # type: ignore[attr-defined]
    assert len(words) > 70
    assert {one for one in words if one not in known and (one, 0) not in known} == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_a_translation_has_the_same_gaps_to_fill(language: str, domain: str) -> None:
    gaps = re.compile(r"\{\w+\}|%\(\w+\)s")
    for text, translated in compiled(language, domain)._catalog.items():  # type: ignore[attr-defined]
        original = text[0] if isinstance(text, tuple) else text
        if original:
            assert set(gaps.findall(translated)) <= set(gaps.findall(original)), original


def test_the_dashboard_speaks_the_readers_language(cast: Cast, client: Client) -> None:
    client.force_login(cast.olive)
    with translation.override("ar"):
        heading = translation.gettext("Operator dashboard")
    assert heading != "Operator dashboard"
    assert f"<h1>{heading}</h1>" in client.get("/operator/?lang=ar").content.decode()
    assert json.dumps("مراقبة المهلة") in client.get("/words/ar.js").content.decode()
