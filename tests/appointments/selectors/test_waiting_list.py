"""Whose turn it is and what is due are found by an index."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from appointments.models import WaitingOffer
from appointments.selectors.conflicts import held_for_waiting
from appointments.selectors.waiting_list import in_turn, waiting_for
from appointments.services.vacancies import to_arm
from tests.appointments.moves import START, minutes
from tests.support.cast import Cast

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans otherwise")


@pytest.fixture(autouse=True)
def _without_sequential_scans(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")  # a plan that sorts all the same has no index in this order


def test_whose_turn_it_is_is_read_in_order_from_the_index(cast: Cast) -> None:
    plan = in_turn(cast.theo, START, START + minutes(30), uuid.uuid4())[:1].explain()
    assert "waiting_in_turn" in plan
    assert "Sort" not in plan


def test_the_list_is_read_in_order_from_the_index(cast: Cast) -> None:
    plan = waiting_for(cast.olive)[:20].explain()
    assert "using waiting_list on" in plan
    assert "Sort" not in plan
    assert "using waiting_by_patient on" in waiting_for(cast.pia)[:20].explain()


def test_what_is_held_in_the_way_of_a_booking_is_found_by_the_index(cast: Cast) -> None:
    assert "waiting_offer_held" in held_for_waiting(cast.theo.pk, START, START + minutes(30), None).explain()


def test_offers_that_are_due_are_found_by_the_index(cast: Cast) -> None:
    now = timezone.now()
    assert "waiting_offer_due" in WaitingOffer.objects.filter(status="offered", expires_at__lte=now).explain()
    assert "waiting_offer_due" in to_arm(now, timedelta(hours=1)).order_by("expires_at").explain()
