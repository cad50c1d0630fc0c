"""The links in messages: they ask, only their form answers, and they end with the offer."""

import io
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.answer_links import SALT, link, opened_by, token_for
from appointments.errors import NotFound
from appointments.models import Appointment, AppointmentLog, AppointmentRejection, Assignment
from appointments.services import assignment, suspension
from core.accounts.models import User
from tests.contracts.world import snapshot
from tests.core.test_logs import logged  # noqa: F401 - a fixture
from tests.support.cast import Cast, book, offer

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def waiting(cast: Cast) -> Assignment:
    """Theo's offer of Pia's appointment."""
    return offer(cast).assignments.select_related("appointment").get()


def address(offered: Assignment, answer: str = "accept") -> str:
    return "/" + link(offered, answer).split("/", 3)[3]


def strict() -> Client:
    """A browser without a session, to which CSRF applies."""
    return Client(enforce_csrf_checks=True)


def confirm(offered: Assignment, answer: str = "accept", **form: Any) -> Any:
    """Open the link and send the form that the page holds."""
    client, url = strict(), address(offered, answer)
    page = client.get(url).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    return client.post(url, {**hidden, **form})


def status(offered: Assignment) -> str:
    return Appointment.objects.get(pk=offered.appointment_id).status


@pytest.mark.parametrize("answer", ["accept", "reject"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_a_link_changes_nothing(cast: Cast, answer: str, method: str) -> None:
    offered = waiting(cast)
    before = snapshot()
    with CaptureQueriesContext(connection) as asked:
        opened = getattr(strict(), method)(address(offered, answer))
    assert (opened.status_code, snapshot()) == (200, before)
    assert [query["sql"] for query in asked if not query["sql"].startswith("SELECT")] == []


def test_the_form_accepts_in_the_therapists_name(cast: Cast) -> None:
    offered = waiting(cast)
    answered = confirm(offered)
    assert (answered.status_code, status(offered)) == (200, "confirmed")
    assert "You have accepted the appointment." in answered.content.decode()
    assert AppointmentLog.objects.filter(action="confirmed", performed_by=cast.theo).count() == 1


def test_the_form_rejects_with_its_reason(cast: Cast) -> None:
    offered = waiting(cast)
    assert confirm(offered, "reject", reason=" I am ill. ").status_code == 200
    assert status(offered) == "rejected"
    assert AppointmentRejection.objects.get().rejection_reason == "I am ill."


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001])
def test_without_a_usable_reason_it_asks_again(cast: Cast, reason: str) -> None:
    offered = waiting(cast)
    answered = confirm(offered, "reject", reason=reason)
    assert (answered.status_code, status(offered)) == (400, "pending")
    assert 'role="alert"' in answered.content.decode()


def test_where_the_patient_chose_no_reason_is_needed(cast: Cast) -> None:
    chosen = book(cast.pia, cast.pia, therapist=cast.theo).assignments.select_related("appointment").get()
    assert confirm(chosen, "reject").status_code == 200
    assert status(chosen) == "rejected"


def test_a_reason_is_shown_as_text(cast: Cast) -> None:
    offered = waiting(cast)
    page = confirm(offered, "reject", reason="<script>alert(1)</script>" + "x" * 2001).content.decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_form_from_elsewhere_is_refused(cast: Cast) -> None:
    offered = waiting(cast)
    answered = strict().post(address(offered))
    assert (answered.status_code, status(offered)) == (403, "pending")


def test_a_link_is_bound_to_the_version_and_the_page_to_what_it_shows(cast: Cast) -> None:
    offered = waiting(cast)
    url = address(offered)
    assignment.extend(offered.appointment_id, 10, cast.olive, timezone.now())
    blind = Client().post(url)
    assert (blind.status_code, status(offered)) == (409, "pending")
    assert "has changed since" in blind.content.decode()
    page = Client().get(url).content.decode()
    assert "has changed since" in page
    seen = re.findall(r'name="version" value="(\d+)"', page)[0]
    assignment.extend(offered.appointment_id, 10, cast.olive, timezone.now())
    assert Client().post(url, {"version": seen}).status_code == 409
    assert Client().post(url, {"version": int(seen) + 1}).status_code == 200
    assert status(offered) == "confirmed"


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30, "²"])
def test_a_garbled_version_is_no_failure_of_ours(cast: Cast, version: str) -> None:
    assert Client().post(address(waiting(cast)), {"version": version}).status_code in {200, 409}


@pytest.mark.parametrize("ended", ["answered", "withdrawn", "expired", "suspended"])
def test_a_link_ends_with_its_offer(cast: Cast, ended: str) -> None:
    offered = waiting(cast)
    url, now = address(offered), timezone.now()
    match ended:
        case "answered":
            assignment.reject(offered.appointment_id, "ill", cast.theo, now)
        case "withdrawn":
            assignment.unassign(offered.appointment_id, cast.olive, now)
        case "suspended":
            suspension.disable(cast.theo.pk, "on request", cast.olive, now)
    before = status(offered)
    later = now + timedelta(minutes=31 if ended == "expired" else 0)
    with time_machine.travel(later, tick=False):
        answers = [Client().get(url), Client().post(url, {"version": 1})]
    assert [answer.status_code for answer in answers] == [410, 410]
    assert status(offered) == before


def test_offered_again_the_old_link_stays_dead(cast: Cast) -> None:
    offered = waiting(cast)
    url = address(offered)
    assignment.unassign(offered.appointment_id, cast.olive, timezone.now())
    assignment.assign(offered.appointment_id, cast.theo.pk, cast.olive, timezone.now())
    assert Client().post(url).status_code == 410
    assert status(offered) == "pending"


def test_a_forged_link_leads_nowhere(cast: Cast) -> None:
    offered = waiting(cast)
    good = token_for(offered)
    other = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        "x" + good,
        "a:b:c",
        signing.dumps([offered.pk, 1], salt="another"),
        signing.dumps("text", salt=SALT),
        signing.dumps([10**17, 1], salt=SALT),
    ]
    for token in other:
        assert Client().get(f"/answer/{token}/accept/").status_code == 404, token
        with pytest.raises(NotFound):
            opened_by(token)


def test_the_page_tells_the_time_and_nothing_of_the_patient(cast: Cast) -> None:
    User.objects.filter(pk=cast.theo.pk).update(timezone="America/New_York")
    offered = waiting(cast)
    Appointment.objects.update(reason_for_visit="canary", symptoms="canary", notes="canary")
    page = Client().get(address(offered)).content.decode()
    assert "(America/New_York)" in page
    assert [word for word in ("canary", "Pia", "pia@") if word in page] == []


@pytest.mark.parametrize(("language", "direction", "words"), [("ar", "rtl", "هل تقبل"), ("ur", "rtl", "قبول کریں؟")])
def test_the_page_speaks_the_therapists_language(cast: Cast, language: str, direction: str, words: str) -> None:
    User.objects.filter(pk=cast.theo.pk).update(language=language)
    page = Client().get(address(waiting(cast))).content.decode()
    assert f'<html lang="{language}" dir="{direction}">' in page
    assert words in page


def test_the_page_runs_no_script_is_not_kept_and_gives_its_address_to_nobody(cast: Cast) -> None:
    opened = Client().get(address(waiting(cast)))
    assert "<script" not in opened.content.decode()
    assert opened["Referrer-Policy"] == "no-referrer"
    assert "no-store" in opened["Cache-Control"]
    assert "default-src 'none'" in opened["Content-Security-Policy"]


def test_no_log_holds_a_link(cast: Cast, logged: io.StringIO) -> None:  # noqa: F811
    url = address(waiting(cast))
    token = url.split("/")[2]
    strict().get(url)
    strict().post(url)  # refused for its missing CSRF token, which Django logs with the path
    assert logging.getLogger("django").handlers == []
    assert "/answer/-/accept/" in logged.getvalue()
    assert token not in logged.getvalue()
