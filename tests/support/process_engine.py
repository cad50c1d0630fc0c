"""A container engine in the shape of the Docker SDK that runs local processes.

pytest-celery reaches Docker through one fixture of pytest-docker-tools, `docker_client`. With this object in its
place all of pytest-celery's own classes and fixtures work unchanged. Images are not built: the command is what counts.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.support.process_container import ProcessContainer


class Containers:
    """`client.containers`."""

    def __init__(self, root: Path, volumes: "Volumes") -> None:
        self._root, self._volumes = root, volumes
        self._all: list[ProcessContainer] = []

    def create(
        self,
        image: str,
        command: list[str] | None = None,
        environment: Mapping[str, object] | None = None,
        ports: Mapping[str, int | None] | None = None,
        volumes: Mapping[str, Mapping[str, str]] | None = None,
        labels: Mapping[str, str] | None = None,
        **_: object,
    ) -> ProcessContainer:
        """A process that is not started yet; `volumes` maps names to {"bind": path}."""
        mounts = {volume["bind"]: self._volumes.get(name).path for name, volume in (volumes or {}).items()}
        made = ProcessContainer(command or [], environment or {}, ports or {}, mounts, labels or {}, self._root)
        self._all.append(made)
        return made

    def run(self, image: str, **options: Any) -> ProcessContainer:
        """A started process."""
        made = self.create(image, **options)
        made.start()
        return made

    def list(self, **_: object) -> list[ProcessContainer]:
        """All that were ever made."""
        return list(self._all)


class Volume(SimpleNamespace):
    """A directory."""

    name: str
    path: Path
    attrs: dict[str, Any]

    def remove(self, *_: object) -> None:
        """Delete the directory."""
        shutil.rmtree(self.path, ignore_errors=True)


class Volumes:
    """`client.volumes`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._all: dict[str, Volume] = {}

    def create(self, name: str, **_: object) -> Volume:
        """An empty volume."""
        path = Path(tempfile.mkdtemp(prefix="volume-", dir=self._root))
        self._all[name] = Volume(name=name, path=path, attrs={"Labels": {}})
        return self._all[name]

    def get(self, name: str) -> Volume:
        """A volume by its name."""
        return self._all[name]


class Images:
    """`client.images`."""

    def build(self, tag: str = "scratch", **_: object) -> tuple[SimpleNamespace, Iterator[None]]:
        """Nothing is built."""
        return SimpleNamespace(id=tag), iter(())

    def pull(self, *_: object, **__: object) -> None:
        """Nothing is fetched."""


class Networks:
    """`client.networks`."""

    def create(self, name: str, **_: object) -> SimpleNamespace:
        """Everything is on the machine's own network."""
        return SimpleNamespace(name=name, remove=lambda: None)


class ProcessEngine:
    """What `docker.from_env()` is to pytest-docker-tools. `close` ends whatever still runs."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="process-engine-"))
        self.volumes = Volumes(self.root)
        self.containers = Containers(self.root, self.volumes)
        self.images = Images()
        self.networks = Networks()

    def close(self) -> None:
        """End every process and delete every file."""
        for container in self.containers.list():
            container.remove(force=True)
        shutil.rmtree(self.root, ignore_errors=True)
