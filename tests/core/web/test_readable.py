"""Requests that no view could read: never a 500, never half a write."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from rest_framework.response import Response

pytestmark = [pytest.mark.urls("tests.core.web.urls"), pytest.mark.once]
CALM = Client(raise_request_exception=False)
URL = "/api/failing/none/"


def send(body: bytes | str, content_type: str = "application/json", **extra: Any) -> Response:
    return CALM.post(URL, body, content_type=content_type, **extra)


@pytest.mark.parametrize("path", ["/api/failing/none", "/api/failing/none/", "/api/failing/none//"])
def test_every_path_works_with_and_without_its_slash_and_keeps_its_body(path: str) -> None:
    answer = CALM.post(path, {"a": 1}, content_type="application/json")
    assert (answer.status_code, answer.json()) == (200, {"a": 1})


def test_pages_are_left_to_django() -> None:
    assert CALM.get("/page/").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        *("{", "null", "[]", "7", '"text"', "NaN", '{"a": NaN}', "[" * 100_000, '{"a":' * 40 + "1" + "}" * 40),
        *(b"\xff", b'{"a": "\xff"}', '{"a": ' + "1" * 5_000 + "}"),
    ],
)
def test_a_body_that_is_no_json_object_is_400(body: bytes | str) -> None:
    assert send(body).status_code == 400


def test_no_body_is_an_empty_object() -> None:
    assert send("").json() == {}


@pytest.mark.parametrize("text", ["\x00", "\ud800", "a\udfffb", "\ude00\ud83d"])
@pytest.mark.parametrize("nest", [lambda text: text, lambda text: [text], lambda text: {"in": {text: 1}}])
def test_text_that_no_database_stores_is_400_naming_its_field(text: str, nest: Any) -> None:
    answer = send(json.dumps({"fine": 1, "note": nest(text)}))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "note"


def test_a_bad_name_is_400_as_well() -> None:
    assert send(json.dumps({"\ud800": 1})).status_code == 400


def test_text_beyond_the_first_plane_is_fine() -> None:
    assert send(json.dumps({"note": "😀 سلام"})).json() == {"note": "😀 سلام"}


def test_a_body_of_the_largest_size_is_read() -> None:
    frame = len('{"a":""}')
    largest = json.dumps({"a": "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE - frame)}, separators=(",", ":"))
    assert send(largest).status_code == 200
    assert send(largest + " ").status_code == 413


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_a_body_of_ten_megabytes_is_413_in_the_format(content_type: str) -> None:
    answer = send(b"x" * 10_000_000, content_type)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["code"] == "too_large"


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "multipart/form-data", "x"])
def test_another_media_type_is_415(content_type: str) -> None:
    assert send(b"x", content_type).status_code == 415


def test_nul_in_the_query_is_400_naming_the_parameter() -> None:
    answer = CALM.get(URL + "?fine=1&search=a%00b")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "search"


def test_nul_in_the_path_is_404() -> None:
    assert CALM.get("/api/failing/a%00b/").status_code == 404
