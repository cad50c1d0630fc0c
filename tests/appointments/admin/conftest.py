"""Staff at their desks."""

from collections.abc import Callable

import pytest
from django.test import Client

from core.accounts.models import User
from tests.support.cast import Cast

Desk = Callable[[User], Client]


@pytest.fixture
def desk(cast: Cast) -> Desk:
    """`desk(user)` is a browser signed in to Django admin."""
    User.objects.filter(role="operator").update(is_staff=True)

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(User.objects.get(pk=user.pk), "django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in
