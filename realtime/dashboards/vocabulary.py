"""What a clinic calls its therapists and patients: other words for the two roles, in every language, on pages and in
messages. The API, its fields and addresses keep the names they have."""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from django.conf import settings
from django.utils.translation import trans_real

Pairs = tuple[tuple[str, str], ...]
DEFAULTS: Final = ("therapist", "patient")
# By word and language: what stands in the translations, longer forms first, and what is said instead.
SAID: Final[dict[str, dict[str, Pairs]]] = {
    "provider": {
        "en": (("Therapist", "Provider"), ("therapist", "provider")),
        "ar": (("معالج", "ممارس"),),
        "ur": (("معالجین", "فراہم کنندگان"), ("معالج", "فراہم کنندہ")),
    },
    "doctor": {
        "en": (("Therapist", "Doctor"), ("therapist", "doctor")),
        "ar": (("معالجون", "أطباء"), ("معالجين", "أطباء"), ("معالج", "طبيب")),
        "ur": (("معالجین", "ڈاکٹروں"), ("معالج", "ڈاکٹر")),
    },
    "client": {
        "en": (("Patient", "Client"), ("patient", "client")),
        "ar": (("مرضى", "عملاء"), ("مريض", "عميل")),
        "ur": (("مریضوں", "کلائنٹس"), ("مریض", "کلائنٹ")),
    },
}


def pairs(language: str) -> Pairs:
    """What is said otherwise than in the translations; English stands on every page, in what the API explains."""
    chosen = [word for word in (settings.THERAPIST_WORD, settings.PATIENT_WORD) if word not in DEFAULTS]
    languages = dict.fromkeys((language, "en"))
    return tuple(pair for word in chosen for one in languages for pair in SAID[word].get(one, ()))


@cache
def _replacing(said: Pairs) -> Callable[[str], str]:
    otherwise = dict(said)
    # A gap to fill is named like a role, and stays.
    either = re.compile("|".join((r"%\(\w+\)s|\{\w+\}", *map(re.escape, otherwise))))
    return lambda text: either.sub(lambda found: otherwise.get(found[0], found[0]), text)


def in_our_words(text: str, language: str) -> str:
    """A translated sentence with the clinic's own words for the two roles."""
    said = pairs(language)
    return _replacing(said)(text) if said else text


class OurTranslation(trans_real.DjangoTranslation):
    """The translations of one language, in the clinic's words."""

    def gettext(self, message: str) -> str:
        return in_our_words(super().gettext(message), self.language())

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return in_our_words(super().ngettext(msgid1, msgid2, n), self.language())


def speak() -> None:
    """Let every process say the two words as the settings have them."""
    if any(pairs(language) for language, _ in settings.LANGUAGES):
        for language, _ in settings.LANGUAGES:
            trans_real._translations[language] = OurTranslation(language)  # type: ignore[attr-defined]
