"""One set of processes for the stories; those that need other clocks bring their own."""

from collections.abc import Iterator

import pytest

from tests.support.stack import Stack


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """Ten minutes to answer an offer, six seconds to answer a freed place."""
    clocks = {
        "DEFAULT_RESPONSE_TIMEOUT_MINUTES": 10,
        "DEADLINE_WARNING_MINUTES": 0.05,
        "WAITING_LIST_OFFER_MINUTES": 0.1,
    }
    with Stack(**clocks) as running:
        yield running
