from datetime import timedelta

import pytest
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from core.accounts.authentication import authenticate_token, prolong
from tests.support.cast import Cast


def get_me(header: str) -> int:
    return APIClient().get("/api/auth/me/", HTTP_AUTHORIZATION=header).status_code


@pytest.mark.parametrize(
    "header",
    [
        *("Token", "Token a b", "Token ä", b"Token \xff\xfe".decode("latin-1"), "Token " + "a" * 5_000),
        *("Token deadbeef", "Bearer deadbeef", "Basic Zm9vOmJhcg==", "", "Token \x00"),
    ],
)
def test_an_unreadable_or_unknown_header_is_401(db: None, header: str) -> None:
    assert get_me(header) == 401


def test_a_token_is_recognised(cast: Cast) -> None:
    row, raw = AuthToken.objects.create(cast.theo)
    found = authenticate_token(raw, timezone.now())
    assert found == (cast.theo, row)


def test_a_token_with_another_end_is_not(cast: Cast) -> None:
    raw = AuthToken.objects.create(cast.theo)[1]
    assert authenticate_token(raw[:-1] + ("0" if raw[-1] != "0" else "1"), timezone.now()) is None


def test_a_token_ends_an_hour_after_its_last_use(cast: Cast) -> None:
    raw = AuthToken.objects.create(cast.theo)[1]
    now = timezone.now()
    assert authenticate_token(raw, now + timedelta(minutes=61)) is None
    assert authenticate_token(raw, now + timedelta(minutes=59)) is not None
    assert authenticate_token(raw, now + timedelta(minutes=61)) is not None


def test_no_use_prolongs_a_token_beyond_twelve_hours(cast: Cast) -> None:
    row, raw = AuthToken.objects.create(cast.theo)
    for minutes in range(0, 12 * 60, 50):
        assert authenticate_token(raw, row.created + timedelta(minutes=minutes)) is not None
    assert authenticate_token(raw, row.created + timedelta(hours=12)) is None


def test_a_refresh_that_races_a_logout_neither_fails_nor_revives_the_token(cast: Cast) -> None:
    row, raw = AuthToken.objects.create(cast.theo)
    AuthToken.objects.all().delete()
    prolong(row, timezone.now() + timedelta(minutes=30))
    assert authenticate_token(raw, timezone.now()) is None


def test_the_token_of_a_disabled_account_is_refused(cast: Cast) -> None:
    raw = AuthToken.objects.create(cast.theo)[1]
    type(cast.theo).objects.filter(pk=cast.theo.pk).update(is_active=False)
    assert get_me(f"Token {raw}") == 401


def test_a_token_costs_one_query(cast: Cast, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    raw = AuthToken.objects.create(cast.theo)[1]
    with django_assert_num_queries(1):
        authenticate_token(raw, timezone.now())
