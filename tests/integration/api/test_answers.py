"""`kubectl apply`, the operator and `elixircluster render` give the same answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elixircluster.api.resource import parse
from elixircluster.errors import Stalled
from tests.integration.operator.bad_resources import NAMES, REFUSED, STALLED
from tests.unit.factory import body

ROOT = Path(__file__).parents[3]
DISK = {"name": "a", "mountPath": "/a", "size": "1Gi"}


def ours(resource: dict[str, Any]) -> str:
    """What the operator says against a resource."""
    try:
        parse(resource)
    except Stalled as stalled:
        return stalled.message
    return ""


def test_the_definition_is_valid_and_its_rules_are_cheap_enough(judge):
    assert judge({"chat": body()}) == {"chat": []}


def test_what_is_refused_is_refused_by_both_and_the_rest_by_none(judge):
    objects = {name: body(**bad.spec) for name, bad in (REFUSED | STALLED).items()}
    answers = judge(objects)
    for name, resource in objects.items():
        assert bool(answers[name]) == bool(ours(resource)) == (name in REFUSED), name
        if name in REFUSED:
            assert any(REFUSED[name].said in said for said in answers[name]), name


def test_a_name_is_refused_by_both(judge):
    answers = judge({name: body(name) for name, _ in NAMES.values()})
    assert all(bool(said) == bool(ours(body(name))) for name, said in answers.items())


EXAMPLES = sorted([*(ROOT / "examples").glob("*.yaml"), *(ROOT / "tests/golden").glob("*[!n].yaml")])


def test_the_examples_are_taken(judge):
    bodies = (item for path in EXAMPLES for item in yaml.safe_load_all(path.read_text()))
    objects = {str(n): item for n, item in enumerate(bodies) if item["kind"] == "ElixirCluster"}
    assert len(objects) > 5
    assert not any(judge(objects).values())


CHANGES = {
    "a mount path": ({"storage": [DISK]}, {"storage": [{**DISK, "mountPath": "/b"}]}, True),
    "a larger disk": ({"storage": [DISK]}, {"storage": [{**DISK, "size": "2Gi"}]}, False),
    "another class": ({"storage": [DISK]}, {"storage": [{**DISK, "storageClassName": "b"}]}, False),
    "another disk": ({"storage": [DISK]}, {"storage": [{**DISK, "name": "b"}]}, False),
    "a disk more": ({}, {"storage": [DISK]}, False),
    "a disk less": ({"storage": [DISK]}, {}, False),
    "an empty list": ({}, {"storage": []}, True),
    "the nodes' name": ({"release": {"name": "a"}}, {"release": {"name": "b"}}, True),
}


@pytest.mark.parametrize(("before", "after", "taken"), CHANGES.values(), ids=CHANGES)
def test_what_cannot_change_is_refused(judge, before, after, taken):
    (said,) = judge({"chat": body(**after)}, {"chat": body(**before)}).values()
    assert bool(said) is not taken


TEXTS = st.sampled_from(["", "a", "A", "app", "tmp", "a b", "/tmp", "x/y", "-name", "ERL_FLAGS", "PORT", "8080", "é"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 70000) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=6,
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


PORT = st.sampled_from([0, 1, 4000, 4369, 6789, 65536, "4000", None])
METADATA = some(labels=st.dictionaries(TEXTS, TEXTS, max_size=2), annotations=st.dictionaries(TEXTS, TEXTS, max_size=2))
ENTRY = some(name=TEXTS, value=TEXTS, valueFrom=st.just({"fieldRef": {}}), mountPath=TEXTS, image=TEXTS)
LIST = st.lists(ENTRY, max_size=3)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "replicas": st.sampled_from([0, 3, 1001, "3", 1.5, None]),
    "runtime": st.sampled_from(["Mix", "Relx", "Erl", "x", None]),
    "release": some(name=st.sampled_from(["chat", "chat-eu", "a b", None]), args=st.lists(TEXTS, max_size=2)),
    "web": some(port=PORT) | st.none(),
    "distribution": some(
        port=PORT,
        epmd=st.sampled_from(["Enabled", "Disabled"]),
        tls=some(mode=st.sampled_from(["Secret", "SelfSigned", "CertManager"]), secretRef=some(name=TEXTS)),
    ),
    "discovery": some(strategy=st.sampled_from(["DNS", "None", "API"]), pollingIntervalSeconds=PORT),
    "vm": some(args=st.lists(TEXTS, max_size=3), schedulers=PORT),
    "env": LIST,
    "volumes": LIST,
    "volumeMounts": LIST,
    "sidecars": LIST,
    "imagePullSecrets": LIST,
    "storage": st.lists(some(name=TEXTS, mountPath=TEXTS, size=st.just("1Gi")), max_size=2),
    "files": st.dictionaries(TEXTS, TEXTS, max_size=2),
    "podMetadata": METADATA,
    "podTemplate": some(metadata=METADATA, spec=VALUES),
    "paused": VALUES,
    "resources": VALUES,
}
SPEC = st.sets(st.sampled_from(sorted(FIELDS)), max_size=3).flatmap(
    lambda names: st.fixed_dictionaries({name: FIELDS[name] for name in sorted(names)})
)


@given(st.lists(SPEC, min_size=50, max_size=50))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_written_both_give_the_same_answer(judge, specs):
    objects = {str(number): body(**spec) for number, spec in enumerate(specs)}
    for number, said in judge(objects).items():
        assert bool(said) == bool(ours(objects[number])), (objects[number]["spec"], said, ours(objects[number]))
