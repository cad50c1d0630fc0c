"""Who enters Django admin."""

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django.fixtures import Settings

from core.accounts.models import User
from tests.support.cast import Cast

BACKEND = "django.contrib.auth.backends.ModelBackend"


def entered(user: User) -> bool:
    client = Client()
    client.force_login(user, BACKEND)
    return client.get("/admin/").status_code == 200


def sign_in(username: str, **more: str) -> Client:
    client = Client()
    client.post("/admin/login/?next=/admin/", {"username": username, "password": "a good secret", **more})
    return client


@pytest.fixture
def ada(cast: Cast) -> User:
    cast.ada.set_password("a good secret")
    cast.ada.save()
    return cast.ada


def code_of(device: TOTPDevice) -> str:
    return f"{TOTP(device.bin_key).token():06d}"


def test_an_admin_enters_and_an_operator_who_is_staff(cast: Cast) -> None:
    assert entered(cast.ada)
    assert not entered(cast.olive)
    User.objects.filter(pk=cast.olive.pk).update(is_staff=True)
    assert entered(User.objects.get(pk=cast.olive.pk))


@pytest.mark.parametrize("name", ["theo", "pia"])
def test_therapists_and_patients_never_enter_whatever_flag_they_carry(cast: Cast, name: str) -> None:
    User.objects.filter(username=name).update(is_staff=True)
    assert not entered(User.objects.get(username=name))


def test_the_page_of_the_login_asks_for_a_code_only_with_the_setting(db: None, settings: Settings) -> None:
    assert "otp_token" not in Client().get("/admin/login/").content.decode()
    settings.ADMIN_OTP = True
    assert "otp_token" in Client().get("/admin/login/").content.decode()


def test_the_password_alone_does_not_open_with_the_setting(ada: User, settings: Settings) -> None:
    assert sign_in("ada").get("/admin/").status_code == 200
    settings.ADMIN_OTP = True
    device = TOTPDevice.objects.create(user=ada, confirmed=True)
    assert sign_in("ada").get("/admin/").status_code == 302
    assert sign_in("ada", otp_token="000000").get("/admin/").status_code == 302
    TOTPDevice.objects.update(throttling_failure_count=0)
    assert sign_in("ada", otp_token=code_of(device)).get("/admin/").status_code == 200


def test_a_session_from_before_the_setting_has_to_show_its_factor(cast: Cast, settings: Settings) -> None:
    client = Client()
    client.force_login(cast.ada, BACKEND)
    settings.ADMIN_OTP = True
    assert client.get("/admin/").status_code == 302


def test_the_command_gives_a_factor_that_opens_and_ends_the_old_one(ada: User, settings: Settings) -> None:
    settings.ADMIN_OTP = True
    old = TOTPDevice.objects.create(user=ada, confirmed=True)
    shown = io.StringIO()
    call_command("enrol_second_factor", "ada", stdout=shown)
    assert re.search(r"otpauth://totp/\S+secret=", shown.getvalue())
    new = TOTPDevice.objects.get(user=ada)
    assert sign_in("ada", otp_token=code_of(old)).get("/admin/").status_code == 302
    TOTPDevice.objects.update(throttling_failure_count=0)
    assert sign_in("ada", otp_token=code_of(new)).get("/admin/").status_code == 200


def test_the_command_refuses_who_may_not_enter(cast: Cast) -> None:
    with pytest.raises(CommandError, match="nobody of this name"):
        call_command("enrol_second_factor", "theo")
