"""Many rows in one statement: as given, all or none."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.accounts.models import AccountLog
from core.inserting import Texts, insert_many
from tests.support.cast import Cast

NOW = datetime(2031, 3, 3, 8, 0, 0, 250, tzinfo=UTC)
COLUMNS = ("user_id", "action", "performed_by_id", "timestamp", "reason", "old_values", "new_values")


def row(user_id: int, reason: str = "", **more: Any) -> tuple[Any, ...]:
    return (user_id, "disabled", None, NOW, reason, {}, more)


def test_rows_are_inserted_as_given_and_in_their_order(cast: Cast) -> None:
    awkward = "a\tb\nc\\N\\. \"d\" 'e' {f} سلام \N{PILE OF POO}"
    insert_many(AccountLog, COLUMNS, [row(cast.theo.pk, awkward, text=awkward, none=None), row(cast.tara.pk)])
    first, second = AccountLog.objects.order_by("pk")
    assert (first.user_id, second.user_id) == (cast.theo.pk, cast.tara.pk)
    assert (first.performed_by_id, first.timestamp, first.reason) == (None, NOW, awkward)
    assert (first.old_values, first.new_values) == ({}, {"text": awkward, "none": None})


def test_many_rows_take_at_most_one_query(cast: Cast) -> None:
    with CaptureQueriesContext(connection) as asked:
        insert_many(AccountLog, COLUMNS, [row(cast.theo.pk)] * 50)
    assert len(asked) <= 1
    assert AccountLog.objects.count() == 50


def test_a_row_that_the_database_refuses_leaves_none_behind(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_many(AccountLog, COLUMNS, [row(cast.theo.pk), (cast.theo.pk, None, *row(cast.theo.pk)[2:])])
    assert not AccountLog.objects.exists()


def test_an_instant_of_many_rows_is_formatted_once() -> None:
    at, texts = datetime(2031, 3, 3, 8, 0, 0, 250_000, tzinfo=UTC), Texts()
    assert texts[at] is texts[at]
    assert (texts[at], texts[None]) == ("2031-03-03T08:00:00.250000+00:00", None)
