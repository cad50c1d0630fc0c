"""Polling: the same rows and numbers as the socket's."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from appointments.events import EventType
from appointments.models import Assignment
from core.accounts.models import User
from realtime import inbox
from realtime.models import Notification
from tests.realtime.conftest import now
from tests.support.cast import Cast, drain_outbox, offer

pytestmark = pytest.mark.django_db
URL = "/api/scheduling/notifications/"
Api = Callable[[User], APIClient]


def five_events(cast: Cast) -> None:
    """Olive has 1..10, Theo and Pia 1..5."""
    for day in range(1, 6):
        offer(cast, hours=24 * day)
    drain_outbox()


def seqs(answer: dict[str, list[dict[str, int]]]) -> list[int]:
    return [row["seq"] for row in answer["results"]]


def test_newest_first_without_after(cast: Cast, api: Api) -> None:
    five_events(cast)
    answer = api(cast.theo).get(URL).json()
    assert seqs(answer) == [5, 4, 3, 2, 1]
    assert answer.keys() == {"server_time", "last_seq", "oldest_seq", "unread_count", "next", "results"}
    assert (answer["last_seq"], answer["oldest_seq"], answer["unread_count"], answer["next"]) == (5, 1, 5, None)


def test_a_result_has_the_keys_of_the_contract(cast: Cast, api: Api) -> None:
    offer(cast)
    drain_outbox()
    (row,) = api(cast.theo).get(URL).json()["results"]
    wanted = {"seq", "type", "title", "message", "appointment", "data", "created_at", "delivered_at", "read_at"}
    assert row.keys() == wanted
    assert row["data"]["appointment"]["id"] == row["appointment"]


def test_ascending_after_a_number(cast: Cast, api: Api) -> None:
    five_events(cast)
    assert seqs(api(cast.theo).get(f"{URL}?after=2").json()) == [3, 4, 5]


@pytest.mark.parametrize("begin", ["after=0", ""])
def test_next_leads_through_all_pages_in_either_direction(cast: Cast, api: Api, begin: str) -> None:
    five_events(cast)
    client, url, found = api(cast.theo), f"{URL}?limit=2&{begin}", []
    while url:
        answer = client.get(url).json()
        assert len(answer["results"]) <= 2
        found += seqs(answer)
        url = answer["next"]
    assert found == ([1, 2, 3, 4, 5] if begin else [5, 4, 3, 2, 1])


def test_unread_lists_what_was_not_read(cast: Cast, api: Api) -> None:
    five_events(cast)
    client = api(cast.theo)
    client.post(f"{URL}3/read/")
    assert seqs(client.get(f"{URL}?unread=true").json()) == [5, 4, 2, 1]
    assert seqs(client.get(f"{URL}?unread=false").json()) == [3]


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ("after=x", "after"),
        ("after=-1", "after"),
        ("before=0", "before"),
        ("limit=201", "limit"),
        ("limit=0", "limit"),
        ("after=1&before=2", "before"),
        ("unread=maybe", "unread"),
        ("after=99999999999999999999", "after"),
    ],
)
def test_a_bad_query_is_refused_naming_it(cast: Cast, api: Api, query: str, attr: str) -> None:
    answer = api(cast.theo).get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == attr


def test_it_needs_a_login(db: None) -> None:
    assert APIClient().get(URL).status_code == 401
    assert APIClient().post(f"{URL}read_all/").status_code == 401


def test_reading_one_marks_it_read_and_delivered_and_the_offer_with_it(cast: Cast, api: Api) -> None:
    appointment = offer(cast)
    drain_outbox()
    answer = api(cast.theo).post(f"{URL}1/read/")
    assert answer.status_code == 200
    assert answer.json() == {"read": 1, "unread_count": 0}
    row = Notification.objects.get(recipient=cast.theo)
    assert row.read_at is not None
    assert row.delivered_at is not None
    told = Assignment.objects.get(appointment=appointment)
    assert told.delivered_at is not None
    assert told.read_at is not None


def test_reading_what_an_operator_was_told_says_nothing_about_the_offer(cast: Cast, api: Api) -> None:
    appointment = offer(cast)
    drain_outbox()
    api(cast.olive).post(f"{URL}read_all/")
    assert Assignment.objects.get(appointment=appointment).read_at is None


def test_reading_again_changes_nothing(cast: Cast, api: Api) -> None:
    offer(cast)
    drain_outbox()
    client = api(cast.theo)
    client.post(f"{URL}1/read/")
    before = Notification.objects.get(recipient=cast.theo).read_at
    assert client.post(f"{URL}1/read/").json()["read"] == 0
    assert Notification.objects.get(recipient=cast.theo).read_at == before


def test_an_offer_that_arrives_while_all_are_read_stays_unread(
    cast: Cast, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise its notification would be read, and the operator told for good that the offer was not seen."""
    five_events(cast)
    look = inbox._offers

    def look_and_be_offered_another(rows: QuerySet[Notification]) -> list[int]:
        found = look(rows)
        offer(cast, hours=24 * 6)
        drain_outbox()
        return found

    monkeypatch.setattr(inbox, "_offers", look_and_be_offered_another)
    assert api(cast.theo).post(f"{URL}read_all/").json() == {"read": 5, "unread_count": 1}
    assert Assignment.objects.filter(read_at__isnull=True).count() == 1


def test_read_all_reads_the_own_inbox_only(cast: Cast, api: Api) -> None:
    five_events(cast)
    assert api(cast.theo).post(f"{URL}read_all/").json() == {"read": 5, "unread_count": 0}
    assert inbox.unread_count(cast.olive) == 10


@pytest.mark.parametrize("seq", ["99", "0", "99999999999999999999"])
def test_a_number_that_does_not_exist_is_not_found(cast: Cast, api: Api, seq: str) -> None:
    offer(cast)
    drain_outbox()
    assert api(cast.theo).post(f"{URL}{seq}/read/").status_code == 404


def test_me_tells_how_many_are_unread(cast: Cast, api: Api) -> None:
    five_events(cast)
    assert api(cast.theo).get("/api/auth/me/").json()["unread_notifications"] == 5


def test_an_empty_inbox_begins_with_one(cast: Cast, api: Api) -> None:
    answer = api(cast.tara).get(URL).json()
    assert (answer["last_seq"], answer["oldest_seq"], answer["results"]) == (0, 1, [])


def test_what_is_forgotten_goes_from_the_beginning_and_leaves_no_gap(cast: Cast) -> None:
    five_events(cast)
    old = now() - timedelta(days=400)
    mine = Notification.objects.filter(recipient=cast.theo)
    mine.filter(seq__in=[1, 2, 4]).update(created_at=old)
    assert inbox.forget(now() - timedelta(days=365)) == 2
    assert list(mine.order_by("seq").values_list("seq", flat=True)) == [3, 4, 5]
    assert inbox.bounds(cast.theo.pk) == (5, 3)


def test_an_inbox_that_was_forgotten_whole_goes_on_counting(cast: Cast) -> None:
    five_events(cast)
    inbox.forget(now() + timedelta(days=1))
    assert inbox.bounds(cast.theo.pk) == (5, 6)
    offer(cast, hours=300)
    drain_outbox()
    assert Notification.objects.get(recipient=cast.theo).seq == 6


def test_the_queries_do_not_grow_with_the_page(cast: Cast, api: Api) -> None:
    five_events(cast)
    client = api(cast.olive)

    def queries(limit: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(f"{URL}?limit={limit}")
        return len(captured)

    assert queries(1) == queries(10)


def test_each_type_can_be_told_to_every_role(cast: Cast, api: Api) -> None:
    appointment = offer(cast)
    drain_outbox()
    for number, kind in enumerate(EventType, start=100):
        for person in (cast.olive, cast.theo, cast.pia):
            Notification.objects.create(
                recipient=person,
                seq=number,
                outbox_id=number * 1_000,
                type=kind,
                appointment=appointment,
                data={},
                created_at=now(),
            )
    for person in (cast.olive, cast.theo, cast.pia):
        inbox.Inbox.objects.filter(pk=person.pk).update(last_seq=200)
        results = api(person).get(f"{URL}?limit=200").json()["results"]
        assert len(results) >= len(EventType)
        assert all(row["title"] and "{" not in row["message"] for row in results)
