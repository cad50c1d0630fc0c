"""Answers by a form: the same rules as the API's, told as a page or as JSON."""

import pytest
from django.test import Client

from appointments.models import AppointmentRejection
from core.accounts.models import User
from tests.support.cast import Cast, book, offer

pytestmark = pytest.mark.once

JSON = {"HTTP_ACCEPT": "application/json"}


def as_person(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_accepting_confirms_and_goes_back_to_the_page(cast: Cast) -> None:
    visit = offer(cast)
    answer = as_person(cast.theo).post(f"/appointments/{visit.pk}/accept", {"next": "/therapist/?filter=all"})
    assert (answer.status_code, answer["Location"]) == (302, "/therapist/?filter=all")
    visit.refresh_from_db()
    assert visit.status == "confirmed"


def test_rejecting_keeps_the_reason(cast: Cast) -> None:
    visit = offer(cast)
    as_person(cast.theo).post(f"/appointments/{visit.pk}/reject", {"reason": "<b>Ill</b>"})
    assert AppointmentRejection.objects.get(appointment=visit).rejection_reason == "<b>Ill</b>"


def test_json_is_answered_to_who_asks_for_it(cast: Cast) -> None:
    visit = offer(cast)
    answer = as_person(cast.theo).post(f"/appointments/{visit.pk}/accept", **JSON)
    assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")


@pytest.mark.parametrize(
    ("reason", "code"),
    [("", "required"), ("  ", "required"), ("x" * 2_001, "max_length")],
    ids=["none", "blank", "long"],
)
def test_a_reason_that_will_not_do_is_refused_by_name(cast: Cast, reason: str, code: str) -> None:
    visit = offer(cast)
    answer = as_person(cast.theo).post(f"/appointments/{visit.pk}/reject", {"reason": reason}, **JSON)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] in {code, "blank"}
    visit.refresh_from_db()
    assert visit.status == "pending"


def test_a_second_answer_is_a_conflict_that_shows_what_is_the_case(cast: Cast) -> None:
    visit, theo = offer(cast), as_person(cast.theo)
    theo.post(f"/appointments/{visit.pk}/accept")
    answer = theo.post(f"/appointments/{visit.pk}/accept", **JSON)
    assert (answer.status_code, answer.json()["current"]["status"]) == (409, "confirmed")


def test_a_conflict_is_told_on_the_page(cast: Cast) -> None:
    visit, theo = offer(cast), as_person(cast.theo)
    theo.post(f"/appointments/{visit.pk}/accept")
    page = theo.post(f"/appointments/{visit.pk}/accept", follow=True).content.decode()
    assert '<div class="toast"><p dir="auto">' in page


@pytest.mark.parametrize("who", ["tara", "heiko"])
def test_another_therapist_finds_nothing(cast: Cast, who: str) -> None:
    visit = offer(cast)
    assert as_person(getattr(cast, who)).post(f"/appointments/{visit.pk}/accept", **JSON).status_code == 404
    assert as_person(getattr(cast, who)).post(f"/appointments/{visit.pk}/accept").status_code == 404


def test_the_patient_may_not_answer(cast: Cast) -> None:
    visit = offer(cast)
    assert as_person(cast.pia).post(f"/appointments/{visit.pk}/accept", **JSON).status_code == 403


def test_a_stranger_signs_in_first(cast: Cast) -> None:
    visit = offer(cast)
    assert Client().post(f"/appointments/{visit.pk}/accept", **JSON).status_code == 401
    assert Client().post(f"/appointments/{visit.pk}/accept")["Location"].startswith("/login/")


def test_an_answer_needs_its_csrf_token(cast: Cast) -> None:
    visit = offer(cast)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.theo)
    assert strict.post(f"/appointments/{visit.pk}/accept").status_code == 403


@pytest.mark.parametrize("path", ["/therapist/", "/provider-dashboard", "/provider-dashboard/?filter=pending"])
def test_requests_and_their_forms_are_there_without_scripts(cast: Cast, path: str) -> None:
    visit = offer(cast)
    page = as_person(cast.theo).get(path).content.decode()
    assert f"/appointments/{visit.pk}/accept" in page
    assert "Pia" in page


def test_the_filter_of_the_address_is_kept(cast: Cast) -> None:
    visit, theo = offer(cast), as_person(cast.theo)
    assert f"A-{visit.pk}" not in theo.get("/provider-dashboard?filter=accepted").content.decode()
    theo.post(f"/appointments/{visit.pk}/accept")
    page = theo.get("/provider-dashboard?filter=accepted").content.decode()
    assert f"A-{visit.pk}" in page
    assert 'href="?filter=accepted" aria-current="page"' in page


def test_the_page_takes_as_many_queries_for_one_request_as_for_many(
    cast: Cast,
    django_assert_max_num_queries,  # type: ignore[no-untyped-def]
) -> None:
    theo = as_person(cast.theo)
    for hours in range(24, 34):
        book(cast.pia, cast.olive, therapist=cast.theo, hours=hours)
    with django_assert_max_num_queries(14):
        theo.get("/therapist/")
