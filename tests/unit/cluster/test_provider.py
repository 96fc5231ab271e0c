"""Which Kubernetes the tests run on, and what they may know of the others."""

import os
import stat

import pytest
import yaml

from tests.cluster import UnsupportedError, layout, provider
from tests.cluster.external import External
from tests.cluster.layout import Layout
from tests.cluster.provider import choose, known_names


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Run folders and programs of this test alone."""
    monkeypatch.setattr(layout, "RUN_ROOT", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(folder, name, status):
    file = folder / "bin" / name
    file.write_text(f"#!/bin/sh\nexit {status}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def kubeconfig(file, *names):
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": names[0],
        "clusters": [{"name": n, "cluster": {"server": f"https://{n}.invalid"}} for n in names],
        "users": [{"name": n, "user": {"token": n}} for n in names],
        "contexts": [{"name": n, "context": {"cluster": n, "user": n}} for n in names],
    }
    file.write_text(yaml.safe_dump(content))
    return str(file)


def test_a_kubeconfig_alone_names_no_cluster(elsewhere):
    program(elsewhere, "docker", 1)
    assert choose("x", {"KUBECONFIG": "/some/file"}).kind == "embedded"


def test_a_context_with_its_kubeconfig_comes_before_everything(elsewhere):
    program(elsewhere, "docker", 0)
    program(elsewhere, "kind", 0)
    environment = {"KUBECONFIG": "/some/file", "ELIXIRCLUSTER_TEST_CONTEXT": "mine"}
    assert choose("x", environment).kind == "external"


@pytest.mark.parametrize(("docker", "expected"), [(0, "kind"), (1, "embedded")])
def test_kind_is_taken_where_docker_answers(elsewhere, docker, expected):
    program(elsewhere, "docker", docker)
    program(elsewhere, "kind", 0)
    assert choose("x", {}).kind == expected


@pytest.mark.parametrize("maker", ["kind", "embedded"])
@pytest.mark.parametrize("state", ['{"dns_ttl": 30}', None], ids=["finished", "unfinished"])
def test_a_cluster_stays_with_what_began_to_make_it(elsewhere, maker, state):
    """An unfinished embedded one was taken for one of kind, and `down` left its processes."""
    program(elsewhere, "docker", 0)
    program(elsewhere, "kind", 0)
    made = Layout("x")
    made.run.mkdir()
    made.maker.write_text(maker)
    if state:
        made.state.write_text(state)
    assert choose("x", {}).kind == maker


def test_a_cluster_of_which_only_cgroups_are_left_was_embedded(elsewhere, monkeypatch):
    program(elsewhere, "docker", 0)
    program(elsewhere, "kind", 0)
    monkeypatch.setattr(provider, "cgroups", lambda path: [elsewhere / path.lstrip("/")])
    assert choose("x", {}).kind == "embedded"


@pytest.mark.parametrize(
    ("programs", "why"),
    [
        ({}, "kind is not on PATH"),
        ({"kind": 0}, "docker is not on PATH"),
        ({"kind": 0, "docker": 1}, "does not answer"),
    ],
)
def test_it_is_told_why_there_is_no_kind(elsewhere, monkeypatch, programs, why):
    monkeypatch.setenv("PATH", str(elsewhere / "bin"))
    for name, status in programs.items():
        program(elsewhere, name, status)
    assert why in provider.why_no_kind()


def test_only_the_named_context_is_taken_over(elsewhere):
    source = kubeconfig(elsewhere / "source", "production", "scratch")
    external = External("x", source, "scratch")
    external.up(dns_ttl=30)
    assert "production" not in external.kubeconfig.read_text()
    assert yaml.safe_load(external.kubeconfig.read_text())["current-context"] == "scratch"
    with pytest.raises(UnsupportedError):
        external.load([])
    external.down()
    assert not Layout("x").run.exists()


def test_no_version_is_chosen_of_a_cluster_that_is_there(elsewhere):
    with pytest.raises(UnsupportedError, match=r"1\.34 cannot be chosen"):
        External("x", kubeconfig(elsewhere / "source", "scratch"), "scratch").up(dns_ttl=30, kubernetes="1.34")


def test_an_unknown_context_is_an_error(elsewhere):
    source = kubeconfig(elsewhere / "source", "production")
    with pytest.raises(RuntimeError, match="'scratch'"):
        External("x", source, "scratch").up(dns_ttl=30)


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "-a", "a-", "x" * 21, ".."])
def test_a_name_that_could_be_a_path_is_refused(name):
    with pytest.raises(ValueError, match="cluster name"):
        Layout(name)


def test_somebody_elses_folder_is_not_one_of_our_clusters(elsewhere, monkeypatch):
    (elsewhere / "elixircluster-notes").mkdir()
    (elsewhere / "elixircluster-ours" / "pki").mkdir(parents=True)
    assert "notes" not in known_names()
    assert "ours" in known_names()
