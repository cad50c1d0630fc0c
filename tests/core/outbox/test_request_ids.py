"""The id of a request goes with what it promised, so that the log tells one story."""

import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from core.outbox import draining
from core.outbox.draining import LeasedHandler, drain
from core.outbox.models import Lane, OutboxEntry
from core.outbox.writing import Effect, write, write_many
from tests.core.outbox.test_draining import NOW

pytestmark = pytest.mark.django_db
MINE = "5f3c-of-the-client"


def kept() -> list[str]:
    return list(OutboxEntry.objects.order_by("id").values_list("request_id", flat=True))


def test_a_promise_keeps_the_id_of_its_request() -> None:
    with bound_contextvars(request_id=MINE):
        write(Lane.TASKS, "one", {}, stream="a", now=NOW)
    write(Lane.TASKS, "two", {}, stream="a", now=NOW)
    assert kept() == [MINE, ""]


def test_what_a_promise_leads_to_keeps_the_first_ones_id() -> None:
    with bound_contextvars(request_id="another"):
        write_many([Effect(Lane.TASKS, "mail", {}, "a", MINE)], now=NOW)
    assert kept() == [MINE]


def test_it_is_carried_out_in_the_name_of_the_request_and_the_next_one_in_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named: list[object] = []
    carry = LeasedHandler(lambda entry: named.append(get_contextvars().get("request_id")))
    monkeypatch.setitem(draining._handlers, Lane.TASKS, carry)
    for number, name in enumerate((MINE, "", "another")):
        with bound_contextvars(request_id=name):
            write(Lane.TASKS, "one", {}, stream=f"{number}", now=NOW)
    drain(Lane.TASKS, NOW, lambda: NOW)
    assert named == [MINE, None, "another"]
