"""The two words for those who treat and those who are treated are the clinic's own, in every language."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation import trans_real

from core.accounts.models import User
from realtime.dashboards.vocabulary import SAID, in_our_words, pairs, speak
from realtime.texts import message
from tests.core.test_locale import catalog
from tests.realtime.dashboards.test_words import LANGUAGES, compiled, said_by_scripts, said_by_templates
from tests.support.cast import Cast

pytestmark = pytest.mark.once

GAP = re.compile(r"%\(\w+\)s|\{\w+\}")
STEMS = {"en": "therapist|patient", "ar": "معالج|مريض|مرضى", "ur": "معالج|مریض"}


@pytest.fixture
def ours(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.THERAPIST_WORD, settings.PATIENT_WORD = "provider", "client"
    monkeypatch.setattr(trans_real, "_translations", {})
    speak()


def everything(language: str) -> set[str]:
    if language == "en":
        return said_by_scripts() | said_by_templates()
    on_pages = [compiled(language, domain)._catalog for domain in ("django", "djangojs")]  # type: ignore[attr-defined]
    return {text for one in on_pages for text in one.values()} | {one.msgstr for one in catalog(language)}


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
@pytest.mark.parametrize("therapist", ["provider", "doctor"])
def test_no_sentence_of_any_page_keeps_the_old_words(settings: Any, language: str, therapist: str) -> None:
    settings.THERAPIST_WORD, settings.PATIENT_WORD = therapist, "client"
    sentences = everything(language)
    stem = re.compile(STEMS[language], re.IGNORECASE)
    assert any(stem.search(text) for text in sentences)
    left = {text for text in sentences if stem.search(GAP.sub("", in_our_words(text, language)))}
    assert left == set()


def test_a_gap_to_fill_keeps_its_name(settings: Any) -> None:
    settings.THERAPIST_WORD, settings.PATIENT_WORD = "provider", "client"
    said = in_our_words("{therapist} and %(patient)s: the therapist of the patient", "en")
    assert said == "{therapist} and %(patient)s: the provider of the client"


def test_by_default_nothing_is_replaced(settings: Any) -> None:
    assert pairs("en") == pairs("ar") == ()
    assert in_our_words("The therapist", "en") == "The therapist"
    assert set(SAID) == {"provider", "doctor", "client"}


def test_a_page_says_them_and_a_name_stays_a_name(cast: Cast, client: Client, ours: None) -> None:
    User.objects.filter(pk=cast.theo.pk).update(first_name="Patient", last_name="Therapist")
    client.force_login(cast.pia)
    page = client.get("/schedule?lang=en").content.decode()
    assert "Your provider will see this." in page
    assert "Patient Therapist" in page
    assert "your therapist" not in page.lower().replace("patient therapist", "")
    assert "طبيب" not in client.get("/schedule?lang=ar").content.decode()
    assert "ممارس" in client.get("/schedule?lang=ar").content.decode()


def test_scripts_are_told_them(cast: Cast, client: Client, ours: None) -> None:
    client.force_login(cast.olive)
    page = client.get("/operator/?lang=en").content.decode()
    written = re.search(r'id="page-settings" type="application/json">(.*?)</script>', page)
    assert written
    assert json.loads(written[1])["words"] == [["Therapist", "Provider"], ["therapist", "provider"]] + [
        ["Patient", "Client"],
        ["patient", "client"],
    ]


def test_a_notification_says_them(ours: None) -> None:
    with translation.override("en"):
        told = message("appointment_assigned", "patient", {"appointment": {}})
    assert told == "A provider was asked to see you."


def test_the_api_keeps_its_names(cast: Cast, client: Client, ours: None) -> None:
    client.force_login(cast.theo)
    me = client.get("/api/auth/me/").json()
    assert me["role"] == "therapist"
