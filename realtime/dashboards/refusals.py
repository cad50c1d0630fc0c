"""What a refusal means. The domain explains itself in English; elsewhere it is said by its code."""

from typing import Final

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from core.errors import DomainError
from realtime.dashboards.vocabulary import in_our_words

MEANINGS: Final = {
    "deadline_passed": _("The time to answer has passed."),
    "stale_version": _("Somebody has changed it meanwhile."),
    "invalid_transition": _("Its state does not allow this now."),
    "therapist_unavailable": _("The therapist is not available at that time."),
    "double_booked": _("Another appointment lies at that time."),
    "slot_full": _("This slot has no free place."),
    "slot_booked": _("This slot is booked."),
    "permission_denied": _("You may not do this."),
    "account_suspended": _("The account is suspended."),
    "not_found": _("It does not exist, or it is not yours."),
    "throttled": _("Too often. Wait a moment."),
    "unavailable": _("The server is busy. Try again."),
    "past": _("This time has already passed."),
    "too_far": _("This lies too far ahead."),
    "required": _("This is needed."),
    "blank": _("This is needed."),
}


def meanings() -> dict[str, str]:
    """Sentences by code, where the active language is not the domain's own."""
    return {} if get_language() == "en" else {code: gettext(text) for code, text in MEANINGS.items()}


def meaning(refusal: DomainError) -> str:
    """The sentence for a refusal in the active language."""
    return meanings().get(refusal.code) or in_our_words(refusal.detail, "en")
