import gc
import os
import subprocess
import sys

import pytest

LOADED = """
import sys, django; django.setup()
{then}
print(*sorted({{"core.urls", "appointments.admin", "apprise", "rest_framework.viewsets"}} & set(sys.modules)))
"""
STARTED = """
from celery.signals import celeryd_after_setup; from core import celery_app
celeryd_after_setup.send(sender="worker", instance=None, conf=celery_app.conf)
"""


def loaded(then: str = "", **settings: str) -> list[str]:
    """Which of the large parts a process of these settings has loaded, once it is set up."""
    env = {**os.environ, **settings}
    code = LOADED.format(then=then)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.once
def test_nothing_is_collected_while_it_is_loaded() -> None:
    subprocess.run([sys.executable, "-c", "import core, gc; assert not gc.isenabled()"], check=True)


def test_what_was_loaded_is_left_alone_and_what_comes_after_it_collected() -> None:
    assert gc.isenabled()
    assert gc.get_freeze_count() > 100_000


LEFT_ALONE = "import gc; assert not any(one is {what} for one in gc.get_objects())"


@pytest.mark.once
@pytest.mark.parametrize("server", ["core.asgi", "core.wsgi"])
def test_the_pages_that_a_server_loads_are_left_alone(server: str) -> None:
    code = f"import sys, {server}; " + LEFT_ALONE.format(what="sys.modules['core.urls']")
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.once
def test_what_a_worker_has_loaded_when_it_is_ready_is_left_alone() -> None:
    begun = "import django; django.setup(); from celery.signals import worker_ready; late = [[]]; "
    code = begun + "worker_ready.send(sender=None); " + LEFT_ALONE.format(what="late")
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.once
def test_who_serves_no_page_loads_none() -> None:
    assert loaded() == []


@pytest.mark.once
def test_a_worker_loads_the_addresses_of_its_letters_before_it_forks_and_that_of_the_deadlines_never() -> None:
    assert "core.urls" in loaded(STARTED)
    assert loaded(STARTED, DEADLINES_WORKER="true") == []
