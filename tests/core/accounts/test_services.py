import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from core.accounts import services
from core.accounts.models import AccountLog, User
from tests.conftest import Api
from tests.support.cast import Cast
from tests.support.threads import at_once

NOW = timezone.now()


def suspend(user: User, actor: User | None = None) -> bool:
    return services.suspend(user.pk, reason="late", actor=actor, now=NOW)


def test_suspending_notes_when_and_why(cast: Cast) -> None:
    assert suspend(cast.theo) is True
    cast.theo.refresh_from_db()
    assert (cast.theo.is_active, cast.theo.suspended_at, cast.theo.suspension_reason) == (False, NOW, "late")


def test_suspending_ends_tokens_and_sessions(cast: Cast, api: Api) -> None:
    device, browser = api(cast.theo), Client()
    browser.force_login(cast.theo, backend="django.contrib.auth.backends.ModelBackend")
    suspend(cast.theo)
    assert device.get("/api/auth/me/").status_code == 401
    assert browser.get("/api/auth/me/").status_code == 401
    assert not AuthToken.objects.exists()


def test_a_session_from_before_the_suspension_stays_ended_after_it(cast: Cast) -> None:
    browser = Client()
    browser.force_login(cast.theo, backend="django.contrib.auth.backends.ModelBackend")
    suspend(cast.theo)
    services.reinstate(cast.theo.pk, actor=None, now=NOW)
    assert browser.get("/api/auth/me/").status_code == 401


def test_suspending_twice_is_one_suspension(cast: Cast) -> None:
    assert [suspend(cast.theo), suspend(cast.theo)] == [True, False]
    assert AccountLog.objects.count() == 1


def test_the_log_says_who_did_it(cast: Cast) -> None:
    suspend(cast.theo, cast.olive)
    services.reinstate(cast.theo.pk, actor=cast.olive, now=NOW)
    rows = AccountLog.objects.order_by("id").values_list("action", "performed_by", "reason", "old_values", "new_values")
    assert list(rows) == [
        ("disabled", cast.olive.pk, "late", {"is_active": True}, {"is_active": False}),
        ("enabled", cast.olive.pk, "", {"is_active": False}, {"is_active": True}),
    ]


def test_reinstating_gives_the_account_back_once(cast: Cast, api: Api) -> None:
    suspend(cast.theo)
    assert services.reinstate(cast.theo.pk, actor=None, now=NOW) is True
    assert services.reinstate(cast.theo.pk, actor=None, now=NOW) is False
    cast.theo.refresh_from_db()
    assert (cast.theo.is_active, cast.theo.suspended_at, cast.theo.suspension_reason) == (True, None, "")
    assert api(cast.theo).get("/api/auth/me/").status_code == 200


def test_of_many_only_those_who_were_active_are_suspended(cast: Cast) -> None:
    suspend(cast.tara)
    ids = [cast.theo.pk, cast.tara.pk, cast.heiko.pk, 0]
    assert services.suspend_many(ids, reason="late", actor=None, now=NOW) == [cast.theo.pk, cast.heiko.pk]
    assert User.objects.get(pk=cast.pia.pk).is_active


def test_suspending_many_costs_no_more_queries_than_suspending_one(
    cast: Cast,
    django_assert_max_num_queries,  # type: ignore[no-untyped-def]
) -> None:
    ids = list(User.objects.values_list("pk", flat=True))
    with django_assert_max_num_queries(4):
        assert len(services.suspend_many(ids, reason="late", actor=None, now=NOW)) == len(ids)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_suspensions_at_the_same_instant_one_counts(cast: Cast) -> None:
    def move() -> bool:
        with transaction.atomic():
            return suspend(cast.theo)

    assert sorted(at_once([move] * 6)) == [False] * 5 + [True]
    assert AccountLog.objects.count() == 1
