"""A laptop with Docker and kind, of which the programs are `tests.standin`'s and the kubectl is real."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import standin
from tests.cluster import kind, layout
from tests.cluster.kind import Kind
from tests.cluster.layout import Layout
from tests.standin.engine import Container, Engine
from tests.standin.kubernetes import Kubernetes, serving

NAME = "x"


@dataclass
class Laptop:
    """What is done to its Docker is done behind the provider's back."""

    folder: Path
    docker: Engine
    kubernetes: Kubernetes
    address: str

    @property
    def layout(self) -> Layout:
        return Layout(NAME)

    def kind(self, **environment: str) -> Kind:
        return Kind(NAME, environment)

    def up(self, **options: Any) -> Kind:
        provider = self.kind()
        provider.up(**{"dns_ttl": 30, **options})
        return provider

    def machine(self, name: str) -> Container:
        return self.docker.container(name)

    def states(self) -> dict[str, str]:
        return {each.name: each.state for each in self.docker.containers()}

    @property
    def is_well(self) -> bool:
        """Whether all machines are there for the others, each with the address that Kubernetes on it knows."""
        found = self.docker.containers()
        return bool(found) and all(each.is_heard and each.networks["kind"] == each.started_as for each in found)


@contextmanager
def a_laptop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laptop]:
    programs = folder / "bin"
    programs.mkdir()
    monkeypatch.setattr(layout, "RUN_ROOT", folder)
    monkeypatch.setattr(layout, "CGROUP_ROOT", folder / "cgroup")  # the machine's own clusters are none of its
    monkeypatch.setattr(kind, "LOOK_EVERY", 0)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.delenv(kind.IMAGE_VARIABLE, raising=False)
    docker = Engine(programs / "engine")
    kubernetes = Kubernetes(docker)
    with serving(kubernetes) as address:
        standin.install(programs, **{standin.API: address, "HOME": str(folder)})
        monkeypatch.setenv("HOME", str(folder))  # kubectl keeps there what it has learned of a server
        yield Laptop(folder, docker, kubernetes, address)


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laptop]:
    """Nothing is there yet."""
    with a_laptop(tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """One on which an `up` was done; it is switched off, and has its files still."""
    with pytest.MonkeyPatch.context() as monkeypatch, a_laptop(tmp_path_factory.mktemp("made"), monkeypatch) as found:
        found.up()
    return found


@pytest.fixture
def running(laptop: Laptop, made: Laptop) -> Laptop:
    """The cluster is up: a copy, because making one takes a second."""
    engine = Path("bin") / "engine"
    shutil.copytree(made.folder / engine, laptop.folder / engine, dirs_exist_ok=True)
    shutil.copytree(made.folder / laptop.layout.full_name, laptop.layout.run)
    kubeconfig = laptop.layout.kubeconfig
    kubeconfig.write_text(kubeconfig.read_text().replace(made.address, laptop.address))
    return laptop
