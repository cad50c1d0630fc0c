"""A broker that is away or stalled is told as such, and soon."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.utils import timezone

from core.outbox.draining import UnreachableError, drain
from core.outbox.models import Lane, OutboxEntry
from tasks.notifications import tell_account
from tasks.publishing import publish
from tests.support.broker import forget_connections
from tests.support.cast import Cast, offer
from tests.tasks.conftest import Broker

pytestmark = pytest.mark.once

# A default publish still hung after 90 s; the lease on a row is 6 s.
SOON = 5


def test_a_broker_that_is_not_there_is_unreachable(broker: Broker) -> None:
    broker.valkey.kill()
    begun = time.monotonic()
    with pytest.raises(UnreachableError):
        publish(tell_account, 1, "therapist_disabled")
    assert time.monotonic() - begun < SOON


@pytest.mark.parametrize("connected", [True, False])
def test_a_stalled_broker_is_unreachable_within_seconds(broker: Broker, connected: bool) -> None:
    publish(tell_account, 1, "therapist_disabled")
    if not connected:
        forget_connections()
    begun = time.monotonic()
    with broker.stalled(), pytest.raises(UnreachableError):
        publish(tell_account, 2, "therapist_disabled")
    assert time.monotonic() - begun < SOON


def test_what_a_broker_did_not_take_stays_promised_and_goes_out_when_it_is_back(cast: Cast, broker: Broker) -> None:
    offer(cast)
    with broker.stalled():
        assert drain(Lane.TASKS, timezone.now(), timezone.now) == (0, 0, False)
    left = OutboxEntry.objects.get(lane=Lane.TASKS)
    assert left.attempts == 0
    assert drain(Lane.TASKS, left.available_at, timezone.now).done == 1
    assert len(broker.queued("deadlines")) >= 2


def test_a_thread_publishes_through_the_projects_app() -> None:
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(lambda: tell_account.app.main).result() == "core"
