"""A resource that cannot be is told so, stalls itself, and nobody else."""

from __future__ import annotations

import pytest

from elixircluster.api.resource import MAX_NAME
from tests.integration.operator.bad_resources import NAMES, REFUSED, SECRETS, STALLED
from tests.integration.operator.client import IMAGE, RefusedError, eventually


@pytest.fixture(scope="module")
def neighbour(operator, shared):
    """A resource that is well, and stays so."""
    for name, value in SECRETS.items():
        shared.create("Secret", name, {"stringData": {"cookie": value}})
    shared.cluster("good", web={})
    shared.until("good")
    before = shared.get("ElixirCluster", "good"), shared.children("good")
    yield
    assert (shared.get("ElixirCluster", "good"), shared.children("good")) == before


@pytest.mark.usefixtures("neighbour")
@pytest.mark.parametrize(("spec", "said", "_"), REFUSED.values(), ids=REFUSED)
def test_the_api_server_refuses(shared, spec, said, _):
    body = {key: value for key, value in {"image": IMAGE, **spec}.items() if value is not None}
    with pytest.raises(RefusedError) as refused:
        shared.create("ElixirCluster", "bad", {"spec": body}, fieldValidation="Strict")
    assert said in refused.value.message


@pytest.mark.parametrize(("name", "said"), NAMES.values(), ids=NAMES)
def test_the_api_server_refuses_a_name(shared, name, said):
    with pytest.raises(RefusedError) as refused:
        shared.cluster(name)
    assert said in refused.value.message


@pytest.mark.usefixtures("neighbour")
@pytest.mark.parametrize("case", STALLED)
def test_the_operator_says_what_is_wrong_and_sees_when_it_is_right(shared, case):
    spec, said, reason = STALLED[case]
    name = f"bad-{[*STALLED].index(case)}"
    if reason == "NameTooLong":
        name = name.ljust(MAX_NAME, "x")
    shared.cluster(name, **spec)
    try:
        stalled = shared.until(name, "Stalled")
        assert stalled["reason"] == reason
        assert said in stalled["message"]
        assert "hunter2" not in str(shared.status(name))
        assert shared.condition(name, "Ready")["status"] == "False"
        if reason != "NameTooLong":
            shared.change(name, **dict.fromkeys(spec))
            shared.until(name)
    finally:
        shared.delete("ElixirCluster", name)


RENAMED = {
    "a name for the nodes": ({}, {"release": {"name": "other"}}),
    "another name for the nodes": ({"release": {"name": "one"}}, {"release": {"name": "two"}}),
    "no name for the nodes": ({"release": {"name": "one"}}, {"release": None}),
}


@pytest.mark.parametrize(("before", "after"), RENAMED.values(), ids=RENAMED)
def test_nodes_of_two_names_never_meet_so_that_renaming_them_cannot_roll(namespace, images, before, after):
    namespace.cluster("chat", image=images["chat"], imagePullPolicy="IfNotPresent", replicas=1, **before)
    namespace.until("chat", seconds=90)
    namespace.change("chat", **after)
    namespace.until("chat", "Stalled", reason="RecreateNeeded")


def test_a_change_that_cannot_be_is_not_reported_as_done(namespace):
    namespace.cluster("chat")
    namespace.until("chat")
    namespace.change("chat", sidecars=[{"name": "a", "image": "a", "nonsense": 1}])
    ready = eventually(lambda: namespace.condition("chat", "Ready"))
    assert ready["status"] == "False"
