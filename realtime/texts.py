"""What people read: a title and a sentence for each event and kind of reader."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from appointments.events import EventType as E
from core.accounts.models import Role

TITLES: Final[Mapping[str, str]] = {
    E.MISSED: "Missed Appointment",
    E.RESCHEDULED: "Appointment Rescheduled",
    E.NO_SHOW: "No Show",
}
# By event: what operators, the therapist and the patient read. An empty text is for a reader whom the event never
# reaches. Names are filled in from what the reader sees of the appointment.
MESSAGES: Final[Mapping[str, tuple[str, str, str]]] = {
    E.NEW_APPOINTMENT: (
        "{patient} has a new appointment.",
        "A new appointment with {patient} waits for your answer.",
        "Your appointment was booked.",
    ),
    E.ASSIGNED: (
        "{therapist} was asked to see {patient}.",
        "You were assigned an appointment with {patient}.",
        "A therapist was asked to see you.",
    ),
    E.UNASSIGNED: (
        "The appointment of {patient} needs a therapist.",
        "An appointment was taken back from you.",
        "Your appointment needs another therapist.",
    ),
    E.DEADLINE_EXTENDED: ("{therapist} has more time to answer.", "You have more time to answer.", ""),
    E.DEADLINE_APPROACHING: ("{therapist} has not answered yet.", "Your time to answer is running out.", ""),
    E.ACCEPTED: (
        "{therapist} accepted the appointment of {patient}.",
        "You accepted the appointment with {patient}.",
        "{dr_therapist} accepted your appointment.",
    ),
    E.REJECTED: (
        "{therapist} rejected the appointment of {patient}: {reason}",
        "You rejected an appointment.",
        "The therapist you chose cannot take your appointment: {reason}",
    ),
    E.REVIEWED: ("A rejection was {review}.", "Your rejection was {review}.", ""),
    E.AUTO_CANCELLED: (
        "The appointment of {patient} was cancelled: no answer in time.",
        "An appointment was cancelled because you did not answer in time.",
        "Your appointment was cancelled: no therapist answered in time.",
    ),
    E.THERAPIST_DISABLED: ("{subject} was suspended.", "Your account was suspended.", ""),
    E.THERAPIST_ENABLED: ("{subject} was reinstated.", "Your account was reinstated.", ""),
    E.CANCELLED: (
        "The appointment of {patient} was cancelled.",
        "The appointment with {patient} was cancelled.",
        "Your appointment was cancelled.",
    ),
    E.RESCHEDULED: (
        "The appointment of {patient} has been rescheduled",
        "The appointment with {patient} has been rescheduled",
        "Your appointment with {dr_therapist} has been rescheduled",
    ),
    E.MISSED: (
        "The appointment of {patient} was not attended",
        "Appointment with {patient} was not attended",
        "Your appointment with {dr_therapist} was not attended",
    ),
    E.NO_SHOW: ("{patient} did not come.", "{patient} did not come.", "You did not come to your appointment."),
    E.STARTED: ("The visit of {patient} has begun.", "The visit of {patient} has begun.", "Your visit has begun."),
    E.COMPLETED: ("The visit of {patient} is over.", "The visit of {patient} is over.", "Your visit is over."),
    E.UPDATED: (
        "The appointment of {patient} was changed.",
        "The appointment with {patient} was changed.",
        "Your appointment was changed.",
    ),
    E.CLAIMED: ("The appointment of {patient} is being looked after.", "", ""),
    E.WAITLIST_OFFER: (
        "A place with {subject} is held for {patient}, who waits for one.",
        "",
        "A place with {dr_subject} is held for you: take it before somebody else may.",
    ),
    E.WAITLIST_OFFER_EXPIRED: (
        "{patient} did not take the place with {subject}.",
        "",
        "The place with {dr_subject} is no longer held for you.",
    ),
}
OPEN_REQUEST: Final = "{patient} asks for an appointment that you could take."
REQUEST_TAKEN: Final = "A request is no longer open."
THOUGHT_OF: Final = {
    Role.OPERATOR: "{patient} was asked to look for a place.",
    Role.PATIENT: "There may be a place for you: please look for one, or speak to your clinic.",
}
DAY_PASSED: Final = {
    Role.OPERATOR: "{patient} waited for a place until the day was over.",
    Role.PATIENT: "No place became free on the day you waited for: you are no longer on the waiting list.",
}
DECLINED_BY_ALL: Final = "Nobody is left who could take the request of {patient}."
COLUMN: Final = {Role.OPERATOR: 0, Role.ADMIN: 0, Role.THERAPIST: 1, Role.PATIENT: 2}
REVIEWS: Final = {"accept": "accepted", "deny": "denied"}


def title(event: str) -> str:
    """The heading of an event, in the active language."""
    return _(TITLES.get(event, str(E(event).label)))


def message(event: str, role: str, data: Mapping[str, Any], *, open_request: bool = False) -> str:
    """The sentence for a reader of this role, in the active language; `data` is what the event carries for them."""
    text = MESSAGES[event][COLUMN[Role(role)]]
    if open_request:
        text = OPEN_REQUEST
    elif data.get("open") is False:
        text = REQUEST_TAKEN
    elif data.get("declined_by_all"):
        text = DECLINED_BY_ALL
    elif event == E.WAITLIST_OFFER and "offer" not in data:
        text = THOUGHT_OF[Role.PATIENT if role == Role.PATIENT else Role.OPERATOR]
    elif event == E.WAITLIST_OFFER_EXPIRED and "offer" not in data:
        text = DAY_PASSED[Role.PATIENT if role == Role.PATIENT else Role.OPERATOR]
    seen = data["appointment"] or {}
    subject = data.get("therapist") or {}
    name = seen.get("therapist_name")
    waiting = data.get("patient") or {}
    # An empty text has no translation: gettext answers it with the catalog's head.
    return (_(text) if text else "").format(
        patient=seen.get("patient_name") or waiting.get("name") or _("a patient"),
        therapist=name or _("the therapist"),
        dr_therapist=_("Dr. {name}").format(name=name) if name else _("your therapist"),
        reason=seen.get("rejection_reason") or _("no reason was given"),
        review=_(REVIEWS.get(str(data.get("review_decision")), "reviewed")),
        subject=subject.get("name") or _("A therapist"),
        dr_subject=_("Dr. {name}").format(name=subject["name"]) if subject.get("name") else _("a therapist"),
    )
