from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.contracts.world import World, make_world
from tests.support.lasting import lasting


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """With Pia's appointment as the parameter says; the same for all tests that ask for it, whatever they do to it."""
    with lasting(django_db_blocker):
        yield make_world(request.param)
