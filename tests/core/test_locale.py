"""What is written to people exists in every language, with the same places to fill in."""

import re
from typing import Final

import polib
import pytest
from django.conf import settings

from appointments.events import EventType
from realtime import texts

LOCALE: Final = settings.BASE_DIR / "core" / "locale"
LANGUAGES: Final = [code for code, _ in settings.LANGUAGES if code != "en"]
CODE: Final = ("appointments/letters.py", "appointments/selectors/free_therapists.py", "realtime/texts.py")


def catalog(language: str) -> polib.POFile:
    return polib.pofile(str(LOCALE / language / "LC_MESSAGES" / "django.po"))


def written() -> set[str]:
    """Every text of the letters and the events; those of the pages stand with the pages."""
    found = {text for texts_of_event in texts.MESSAGES.values() for text in texts_of_event if text}
    found |= {texts.TITLES.get(event, str(event.label)) for event in EventType} | {*texts.REVIEWS.values()}
    found |= {
        texts.OPEN_REQUEST,
        texts.REQUEST_TAKEN,
        texts.DECLINED_BY_ALL,
        *texts.THOUGHT_OF.values(),
        *texts.DAY_PASSED.values(),
        "reviewed",
    }
    for name in CODE:
        source = (settings.BASE_DIR / name).read_text()
        found |= set(re.findall(r'(?:\b_|gettext_noop)\(\s*"([^"]+)"', source))
    return found


def places(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s|{\w+}", text))


def test_the_texts_are_found() -> None:
    assert {"Your appointment was booked.", "Hello %(name)s,"} <= written()
    assert {"You have more time to answer an offer", "a therapist"} <= written()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_no_other(language: str) -> None:
    translated = {entry.msgid for entry in catalog(language) if entry.msgstr}
    assert (written() - translated, translated - written()) == (set(), set())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_fills_in_the_same(language: str) -> None:
    assert [entry.msgid for entry in catalog(language) if places(entry.msgid) != places(entry.msgstr)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    compiled = polib.mofile(str(LOCALE / language / "LC_MESSAGES" / "django.mo"))
    assert {entry.msgid: entry.msgstr for entry in compiled} == {
        entry.msgid: entry.msgstr for entry in catalog(language)
    }
