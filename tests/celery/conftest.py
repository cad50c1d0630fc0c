"""The project's own workers, as the Procfile starts them, under pytest-celery's fixtures.

They work on the test's database. `TEST_ENGINE=docker` takes a real engine in place of local processes.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from pytest_celery import CeleryBrokerCluster, CeleryTestWorker, CeleryWorkerCluster, CeleryWorkerContainer
from pytest_celery.vendors.redis.broker.api import RedisTestBroker
from pytest_docker_tools import container, fxtr
from pytest_docker_tools.wrappers import container as container_wrapper

from core.celery import app
from tests.realtime.conftest import database_let_go  # noqa: F401 - a fixture of the session
from tests.support.broker import publishing_to
from tests.support.cast import Cast, make_cast
from tests.support.process_container import DIRECTORY
from tests.support.process_engine import ProcessEngine
from tests.support.projects import ROOT, environment
from tests.support.stack import expand, parse_procfile

PROCFILE = parse_procfile((ROOT / "Procfile").read_text())


class ProjectWorker(CeleryWorkerContainer):
    """The worker of searches and notifications."""

    process, name_of_node = "worker", "worker"

    @classmethod
    def command(cls, *args: str, **kwargs: Any) -> list[str]:
        return [*expand(PROCFILE[cls.process], {}), *args]

    @classmethod
    def worker_name(cls) -> str:
        return cls.name_of_node


class DeadlinesWorker(ProjectWorker):
    """The worker that holds ETA tasks."""

    process, name_of_node = "worker-deadlines", "deadlines"


@pytest.fixture(scope="session")
def docker_client() -> Iterator[Any]:
    """The one fixture by which pytest-celery reaches its engine."""
    if os.environ.get("TEST_ENGINE") == "docker":
        import docker

        yield docker.from_env()
        return
    engine = ProcessEngine()
    with pytest.MonkeyPatch.context() as patch:
        # Inside a container, pytest-docker-tools would dial an address of its own in place of the published port.
        patch.setattr(container_wrapper, "tests_inside_container", lambda: False)
        yield engine
    engine.close()


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Everybody, committed, where the workers see them."""
    return make_cast()


@pytest.fixture
def celery_broker_cluster(celery_redis_broker: RedisTestBroker) -> Iterator[CeleryBrokerCluster]:
    """Redis alone; upstream goes through every vendor that is installed."""
    cluster = CeleryBrokerCluster(celery_redis_broker)
    yield cluster
    cluster.teardown()


@pytest.fixture
def celery_backend_cluster() -> None:
    """The project keeps no results."""


@pytest.fixture
def celery_setup_app(celery_setup_config: dict[str, str]) -> Iterator[Celery]:
    """The project's own app, on the broker of this test."""
    with publishing_to(celery_setup_config["broker_url"]):
        yield app


@pytest.fixture
def worker_settings() -> dict[str, object]:
    """Variables of the workers; a test may name its own."""
    return {}


@pytest.fixture
def project_environment(
    transactional_db: None,
    tmp_path: Path,
    celery_worker_cluster_config: dict[str, Any],
    worker_settings: dict[str, object],
) -> dict[str, str]:
    broker = ProjectWorker.initial_env(celery_worker_cluster_config)["CELERY_BROKER_URL"]
    settings = {"AUTO_DISABLE_THERAPISTS": "false", "DEADLINE_WARNING_MINUTES": 0, **worker_settings}
    return {**environment(tmp_path, broker, **settings), DIRECTORY: str(ROOT)}


@pytest.fixture
def project_command() -> list[str]:
    return ProjectWorker.command()


@pytest.fixture
def deadlines_command() -> list[str]:
    return DeadlinesWorker.command()


project_worker_container = container(
    image="unused",
    environment=fxtr("project_environment"),
    command=fxtr("project_command"),
    wrapper_class=ProjectWorker,
    timeout=60,
)
deadlines_worker_container = container(
    image="unused",
    environment=fxtr("project_environment"),
    command=fxtr("deadlines_command"),
    wrapper_class=DeadlinesWorker,
    timeout=60,
)


@pytest.fixture
def worker_kinds() -> tuple[str, ...]:
    """Which workers run; a test may name others."""
    return ("project_worker_container",)


@pytest.fixture
def celery_worker_cluster(
    request: pytest.FixtureRequest,
    worker_kinds: tuple[str, ...],
    project_environment: dict[str, str],
    project_command: list[str],
    celery_setup_app: Celery,
) -> Iterator[CeleryWorkerCluster]:
    """One node for each kind; what the containers need is named here, so that a test may parametrize it."""
    cluster = CeleryWorkerCluster(
        *[CeleryTestWorker(request.getfixturevalue(kind), celery_setup_app) for kind in worker_kinds]
    )
    yield cluster
    cluster.teardown()
