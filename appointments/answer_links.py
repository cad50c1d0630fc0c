"""Links by which a therapist answers one offer without signing in: signed, bound to the offer and its version.

They end with the offer; what they open asks once more and changes nothing before that.
"""

from typing import Final, NamedTuple

from django.conf import settings
from django.core import signing
from django.urls import reverse

from appointments.errors import NotFound
from appointments.models import Assignment

SALT: Final = "appointments.answer"
LONGEST: Final = 200


class Answerable(NamedTuple):
    """`version` is the appointment's as it was when the link was made."""

    assignment: Assignment
    version: int


def token_for(assignment: Assignment) -> str:
    """The signed part of the links of one offer as it now is."""
    return signing.dumps([assignment.pk, assignment.appointment.version], salt=SALT)


def link(assignment: Assignment, answer: str) -> str:
    """The address that asks the therapist to confirm `accept` or `reject`."""
    path = reverse("one_tap", kwargs={"token": token_for(assignment), "answer": answer})
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"


def opened_by(token: str) -> Answerable:
    """The offer that a link speaks of, whatever has become of it. Raises NotFound for a forged or garbled one."""
    try:
        assignment_id, version = signing.loads(token[:LONGEST], salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise NotFound("This link leads nowhere.") from None
    related = ("therapist__institution", "appointment__institution", "appointment__service")
    assignment = Assignment.objects.select_related(*related).filter(pk=assignment_id).first()
    if assignment is None:
        raise NotFound("This link leads nowhere.")
    return Answerable(assignment, version)
