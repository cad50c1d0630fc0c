"""People, schedules and the rest in Django admin."""

import pytest
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from knox.models import AuthToken

from appointments.models import SuspensionBreaker
from appointments.services import waiting_list
from appointments.services.waiting_list import Wish
from core.accounts.models import User
from core.outbox.models import OutboxEntry
from tasks.schedule import ensure_schedule
from tests.appointments.admin.conftest import Desk
from tests.support.broker import publishing_to, queued
from tests.support.cast import Cast, at, offer
from tests.tasks.conftest import Broker, broker, broker_server, database_let_go  # noqa: F401 - fixtures

pytestmark = pytest.mark.once

USERS = "/admin/accounts/user/"


def act(client: Client, url: str, action: str, *rows: int, **more: str) -> str:
    answer = client.post(url, {"action": action, "_selected_action": rows, **more}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def active(user: User) -> bool:
    return User.objects.get(pk=user.pk).is_active


def test_suspending_a_therapist_asks_why_and_takes_their_offers_back(cast: Cast, desk: Desk) -> None:
    waiting, client = offer(cast), desk(cast.olive)
    assert 'name="reason"' in act(client, USERS, "suspend", cast.theo.pk)
    assert active(cast.theo)
    assert "1 of 1 done" in act(client, USERS, "suspend", cast.theo.pk, reason="on leave")
    assert not active(cast.theo)
    waiting.refresh_from_db()
    assert waiting.therapist_id is None
    assert "1 of 1 done" in act(client, USERS, "reinstate", cast.theo.pk)
    assert active(cast.theo)


def test_operators_suspend_nobody_but_their_therapists(cast: Cast, desk: Desk) -> None:
    page = act(desk(cast.olive), USERS, "suspend", cast.pia.pk, cast.otto.pk, cast.heiko.pk, reason="no")
    assert "0 of 2 done" in page
    assert all(active(user) for user in (cast.pia, cast.otto, cast.heiko))


def test_an_admin_suspends_anybody_but_themselves_and_their_sockets_close(cast: Cast, desk: Desk) -> None:
    AuthToken.objects.create(cast.pia)
    page = act(desk(cast.ada), USERS, "suspend", cast.pia.pk, cast.ada.pk, reason="asked for it")
    assert "1 of 2 done" in page
    assert not active(cast.pia)
    assert active(cast.ada)
    assert not AuthToken.objects.filter(user=cast.pia).exists()
    assert OutboxEntry.objects.filter(kind="token_revoked", payload__user=cast.pia.pk).exists()
    assert "1 of 1 done" in act(desk(cast.ada), USERS, "reinstate", cast.pia.pk)


def test_operators_look_at_their_own_people_and_edit_nobody(cast: Cast, desk: Desk) -> None:
    client = desk(cast.olive)
    page = client.get(USERS).content.decode()
    assert f"/{cast.theo.pk}/change/" in page
    assert f"/{cast.heiko.pk}/change/" not in page
    answer = client.post(f"{USERS}{cast.olive.pk}/change/", {"is_superuser": "on", "username": "olive"})
    assert answer.status_code == 403
    assert not User.objects.get(pk=cast.olive.pk).is_superuser
    shown = client.get(f"{USERS}{cast.theo.pk}/change/").content.decode()
    assert "argon2" not in shown
    assert "Superuser" not in shown


@pytest.mark.parametrize(
    "path",
    [
        "appointments/waitinglist/",
        *("appointments/timeslot/", "appointments/service/", "appointments/suspensionbreaker/", "accounts/user/"),
        *("accounts/institution/", "accounts/accountlog/", "django_celery_beat/periodictask/", "axes/accessattempt/"),
        *("django_celery_beat/intervalschedule/", "django_celery_beat/crontabschedule/", "appointments/appointment/"),
    ],
)
def test_every_page_answers_an_admin(cast: Cast, desk: Desk, path: str) -> None:
    ensure_schedule()
    assert desk(cast.ada).get(f"/admin/{path}").status_code == 200


@pytest.mark.parametrize("path", ["accounts/institution/", "django_celery_beat/periodictask/", "accounts/accountlog/"])
def test_what_is_above_institutions_is_closed_to_operators(cast: Cast, desk: Desk, path: str) -> None:
    assert desk(cast.olive).get(f"/admin/{path}").status_code == 403


@pytest.mark.parametrize("path", ["knox/authtoken/", "otp_totp/totpdevice/", "auth/group/"])
def test_tokens_second_factors_and_groups_are_no_pages(cast: Cast, desk: Desk, path: str) -> None:
    assert desk(cast.ada).get(f"/admin/{path}").status_code == 404


def test_who_waits_is_shown_by_institution(cast: Cast, desk: Desk) -> None:
    for patient in (cast.pia, cast.heidi):
        waiting_list.join(Wish(patient=patient, preferred_date=at(72).date()), patient, timezone.now())
    shown = desk(cast.olive).get("/admin/appointments/waitinglist/").context["cl"]
    assert [entry.patient for entry in shown.result_list] == [cast.pia]


def test_a_breaker_is_closed_with_a_reason(cast: Cast, desk: Desk) -> None:
    row = SuspensionBreaker.objects.create(institution=cast.clinic, opened_at=timezone.now())
    url = "/admin/appointments/suspensionbreaker/"
    act(desk(cast.olive), url, "close", row.pk)
    assert SuspensionBreaker.objects.get().closed_at is None
    act(desk(cast.olive), url, "close", row.pk, reason="a test of the alarm")
    assert SuspensionBreaker.objects.get().closed_by == cast.olive


@pytest.mark.usefixtures("broker")
def test_an_entry_runs_now_beside_its_schedule(cast: Cast, desk: Desk, broker_server) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    ensure_schedule()
    entry = PeriodicTask.objects.get(task="tasks.sweeps.clean_up")
    page = act(desk(cast.ada), "/admin/django_celery_beat/periodictask/", "run_now", entry.pk)
    assert "queued" in page
    assert [message.task for message in queued(broker_server.client, "default")] == ["tasks.sweeps.clean_up"]


def test_without_a_broker_running_now_says_so(cast: Cast, desk: Desk) -> None:
    ensure_schedule()
    entry = PeriodicTask.objects.get(task="tasks.sweeps.clean_up")
    with publishing_to("redis://127.0.0.1:9/0"):
        page = act(desk(cast.ada), "/admin/django_celery_beat/periodictask/", "run_now", entry.pk)
    assert "broker does not answer" in page
