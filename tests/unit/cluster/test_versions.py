"""Other minors of Kubernetes: which there are, and what they are built from."""

import hashlib

import pytest

from tests import versions
from tests.cluster import build
from tests.cluster.build import PROGRAMS, BuildError, binary, kubernetes_minors, newest_kubernetes
from tests.cluster.layout import Shape

PUBLISHED = """\
module k8s.io/kubernetes

go 1.24.0

require (
\tgithub.com/spf13/cobra v1.9.1
\tk8s.io/api v0.0.0
)

require (
\tgo.etcd.io/etcd/server/v3 v3.6.4 // indirect
)

replace (
\tk8s.io/api => ./staging/src/k8s.io/api
\tk8s.io/kubelet => ./staging/src/k8s.io/kubelet
)
"""
WANTED = """\
module elixircluster.dev/test/kube

go 1.24.0

require (
\tgithub.com/spf13/cobra v1.9.1
\tgo.etcd.io/etcd/server/v3 v3.6.4
\tk8s.io/component-base v0.34.4
\tk8s.io/kubernetes v1.34.4
)

replace (
\tk8s.io/api => k8s.io/api v0.34.4
\tk8s.io/kubelet => k8s.io/kubelet v0.34.4
)
"""


def test_modules_that_are_folders_of_kubernetes_are_taken_as_they_are_published():
    assert versions.requirements("1.34.4", PUBLISHED) == WANTED


def test_another_form_of_go_mod_is_not_taken_for_that():
    with pytest.raises(ValueError, match="another form"):
        versions.requirements("1.99.0", "module k8s.io/kubernetes\n\ngo 1.30.0\n")


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two minors beside the newest; nothing is built."""
    for minor in ("1.34", "1.35"):
        (tmp_path / "kube" / minor).mkdir(parents=True)
        (tmp_path / "kube" / minor / "go.mod").write_text(f"require (\n\tk8s.io/kubernetes v{minor}.4\n)\n")
        (tmp_path / "kube" / minor / "go.sum").write_text(f"hashes of {minor}\n")
    for file in (build.KUBERNETES / "go.mod", build.KUBERNETES / "go.sum", build.KUBERNETES / "main.go"):
        (tmp_path / "kube" / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(build, "SOURCES", tmp_path)
    monkeypatch.setattr(build, "KUBERNETES", tmp_path / "kube")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_newest_is_the_last_one(folders):
    assert kubernetes_minors() == ["1.34", "1.35", newest_kubernetes()]


def test_each_minor_is_a_program_of_its_own(folders):
    """Cached by what it is made from: the newest is not built again because another one is there."""
    cache = build.cache()
    cache.mkdir(parents=True)
    keys = {name: build.program(name).key for name in ("kube", "kube-1.34", "kube-1.35")}
    assert len(set(keys.values())) == 3
    for name, key in keys.items():
        (cache / f"{name}-{key}").touch()
        assert binary(name) == cache / f"{name}-{key}"


def test_the_key_is_that_of_code_versions_and_hashes(folders):
    files = [folders / "kube" / name for name in ("1.34/go.mod", "1.34/go.sum", "main.go")]
    digest = hashlib.sha256(f"{None}k8s.io/kubernetes".encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    assert build.program("kube-1.34").key == digest.hexdigest()[:12]


def test_a_minor_that_nobody_has_is_told_with_those_that_are_there(folders):
    with pytest.raises(BuildError, match=r"Kubernetes 1\.12: there are 1\.34, 1\.35, 1\.\d+"):
        binary("kube-1.12")


def test_the_newest_by_its_number_is_the_one_without(folders):
    assert build.program(f"kube-{newest_kubernetes()}") is PROGRAMS["kube"]


def test_no_test_builds_another_than_the_newest():
    assert not [name for name in PROGRAMS if name.startswith("kube-")]


@pytest.mark.parametrize(("shape", "program"), [(Shape(), "kube"), (Shape(kubernetes="1.34"), "kube-1.34")])
def test_a_cluster_runs_what_it_was_made_with(shape, program):
    assert shape.program == program


@pytest.mark.parametrize(("name", "way_out"), [("helm", "or newer, or helm 3.17 or newer$"), ("kwok", "or newer$")])
def test_without_go_the_way_out_is_told(tmp_path, monkeypatch, name, way_out):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(BuildError, match=f"{name} is built from its Go module: install Go 1.26 {way_out}"):
        binary(name)
