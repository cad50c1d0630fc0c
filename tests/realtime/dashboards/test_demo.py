"""The panes of the demo: three people on one page, and none of it in production."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as settings_of_project
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from appointments.models import Appointment
from core.accounts.models import Institution, User
from tests.support.cast import Cast, book, offer

pytestmark = pytest.mark.once

PATHS = ["/demo/", "/demo/pane/operator/"]


@pytest.fixture
def demo(cast: Cast, settings: Any) -> Cast:
    settings.DEBUG = True
    for one, name in ((cast.olive, "operator"), (cast.theo, "therapist"), (cast.pia, "patient")):
        User.objects.filter(pk=one.pk).update(username=name)
    Institution.objects.filter(pk=cast.clinic.pk).update(name="Harbour Clinic")
    return cast


@pytest.mark.parametrize("path", PATHS)
def test_production_has_no_such_page(demo: Cast, client: Client, settings: Any, path: str) -> None:
    assert client.get(path).status_code == 200
    settings.DEBUG = False
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("username", ["operator", "therapist", "patient"])
def test_a_pane_signs_in_by_a_token_of_its_own_and_leaves_no_cookie(demo: Cast, client: Client, username: str) -> None:
    answer = client.get(f"/demo/pane/{username}/")
    token = re.search(r'"token": "(\w+)"', answer.content.decode())
    assert token
    assert "sessionid" not in answer.cookies
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {token[1]}")
    assert api.get("/api/auth/me/").json()["username"] == username


def test_a_pane_that_shows_its_token_keeps_it(demo: Cast, client: Client) -> None:
    page = client.get("/demo/pane/patient/", headers={"Authorization": "Token abc"}).content.decode()
    assert '"token": "abc"' in page


@pytest.mark.parametrize("username", ["admin", "ada", "nobody"])
def test_nobody_else_has_a_pane(demo: Cast, client: Client, username: str) -> None:
    assert client.get(f"/demo/pane/{username}/").status_code == 404


def test_only_the_demo_page_may_frame_a_pane(demo: Cast, client: Client) -> None:
    pane, page = client.get("/demo/pane/operator/"), client.get("/demo/")
    assert pane["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in pane["Content-Security-Policy"]
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


def test_no_page_but_a_pane_holds_a_token(demo: Cast, client: Client) -> None:
    client.force_login(demo.olive)
    assert '"token": null' in client.get("/operator/").content.decode()


def test_an_offer_gets_a_minute(demo: Cast, client: Client) -> None:
    visit = offer(demo)
    assert client.post(f"/demo/shorten/{visit.pk}/").status_code == 200
    visit.refresh_from_db()
    left = visit.response_deadline - timezone.now()
    assert timedelta(seconds=55) < left <= timedelta(seconds=60)


def test_other_clinics_and_what_is_no_offer_keep_their_clock(demo: Cast, client: Client, settings: Any) -> None:
    unassigned = book(demo.pia, demo.olive)
    elsewhere = book(demo.heidi, demo.xander, therapist=demo.heiko)
    offered = offer(demo, hours=30)
    for visit in (unassigned, elsewhere):
        before = Appointment.objects.get(pk=visit.pk).response_deadline
        assert client.post(f"/demo/shorten/{visit.pk}/").status_code == 404
        assert Appointment.objects.get(pk=visit.pk).response_deadline == before
    settings.DEBUG = False
    assert client.post(f"/demo/shorten/{offered.pk}/").status_code == 404


def test_every_step_of_the_day_leads_to_an_operation_that_is_documented(demo: Cast, client: Client) -> None:
    script = (settings_of_project.BASE_DIR / "realtime/dashboards/static/dashboards/js/demo.js").read_text()
    linked = re.findall(r"operation\('(\w+)'(?:, '([\w-]+)')?\)", script)
    paths = client.get("/api/schema/?format=json").json()["paths"]
    documented = {
        (one["operationId"], one["tags"][0]) for path in paths.values() for one in path.values() if "tags" in one
    }
    assert len(linked) == 6
    assert {(name, tag or "appointments") for name, tag in linked} <= documented


def test_the_day_ends_with_the_settings_as_they_are(demo: Cast, client: Client, settings: Any) -> None:
    settings.DEFAULT_RESPONSE_TIMEOUT_MINUTES, settings.AUTO_DISABLE_THERAPISTS = 1, False
    page = client.get("/demo/").content.decode()
    assert "<code>DEFAULT_RESPONSE_TIMEOUT_MINUTES=1</code>" in page
    assert "<code>AUTO_DISABLE_THERAPISTS=false</code>" in page


def test_the_documentation_is_one_click_away(demo: Cast, client: Client) -> None:
    page = client.get("/demo/").content.decode()
    for address in ("/api/docs/", "/api/schema/", "/api/asyncapi.json"):
        assert f'<a href="{address}">' in page
