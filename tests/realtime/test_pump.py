"""What the pump fetches for everybody at once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments.events import EventType
from core.accounts.models import User
from realtime import pump
from realtime.models import Notification
from tests.realtime.conftest import now
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


def fill(person: User, count: int) -> None:
    Notification.objects.bulk_create(
        Notification(recipient=person, seq=seq, outbox_id=seq, type=EventType.UPDATED, created_at=now())
        for seq in range(1, count + 1)
    )


def test_everybody_gets_what_follows_their_own_number(cast: Cast) -> None:
    fill(cast.olive, 5)
    fill(cast.theo, 3)
    fill(cast.pia, 2)
    rows = pump._rows({cast.theo.pk: 0, cast.olive.pk: 3, cast.pia.pk: 2})
    found = [(row.recipient_id, row.seq, row.data) for row in rows]
    assert found == [(cast.olive.pk, 4, {}), (cast.olive.pk, 5, {})] + [(cast.theo.pk, seq, {}) for seq in (1, 2, 3)]


def test_nobody_gets_more_than_a_page(cast: Cast) -> None:
    fill(cast.olive, pump.PAGE + 10)
    rows = pump._rows({cast.olive.pk: 4})
    assert [row.seq for row in rows] == list(range(5, pump.PAGE + 5))


def test_the_news_of_many_people_take_one_query(cast: Cast) -> None:
    people = [User.objects.create(username=f"p{number}", institution=cast.clinic) for number in range(50)]
    for person in people:
        fill(person, 1)
    with CaptureQueriesContext(connection) as captured:
        assert len(pump._rows({person.pk: 0 for person in people})) == 50
    assert len(captured) == 1


def test_a_therapist_is_read_again_for_every_round(cast: Cast) -> None:
    User.objects.filter(pk=cast.theo.pk).update(taking_appointments=False)
    readers = pump._fresh({cast.theo.pk: cast.theo, cast.olive.pk: cast.olive})
    assert readers[cast.theo.pk].taking_appointments is False
    assert readers[cast.olive.pk] is cast.olive
