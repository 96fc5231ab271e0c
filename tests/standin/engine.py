"""What there is in Docker: containers and images, in files of a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

FOLDER = "STANDIN_FOLDER"
SOCKET = "unix:///var/run/docker.sock"
NO_DAEMON = f"Cannot connect to the Docker daemon at {SOCKET}. Is the docker daemon running?"
NETWORK = "kind"


class DaemonError(Exception):
    """The daemon says no."""


@dataclass
class Container:
    name: str
    image: str
    labels: dict[str, str]
    state: str = "created"
    networks: dict[str, str] = field(default_factory=dict)
    """Their names, and the address in each."""
    started_as: str = ""
    """The address with which it started last; kind's entrypoint keeps it in /kind/old-ipv4."""
    kubelet_works: bool = True
    renewals: int = 0
    """How often its kubelet has said that it is there."""
    loaded: list[str] = field(default_factory=list)
    """Archives whose images are in it."""

    @property
    def id(self) -> str:
        return self.name.encode().hex().ljust(64, "0")[:64]

    @property
    def is_heard(self) -> bool:
        """Whether others hear of it."""
        return self.state == "running" and NETWORK in self.networks and self.kubelet_works


class Engine:
    """Each method does what the daemon does when it is asked, and leaves it in the folder."""

    def __init__(self, folder: Path) -> None:
        self._containers = folder / "containers"
        self._containers.mkdir(parents=True, exist_ok=True)
        self._images = folder / "images.json"
        self._stopped = folder / "stopped"

    @classmethod
    def of_environment(cls) -> Engine:
        return cls(Path(os.environ[FOLDER]))

    @property
    def answers(self) -> bool:
        return not self._stopped.exists()

    def stop_daemon(self) -> None:
        self._stopped.touch()

    def containers(self, **labels: str | None) -> list[Container]:
        """Those with the labels, of which None is one with any value; the newest first, as Docker lists them."""
        files = sorted(self._containers.iterdir(), key=lambda file: file.stat().st_ino, reverse=True)
        found = (Container(**json.loads(file.read_text())) for file in files)
        return [each for each in found if all(_fits(each, key, value) for key, value in labels.items())]

    def container(self, name: str) -> Container:
        file = self._containers / name
        if not file.exists():
            raise DaemonError(f"No such container: {name}")
        return Container(**json.loads(file.read_text()))

    def save(self, container: Container) -> None:
        (self._containers / container.name).write_text(json.dumps(asdict(container)))

    def remove(self, name: str) -> None:
        (self._containers / self.container(name).name).unlink()

    def start(self, name: str) -> None:
        found = self.container(name)
        if found.state == "paused":
            raise DaemonError("cannot start a paused container, try unpause instead")
        if found.state != "running":
            found.state, found.started_as = "running", found.networks.get(NETWORK, "")
        self.save(found)

    def kill(self, name: str) -> None:
        found = self.container(name)
        if found.state not in ("running", "paused"):
            raise DaemonError(f"cannot kill container: {name}: container {found.id} is not running")
        found.state = "exited"
        self.save(found)

    def stop(self, name: str) -> None:
        found = self.container(name)
        if found.state in ("running", "paused"):
            found.state = "exited"
        self.save(found)

    def restart(self, name: str) -> None:
        self.stop(name)
        self.start(name)

    def pause(self, name: str) -> None:
        found = self.container(name)
        if found.state == "paused":
            raise DaemonError(f"container {found.id} is already paused")
        self._must_run(found)
        found.state = "paused"
        self.save(found)

    def unpause(self, name: str) -> None:
        found = self.container(name)
        if found.state != "paused":
            raise DaemonError(f"Container {found.id} is not paused")
        found.state = "running"
        self.save(found)

    def connect(self, network: str, name: str) -> None:
        found = self.container(name)
        if network in found.networks:
            raise DaemonError(f"endpoint with name {name} already exists in network {network}")
        found.networks[network] = self._free_address(network)
        self.save(found)

    def disconnect(self, network: str, name: str) -> None:
        found = self.container(name)
        if network not in found.networks:
            raise DaemonError(f"container {found.id} is not connected to the network {network}")
        del found.networks[network]
        self.save(found)

    def ready_for_exec(self, name: str) -> Container:
        found = self.container(name)
        if found.state == "paused":
            raise DaemonError(f"Container {found.id} is paused, unpause the container before exec")
        self._must_run(found)
        return found

    def images(self) -> dict[str, str]:
        """Their names, and the archive of each; it is empty where nobody has loaded it from there."""
        return dict(json.loads(self._images.read_text())) if self._images.exists() else {}

    def add_image(self, name: str, archive: str = "") -> None:
        self._images.write_text(json.dumps({**self.images(), name: archive}))

    def _must_run(self, container: Container) -> None:
        if container.state != "running":
            raise DaemonError(f"container {container.id} is not running")

    def _free_address(self, network: str) -> str:
        """The lowest that nobody has: who comes back second gets what the first one had."""
        taken = {each.networks.get(network) for each in self.containers()}
        return next(address for address in _addresses() if address not in taken)


def _fits(container: Container, key: str, value: str | None) -> bool:
    return key in container.labels and value in (None, container.labels[key])


def _addresses() -> Iterator[str]:
    yield from (f"172.18.0.{number}" for number in range(2, 255))
