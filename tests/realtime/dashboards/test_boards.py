"""The live dashboards: who may open them, and what they say before any script runs."""

import json
import re

import pytest
from django.test import Client

from core.accounts.models import User
from realtime.inbox import bounds
from tests.support.cast import Cast, drain_outbox, offer

pytestmark = pytest.mark.once


def written_into(page: str, name: str) -> dict[str, object]:
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', page)
    assert found
    return json.loads(found[1])


def test_strangers_are_sent_to_the_login_and_back(db: None, client: Client) -> None:
    answer = client.get("/operator/?tab=all")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/operator/%3Ftab%3Dall")


@pytest.mark.parametrize("who", ["theo", "pia"])
def test_the_operators_page_is_for_operators(cast: Cast, client: Client, who: str) -> None:
    client.force_login(getattr(cast, who))
    answer = client.get("/operator/")
    assert answer.status_code == 403
    assert "This page belongs to another role" in answer.content.decode()


@pytest.mark.parametrize("who", ["olive", "ada"])
def test_operators_and_admins_open_it(cast: Cast, client: Client, who: str) -> None:
    client.force_login(getattr(cast, who))
    assert client.get("/operator/").status_code == 200


def test_an_operator_reads_names_of_colleagues_in_the_own_institution_only(cast: Cast, client: Client) -> None:
    client.force_login(cast.olive)
    colleagues = written_into(client.get("/operator/").content.decode(), "colleagues")
    assert colleagues == {str(one.pk): one.display_name for one in (cast.olive, cast.otto)}


def test_the_page_knows_up_to_which_event_it_is(cast: Cast, client: Client) -> None:
    offer(cast)
    drain_outbox()
    client.force_login(cast.olive)
    settings = written_into(client.get("/operator/").content.decode(), "page-settings")
    assert settings["last_seq"] == bounds(cast.olive.pk).last_seq > 0
    assert settings["timezone"] == "Asia/Karachi"


def test_a_name_cannot_leave_the_data_that_is_written_into_the_page(cast: Cast, client: Client) -> None:
    User.objects.filter(pk=cast.otto.pk).update(first_name="</script><script>alert(1)</script>")
    client.force_login(cast.olive)
    page = client.get("/operator/").content.decode()
    assert "</script><script>alert(1)" not in page
    assert "</script><script>alert(1)</script>" in str(written_into(page, "colleagues"))
