"""The way in: who is let in, and what the door says to those who are not."""

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from core.accounts.models import User
from tests.support.cast import Cast

pytestmark = pytest.mark.once

PASSWORD = "correct horse"


@pytest.fixture
def named(cast: Cast) -> Cast:
    User.objects.update(password=make_password(PASSWORD))
    return cast


def sign_in(client: Client, username: str, password: str = PASSWORD, **more: str):  # type: ignore[no-untyped-def]
    return client.post("/login/", {"username": username, "password": password, **more})


@pytest.mark.parametrize(
    ("username", "home"),
    [("olive", "/operator/"), ("theo", "/therapist/"), ("pia", "/patient/"), ("ada", "/operator/")],
)
def test_everybody_arrives_at_their_own_dashboard(named: Cast, client: Client, username: str, home: str) -> None:
    answer = sign_in(client, username)
    assert (answer.status_code, answer["Location"]) == (302, home)


def test_a_page_that_was_asked_for_is_opened_after_the_login(named: Cast, client: Client) -> None:
    assert sign_in(client, "olive", next="/operator/?tab=all")["Location"] == "/operator/?tab=all"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_login_leads_nowhere_else(named: Cast, client: Client, elsewhere: str) -> None:
    assert sign_in(client, "olive", next=elsewhere)["Location"] == "/operator/"


def test_a_wrong_password_and_an_unknown_name_are_told_alike(named: Cast, client: Client) -> None:
    wrong, unknown = sign_in(client, "olive", "wrong"), sign_in(client, "nobody", "wrong")
    assert wrong.status_code == unknown.status_code == 400
    assert "The user name or the password is wrong." in wrong.content.decode()
    assert "The user name or the password is wrong." in unknown.content.decode()


def test_what_is_missing_is_named_at_its_field(named: Cast, client: Client) -> None:
    answer = sign_in(client, "", "")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert '<p class="err" id="username-error">Enter your user name</p>' in page
    assert '<p class="err" id="password-error">Enter your password</p>' in page


def test_a_suspended_therapist_reads_why_and_whom_to_ask(named: Cast, client: Client) -> None:
    User.objects.filter(pk=named.theo.pk).update(is_active=False, suspension_reason="appointment 7 was not answered")
    answer = sign_in(client, "theo")
    assert answer.status_code == 403
    assert "appointment 7 was not answered" in answer.content.decode()
    assert "Ask an operator" in answer.content.decode()
    assert "sessionid" not in client.cookies


def test_markup_in_a_name_is_text(named: Cast, client: Client) -> None:
    User.objects.filter(pk=named.olive.pk).update(first_name="<script>alert(1)</script>")
    client.force_login(User.objects.get(pk=named.olive.pk))
    page = client.get("/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_pages_that_name_no_icon_find_one(client: Client, db: None) -> None:
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer["Location"]) == (302, "/static/dashboards/icon.svg")


def test_leaving_ends_the_session(named: Cast, client: Client) -> None:
    sign_in(client, "olive")
    client.post("/logout/")
    assert "sessionid" not in client.cookies or not client.cookies["sessionid"].value


def test_the_login_needs_its_csrf_token(named: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert sign_in(strict, "olive").status_code == 403


class TestDemoDoors:
    def test_one_click_signs_in_while_debugging(self, cast: Cast, client: Client, settings) -> None:  # type: ignore[no-untyped-def]
        settings.DEBUG = True
        self.make_demo(cast)
        assert "Open as operator" in client.get("/").content.decode()
        assert client.post("/demo/enter/", {"username": "operator"})["Location"] == "/operator/"

    def test_there_is_no_such_door_in_production(self, cast: Cast, client: Client, settings) -> None:  # type: ignore[no-untyped-def]
        settings.DEBUG = False
        self.make_demo(cast)
        assert "Open as operator" not in client.get("/").content.decode()
        assert client.post("/demo/enter/", {"username": "operator"}).status_code == 404

    def test_it_opens_no_other_account(self, named: Cast, client: Client, settings) -> None:  # type: ignore[no-untyped-def]
        settings.DEBUG = True
        assert client.post("/demo/enter/", {"username": "olive"}).status_code == 404

    def test_an_account_with_another_password_stays_shut(self, named: Cast, client: Client, settings) -> None:  # type: ignore[no-untyped-def]
        settings.DEBUG = True
        User.objects.filter(pk=named.olive.pk).update(username="operator")
        assert client.post("/demo/enter/", {"username": "operator"}).status_code == 400

    def make_demo(self, cast: Cast) -> None:
        User.objects.filter(pk=cast.olive.pk).update(username="operator", password=make_password("demo"))


class TestOperations:
    """The way to what runs the place is shown to its staff."""

    DOORS = ("/admin/", "/admin/django_celery_beat/periodictask/", "/readyz")

    def test_staff_find_the_administration_schedules_health_and_flower(
        self, cast: Cast, client: Client, settings
    ) -> None:  # type: ignore[no-untyped-def]
        settings.DEBUG, settings.FLOWER_PORT = True, 5599
        client.force_login(cast.ada)
        page = client.get("/").content.decode()
        for address in (*self.DOORS, "http://testserver:5599/"):
            assert f'href="{address}"' in page

    def test_flower_is_not_linked_in_production(self, cast: Cast, client: Client, settings) -> None:  # type: ignore[no-untyped-def]
        settings.DEBUG = False
        client.force_login(cast.ada)
        assert "Flower" not in client.get("/").content.decode()

    @pytest.mark.parametrize("who", ["theo", "pia", ""])
    def test_nobody_else_finds_them(self, cast: Cast, client: Client, who: str) -> None:
        if who:
            client.force_login(getattr(cast, who))
        page = client.get("/").content.decode()
        for address in self.DOORS:
            assert f'href="{address}"' not in page


class TestLanguage:
    def test_the_account_remembers_it(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.olive)
        client.post("/language/", {"language": "ar", "next": "/"})
        page = client.get("/").content.decode()
        assert '<html lang="ar" dir="rtl"' in page

    def test_a_stranger_is_remembered_by_a_cookie(self, db: None, client: Client) -> None:
        client.post("/language/", {"language": "ur", "next": "/login/"})
        assert '<html lang="ur" dir="rtl"' in client.get("/login/").content.decode()

    @pytest.mark.parametrize("language", ["xx", "", "../en"])
    def test_an_unknown_one_changes_nothing(self, db: None, client: Client, language: str) -> None:
        assert client.post("/language/", {"language": language}).status_code == 302
        assert '<html lang="en" dir="ltr"' in client.get("/").content.decode()

    @pytest.mark.parametrize(("language", "status"), [("en", 200), ("ar", 200), ("ur", 200), ("xx", 404)])
    def test_scripts_have_a_catalogue_of_each(self, db: None, client: Client, language: str, status: int) -> None:
        assert client.get(f"/words/{language}.js").status_code == status


class TestTimeZone:
    def test_it_is_chosen_for_the_account_and_leads_back_to_the_page(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.pia)
        asked = client.get("/timezone/?next=/schedule?date=2030-01-02").content.decode()
        assert "that of Karachi" in asked
        assert "<option>Europe/Berlin</option>" in asked
        answer = client.post("/timezone/", {"timezone": "Europe/Berlin", "next": "/schedule?date=2030-01-02"})
        assert (answer.status_code, answer["Location"]) == (302, "/schedule?date=2030-01-02")
        cast.pia.refresh_from_db()
        assert cast.pia.timezone == "Europe/Berlin"
        assert "<option selected>Europe/Berlin</option>" in client.get("/timezone/").content.decode()

    def test_one_of_another_kind_stays_chosen(self, cast: Cast, client: Client) -> None:
        User.objects.filter(pk=cast.pia.pk).update(timezone="Etc/GMT-5")
        client.force_login(cast.pia)
        assert "<option selected>Etc/GMT-5</option>" in client.get("/timezone/").content.decode()

    def test_it_can_be_left_to_the_institution_again(self, cast: Cast, client: Client) -> None:
        User.objects.filter(pk=cast.pia.pk).update(timezone="Europe/Berlin")
        client.force_login(cast.pia)
        assert client.post("/timezone/", {"timezone": ""})["Location"] == "/patient/"
        cast.pia.refresh_from_db()
        assert cast.pia.timezone == ""

    def test_what_is_no_zone_is_refused_at_its_field(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.pia)
        answer = client.post("/timezone/", {"timezone": "Mars/Olympus", "next": "/schedule"})
        assert answer.status_code == 400
        assert "Choose one of the list" in answer.content.decode()
        cast.pia.refresh_from_db()
        assert cast.pia.timezone == ""

    @pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
    def test_it_leads_to_no_other_site(self, cast: Cast, client: Client, page: str) -> None:
        client.force_login(cast.olive)
        assert page not in client.get("/timezone/", {"next": page}).content.decode()
        assert client.post("/timezone/", {"timezone": "", "next": page})["Location"] == "/operator/"

    def test_a_stranger_signs_in_first(self, db: None, client: Client) -> None:
        assert client.get("/timezone/")["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("path", ["/nowhere/", "/patient/99999999/cancel/"])
def test_a_page_that_does_not_exist_leads_back(cast: Cast, client: Client, path: str) -> None:
    client.force_login(cast.pia)
    answer = client.get(path)
    assert answer.status_code == 404
    assert "This page does not exist" in answer.content.decode()


def test_an_expired_form_says_that_nothing_was_saved(named: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert "Nothing was saved" in sign_in(strict, "olive").content.decode()
