"""A repeated POST answers what the first one answered and does nothing."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIClient

from core.accounts.models import Institution
from core.web import idempotency
from core.web.models import IdempotencyKey
from tests.conftest import Api
from tests.core.web.urls import Counting
from tests.support.cast import Cast, client_of
from tests.support.threads import at_once

pytestmark = pytest.mark.urls("tests.core.web.urls")
URL = "/api/counting/"


@pytest.fixture
def theo(cast: Cast, api: Api) -> APIClient:
    return api(cast.theo)


@pytest.fixture(autouse=True)
def _flowing() -> Iterator[None]:
    Counting.began.clear()
    Counting.proceed.clear()
    yield
    Counting.proceed.set()


def post(client: APIClient, key: str = "a-key", url: str = URL, **body: object) -> Response:
    return client.post(url, body, HTTP_IDEMPOTENCY_KEY=key)


def made() -> int:
    return Institution.objects.filter(name__startswith="number").count()


def code_of(answer: Response) -> str:
    return answer.json()["errors"][0]["code"]


def age(by: timedelta) -> None:
    IdempotencyKey.objects.update(started_at=timezone.now() - by)


def test_a_repetition_gets_the_first_answer_and_does_nothing(theo: APIClient) -> None:
    first, second = post(theo), post(theo)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert made() == 1


def test_only_a_repetition_says_that_it_is_one(theo: APIClient) -> None:
    assert "Idempotency-Replayed" not in post(theo).headers
    assert post(theo)["Idempotency-Replayed"] == "true"


def test_requests_without_a_key_are_all_carried_out(theo: APIClient) -> None:
    theo.post(URL, {})
    theo.post(URL, {})
    assert made() == 2


def test_another_key_is_another_request(theo: APIClient) -> None:
    post(theo, "one")
    post(theo, "two")
    assert made() == 2


def test_the_same_key_of_another_person_is_another_request(cast: Cast, theo: APIClient, api: Api) -> None:
    post(theo)
    post(api(cast.tara))
    assert made() == 2


def test_the_trailing_slash_makes_no_other_request(theo: APIClient) -> None:
    post(theo)
    post(theo, url=URL.rstrip("/"))
    assert made() == 1


@pytest.mark.parametrize(("url", "body"), [(URL, {"other": 1}), (URL + "elsewhere/", {})])
def test_the_same_key_for_another_request_is_a_conflict(theo: APIClient, url: str, body: dict[str, int]) -> None:
    post(theo)
    answer = post(theo, url=url, **body)
    assert (answer.status_code, code_of(answer)) == (409, "idempotency_conflict")
    assert made() == 1


@pytest.mark.parametrize("code", ["invalid", "permission_denied", "not_found", "deadline_passed"])
def test_a_refusal_is_repeated_as_well(theo: APIClient, code: str) -> None:
    first, second = post(theo, fails=code), post(theo, fails=code)
    assert 400 <= first.status_code < 500
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert made() == 1


@pytest.mark.parametrize("body", [{"fails": "throttled"}, {"fails": "authentication_failed"}, {"breaks": 1}])
def test_an_answer_that_may_be_better_next_time_is_not_kept(theo: APIClient, body: dict[str, object]) -> None:
    theo.raise_request_exception = False
    post(theo, **body)
    post(theo, **body)
    assert made() == 2


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_of_the_wrong_length_is_400_naming_the_header(theo: APIClient, key: str) -> None:
    answer = post(theo, key)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "Idempotency-Key"
    assert made() == 0


def test_the_longest_key_is_taken(theo: APIClient) -> None:
    assert post(theo, "k" * 255).status_code == 201


def test_a_stranger_with_a_key_is_told_to_sign_in_and_leaves_nothing(db: None) -> None:
    post(client_of(None))
    assert not IdempotencyKey.objects.exists()


def test_reading_is_not_recorded(theo: APIClient) -> None:
    theo.get(URL, HTTP_IDEMPOTENCY_KEY="a-key")
    assert not IdempotencyKey.objects.exists()


def test_an_answer_is_kept_for_a_day_and_no_longer(theo: APIClient) -> None:
    post(theo)
    age(timedelta(hours=23, minutes=59))
    post(theo)
    assert made() == 1
    age(timedelta(hours=24))
    post(theo)
    assert made() == 2


def test_an_old_key_may_serve_for_another_request(theo: APIClient) -> None:
    post(theo)
    age(timedelta(hours=24))
    assert post(theo, other=1).status_code == 201


def test_a_claim_whose_process_died_is_taken_over(theo: APIClient) -> None:
    post(theo)
    IdempotencyKey.objects.update(status=None, body="")
    age(timedelta(seconds=31))
    assert post(theo).status_code == 201
    assert made() == 2


def test_an_answer_that_comes_after_its_claim_was_taken_over_is_not_kept(cast: Cast) -> None:
    now = timezone.now()
    mine = idempotency.claim(cast.theo, "a-key", "print", now - timedelta(seconds=31))
    idempotency.claim(cast.theo, "a-key", "print", now)
    idempotency.keep(mine, Response({"late": True}, status=201))
    assert IdempotencyKey.objects.get().status is None


def test_a_twin_gives_up_after_four_seconds_and_is_told_when_to_come_back(
    cast: Cast, theo: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(seconds=3) < idempotency.TWIN_WAITS <= timedelta(seconds=4)
    monkeypatch.setattr(idempotency, "TWIN_WAITS", timedelta(seconds=0.3))
    post(theo)
    IdempotencyKey.objects.update(status=None, started_at=timezone.now())
    begun = time.monotonic()
    answer = post(theo)
    assert 0.3 <= time.monotonic() - begun < 2
    assert (answer.status_code, code_of(answer)) == (409, "idempotency_conflict")
    assert int(answer["Retry-After"]) >= 1


def test_old_keys_are_cleaned_up_and_young_ones_stay(theo: APIClient) -> None:
    post(theo, "old")
    age(timedelta(hours=25))
    post(theo, "young")
    assert idempotency.forgettable(timezone.now()).delete()[0] == 1
    assert IdempotencyKey.objects.get().key == "young"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_twins_at_the_same_instant_are_one_request(cast: Cast) -> None:
    clients = [client_of(cast.theo) for _ in range(8)]
    answers = at_once([lambda client=client: post(client) for client in clients])
    assert [getattr(answer, "status_code", answer) for answer in answers] == [201] * 8
    assert made() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_without_a_key_the_same_twins_are_many_requests(cast: Cast) -> None:
    """The negative control of the race above."""
    clients = [client_of(cast.theo) for _ in range(4)]
    at_once([lambda client=client: client.post(URL, {}) for client in clients])
    assert made() > 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_twin_waits_for_the_first_and_gets_its_answer(cast: Cast) -> None:
    first, second = client_of(cast.theo), client_of(cast.theo)

    def come_second() -> Response:
        Counting.began.wait(10)
        time.sleep(0.2)
        Counting.proceed.set()
        return post(second, hold=1)

    def come_later() -> None:
        time.sleep(0.5)

    answers = at_once([lambda: post(first, hold=1), come_second, come_later])
    assert [answer.status_code for answer in answers[:2]] == [201, 201]  # type: ignore[union-attr]
    assert made() == 1


def views(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, type]]:
    """Every view class under its path."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, path)
        else:
            made_from = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
            if made_from is not None:
                actions = getattr(pattern.callback, "actions", None) or {}
                if "post" in actions or (not actions and hasattr(made_from, "post")):
                    yield path, made_from


def test_every_post_of_the_product_outside_sign_in_can_be_repeated() -> None:
    posts = [(path, view) for path, view in views(get_resolver("core.urls").url_patterns) if path.startswith("api/")]
    assert len(posts) > 10
    unprotected = [path for path, view in posts if not issubclass(view, idempotency.Idempotent)]
    assert unprotected
    assert [path for path in unprotected if not path.startswith("api/auth/")] == []
