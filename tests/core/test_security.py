"""What browsers are told to allow, and who may come from elsewhere."""

import re

import pytest
from django.conf import settings
from django.test import Client

from tests.core.test_settings import shown

pytestmark = pytest.mark.once

CLIENT = Client()
ELSEWHERE = "https://clinic.example"


def policy(path: str) -> str:
    return CLIENT.get(path).headers.get("Content-Security-Policy", "")


@pytest.mark.parametrize("path", ["/", "/login/"])
def test_a_page_runs_only_scripts_and_styles_of_its_own(db: None, path: str) -> None:
    found = policy(path)
    assert "default-src 'none'" in found
    assert "frame-ancestors 'none'" in found
    assert "unsafe" not in found
    assert "nonce" not in found
    page = CLIENT.get(path).content.decode()
    assert "<style" not in page
    assert not re.findall(r"\s(?:style|on\w+)=", page)
    assert all("src=" in tag or 'type="application/json"' in tag for tag in re.findall(r"<script[^>]*>", page))


@pytest.mark.parametrize("path", ["/api/docs/", "/admin/login/"])
def test_the_admin_and_the_documentation_are_let_off_the_strict_policy(db: None, path: str) -> None:
    assert CLIENT.get(path).status_code == 200
    assert policy(path) == ""


def test_the_documentation_loads_nothing_from_elsewhere(db: None) -> None:
    page = CLIENT.get("/api/docs/").content.decode()
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", page)


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/", "/api/asyncapi.json", "/"])
def test_what_describes_the_product_needs_no_login(db: None, path: str) -> None:
    assert CLIENT.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/auth/me/"])
def test_no_answer_is_sniffed_or_framed_and_no_address_is_passed_on(db: None, path: str) -> None:
    headers = CLIENT.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(("origins", "allowed"), [([ELSEWHERE], True), ([], False)])
def test_only_listed_origins_may_use_the_api(db: None, settings, origins: list[str], allowed: bool) -> None:  # type: ignore[no-untyped-def]
    settings.CORS_ALLOWED_ORIGINS = origins
    asked = {"HTTP_ORIGIN": ELSEWHERE, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
    answer = CLIENT.options("/api/auth/login/", **asked)
    assert ("Access-Control-Allow-Origin" in answer) is allowed
    assert "Access-Control-Allow-Credentials" not in answer


def test_another_site_may_send_a_token_and_a_key_for_repetitions(db: None, settings) -> None:  # type: ignore[no-untyped-def]
    settings.CORS_ALLOWED_ORIGINS = [ELSEWHERE]
    asked = {"HTTP_ORIGIN": ELSEWHERE, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
    allowed = CLIENT.options("/api/auth/login/", **asked)["Access-Control-Allow-Headers"]
    assert {"authorization", "idempotency-key"} <= {word.strip() for word in allowed.split(",")}


def test_cookies_travel_encrypted_in_production() -> None:
    show = "print(settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY)"
    assert shown(show).split() == ["True"] * 3


def test_one_module_that_imports_another_is_hashed_with_it(tmp_path, settings) -> None:  # type: ignore[no-untyped-def]
    from core.web.static import HashedModules

    storage = HashedModules(location=tmp_path, base_url="/static/")
    for name, text in {"a.js": 'import { b } from "./b.js";\n', "b.js": "export const b = 1;\n"}.items():
        (tmp_path / name).write_text(text)
    done = {name: hashed for name, hashed, _ in storage.post_process({n: (storage, n) for n in ("a.js", "b.js")})}
    assert done["b.js"] in (tmp_path / done["a.js"]).read_text()


def test_argon2_hashes_new_passwords() -> None:
    assert settings.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")
