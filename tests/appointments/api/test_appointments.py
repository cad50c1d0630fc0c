"""What the reads of appointments add to what the services know."""

import pytest

from core.accounts.models import User
from tests.support.cast import Cast, book, client_of


@pytest.mark.parametrize(
    ("language", "reasons"),
    [
        ("en", ["No open offers", "No appointments that day", "No offer yet"]),
        ("ur", ["کوئی کھلی پیشکش نہیں", "اس دن کوئی اپائنٹمنٹ نہیں", "ابھی تک کوئی پیشکش نہیں"]),
    ],
)
def test_why_a_therapist_is_proposed_is_said_in_the_readers_language(
    cast: Cast, language: str, reasons: list[str]
) -> None:
    User.objects.filter(pk=cast.olive.pk).update(language=language)
    visit = book(cast.pia, cast.olive)
    answer = client_of(cast.olive).get(f"/api/scheduling/appointments/{visit.pk}/available_therapists/")
    assert [one["reasons"] for one in answer.json()] == [reasons, reasons]
