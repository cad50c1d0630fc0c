"""What people are written: in their own language, on their own clock, its zone named; no reason and no notes."""

from datetime import datetime
from typing import Final

from django.utils import translation
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from appointments.answer_links import link
from appointments.models import Appointment, Assignment, WaitingOffer
from core.accounts.models import User
from core.accounts.preferences import zone_of
from core.letters import Letter
from core.messaging import EMAIL

OFFERS: Final = {
    "warn": gettext_noop("An offer waits for your answer; your time is running out"),
    "remind": gettext_noop("An offer waits for your answer"),
    "grace": gettext_noop("You have more time to answer an offer"),
}
ACCOUNTS: Final = {
    "therapist_disabled": (
        gettext_noop("Your account was suspended"),
        gettext_noop("Your account was suspended. Please speak to your clinic: they can reinstate it."),
    ),
    "therapist_enabled": (
        gettext_noop("Your account is active again"),
        gettext_noop("Your account was reinstated. You can sign in again."),
    ),
}


def reminder(appointment: Appointment, channel: str) -> Letter:
    """What reminds the patient; an e-mail has room for more."""
    patient = appointment.patient
    with translation.override(patient.language):
        names = {
            "clinic": appointment.institution.name,
            "therapist": appointment.therapist.display_name if appointment.therapist else "",
            "when": on_the_clock_of(patient, appointment.start),
        }
        subject = _("Reminder: your appointment at %(clinic)s") % names
        told = _("Your appointment with Dr. %(therapist)s is on %(when)s.") % names
        if channel != EMAIL:
            return Letter(subject, told)
        paragraphs = [_("Hello %(name)s,") % {"name": patient.display_name}, told]
        if appointment.video_url:
            paragraphs.append(_("Join here: %(url)s") % {"url": appointment.video_url})
        paragraphs.append(_("If you cannot come, please tell us in time. %(clinic)s") % names)
        return Letter(subject, "\n\n".join(paragraphs))


def offer(assignment: Assignment, occasion: str, deadline: datetime) -> Letter:
    """What tells a therapist of a waiting offer; `occasion` is a key of OFFERS."""
    therapist = assignment.therapist
    with translation.override(therapist.language):
        times = {
            "when": on_the_clock_of(therapist, assignment.appointment.start),
            "deadline": on_the_clock_of(therapist, deadline),
        }
        told = _("Appointment on %(when)s. Please accept or reject it by %(deadline)s.") % times
        return Letter(_(OFFERS[occasion]), f"{told}\n\n{answer_links_of(assignment)}")


def held_place(offer: WaitingOffer) -> Letter:
    """What tells a patient of the place that is held for them."""
    patient = offer.entry.patient
    with translation.override(patient.language):
        times = {"when": on_the_clock_of(patient, offer.start), "until": on_the_clock_of(patient, offer.expires_at)}
        told = _("A place is held for you on %(when)s. Please take it or leave it by %(until)s.") % times
        return Letter(_("A place for you"), told)


def account(user: User, event: str) -> Letter:
    """What tells somebody that their account was suspended or reinstated."""
    with translation.override(user.language):
        subject, body = ACCOUNTS[event]
        return Letter(_(subject), _(body))


def answer_links_of(assignment: Assignment) -> str:
    """The links by which the offer is answered without signing in, in the active language."""
    links = {answer: link(assignment, answer) for answer in ("accept", "reject")}
    return _("Accept: %(accept)s") % links + "\n" + _("Reject: %(reject)s") % links


def on_the_clock_of(reader: User, moment: datetime) -> str:
    """Day and time in the reader's zone and the active language."""
    zone = zone_of(reader)
    local = moment.astimezone(zone)
    return _("%(day)s at %(time)s (%(zone)s)") % {
        "day": date_format(local, "l j F Y"),
        "time": time_format(local.time(), "H:i"),
        "zone": zone.key,
    }
