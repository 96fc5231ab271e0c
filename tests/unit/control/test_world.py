"""What is known of the world, whatever order the news comes in."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from elixircluster.api.resource import API_VERSION, KIND, Key
from elixircluster.control.kinds import CLUSTERS, CONFIG_MAPS, PODS, SECRETS, STATEFUL_SETS
from elixircluster.control.world import World, key_of, owner_uid, references, state_of
from elixircluster.render.names import CLUSTER_LABEL

CHAT = Key("default", "chat")


def meta(name, version, *, uid="u", owner="chat", label="chat", **more):
    reference = {"apiVersion": API_VERSION, "kind": KIND, "name": owner, "uid": f"uid-{owner}", "controller": True}
    return {
        "name": name,
        "namespace": "default",
        "uid": uid,
        "resourceVersion": str(version),
        **({"labels": {CLUSTER_LABEL: label}} if label else {}),
        **({"ownerReferences": [reference]} if owner else {}),
        **more,
    }


def cluster(version=10, **spec):
    return {"metadata": meta("chat", version, owner="", label=""), "spec": spec}


def config(version=10, **kwargs):
    return {"metadata": meta("chat-config", version, **kwargs), "data": {}}


def member(ordinal, version=10):
    return {"metadata": meta(f"chat-{ordinal}", version, owner=""), "spec": {}, "status": {}}


def test_a_resource_and_what_belongs_to_it_are_found_by_its_key():
    world = World()
    assert world.see(CLUSTERS, cluster()) == CHAT
    assert world.see(CONFIG_MAPS, config()) == CHAT
    assert world.see(PODS, member(1)) == CHAT
    assert world.see(PODS, member(0)) == CHAT
    assert world.keys() == [CHAT]
    assert world.cluster(CHAT) == cluster()
    assert set(world.children(CHAT)) == {("ConfigMap", "chat-config")}
    assert [pod.name for pod in world.pods(CHAT)] == ["chat-0", "chat-1"]


def test_what_is_not_known_is_nothing():
    world = World()
    assert world.cluster(CHAT) is None
    assert world.children(CHAT) == {}
    assert world.pods(CHAT) == []
    assert world.forget(CONFIG_MAPS, config()) is None


@pytest.mark.parametrize(("first", "second", "told"), [(9, 10, True), (10, 9, False), (10, 10, False), (99, 100, True)])
def test_the_newer_of_two_views_wins(first, second, told):
    world = World()
    world.see(CLUSTERS, cluster(first, image=str(first)))
    assert bool(world.see(CLUSTERS, cluster(second, image=str(second)))) is told
    assert world.cluster(CHAT)["spec"]["image"] == str(max(first, second))


def test_the_late_news_of_a_deletion_does_not_take_the_successor_away():
    world = World()
    world.see(CONFIG_MAPS, config(20, uid="second"))
    assert world.forget(CONFIG_MAPS, config(15, uid="first")) is None
    assert world.children(CHAT)["ConfigMap", "chat-config"].uid == "second"


def test_the_late_answer_to_a_write_does_not_bring_a_deleted_object_back():
    world = World()
    world.see(CONFIG_MAPS, config(10))
    assert world.forget(CONFIG_MAPS, config(12)) == CHAT
    assert world.see(CONFIG_MAPS, config(11)) is None
    assert world.children(CHAT) == {}
    assert world.see(CONFIG_MAPS, config(13)) == CHAT


def test_the_late_answer_to_a_write_does_not_bring_a_deleted_resource_back():
    world = World()
    world.see(CLUSTERS, cluster(10))
    world.forget(CLUSTERS, cluster(12))
    assert world.see(CLUSTERS, cluster(11)) is None
    assert world.keys() == []


OWNERS = {
    "a resource": (CLUSTERS, meta("chat", 1, owner="", label=""), CHAT),
    "a child": (CONFIG_MAPS, meta("x", 1), CHAT),
    "a child whose label was taken away": (CONFIG_MAPS, meta("x", 1, label=""), CHAT),
    "a child whose label was changed": (CONFIG_MAPS, meta("x", 1, label="other"), CHAT),
    "an object that claims to be a child": (CONFIG_MAPS, meta("x", 1, owner=""), CHAT),
    "an object of nobody": (CONFIG_MAPS, meta("x", 1, owner="", label=""), None),
    "no labels at all": (CONFIG_MAPS, {**meta("x", 1, owner=""), "labels": None}, None),
    "a pod": (PODS, meta("chat-0", 1, owner=""), CHAT),
}


@pytest.mark.parametrize(("kind", "metadata", "key"), OWNERS.values(), ids=OWNERS)
def test_an_object_concerns_its_owner(kind, metadata, key):
    assert key_of(kind, metadata) == key


OWNER = {"apiVersion": API_VERSION, "kind": KIND, "name": "chat", "uid": "u", "controller": True}
OWNER_REFERENCES = {
    "ours": ([OWNER], "u"),
    "an older version of ours": ([{**OWNER, "apiVersion": "elixircluster.dev/v1alpha0"}], "u"),
    "not the controller": ([{**OWNER, "controller": False}], ""),
    "another kind": ([{**OWNER, "kind": "Deployment"}], ""),
    "another group": ([{**OWNER, "apiVersion": "example.com/v1"}], ""),
    "one of several": ([{**OWNER, "kind": "X", "controller": False}, OWNER], "u"),
    "none": ([], ""),
    "null": (None, ""),
}


@pytest.mark.parametrize(("given", "uid"), OWNER_REFERENCES.values(), ids=OWNER_REFERENCES)
def test_the_owner_is_the_elixircluster_that_controls_the_object(given, uid):
    assert owner_uid({"ownerReferences": given}) == uid


SPECS = {
    "nothing": ({}, set()),
    "no spec": (None, set()),
    "the cookie": (
        {"distribution": {"cookie": {"secretRef": {"name": "c", "key": "k"}}}},
        {("Secret", "c")},
    ),
    "a variable": (
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
        {("Secret", "s")},
    ),
    "a variable of a ConfigMap": (
        {"env": [{"valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}]},
        {("ConfigMap", "m")},
    ),
    "all variables": (
        {"envFrom": [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "m"}}]},
        {("Secret", "s"), ("ConfigMap", "m")},
    ),
    "volumes": (
        {"volumes": [{"secret": {"secretName": "s"}}, {"configMap": {"name": "m"}}]},
        {("Secret", "s"), ("ConfigMap", "m")},
    ),
    "a sidecar's": (
        {"sidecars": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "s"}}}]}]},
        {("Secret", "s")},
    ),
    "odd values": ({"volumes": [{"secret": "s"}, {"configMap": {"name": 5}}, 7, None]}, set()),
}


@pytest.mark.parametrize(("spec", "found"), SPECS.values(), ids=SPECS)
def test_references_are_found_wherever_they_are(spec, found):
    assert set(references(spec)) == found


def test_referrers_follow_the_resource():
    world = World()
    secret = {"distribution": {"cookie": {"secretRef": {"name": "s"}}}}
    other = {"distribution": {"cookie": {"secretRef": {"name": "t"}}}}
    world.see(CLUSTERS, cluster(1, **secret))
    assert world.referrers("default", "Secret", "s") == [CHAT]
    assert world.referrers("other", "Secret", "s") == []
    assert world.referrers("default", "ConfigMap", "s") == []
    world.see(CLUSTERS, cluster(2, **other))
    assert world.referrers("default", "Secret", "s") == []
    assert world.referrers("default", "Secret", "t") == [CHAT]
    world.forget(CLUSTERS, cluster(3))
    assert world.referrers("default", "Secret", "t") == []


def test_a_status_is_not_a_change_and_everything_else_is():
    stateful_set = {"metadata": meta("chat", 1, generation=1), "spec": {}}
    before = state_of(stateful_set)
    assert state_of({**stateful_set, "metadata": meta("chat", 2, generation=1), "status": {"replicas": 1}}) == before
    assert state_of({**stateful_set, "metadata": meta("chat", 2, generation=2)}) != before
    assert state_of({**stateful_set, "metadata": meta("chat", 2, generation=1, label="x")}) != before
    assert state_of({**stateful_set, "metadata": meta("chat", 2, generation=1, annotations={"a": "b"})}) != before
    assert state_of({"metadata": meta("chat", 2)}) != state_of({"metadata": meta("chat", 1)})


def test_a_stateful_set_is_seen_with_what_its_status_says():
    world = World()
    body = {
        "metadata": meta("chat", 1, generation=1),
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 1, "updateRevision": "chat-1"},
    }
    world.see(STATEFUL_SETS, body)
    assert world.children(CHAT)["StatefulSet", "chat"].workload.revision == "chat-1"


KINDS = {"ElixirCluster": CLUSTERS, "ConfigMap": CONFIG_MAPS, "Secret": SECRETS, "Pod": PODS}
NAMES = {"ElixirCluster": "chat", "ConfigMap": "chat-config", "Secret": "chat-cookie", "Pod": "chat-0"}


class ReorderedNews(RuleBasedStateMachine):
    """The API server writes in order; each watch tells in order; answers to our writes come whenever they come."""

    def __init__(self):
        super().__init__()
        self.world = World()
        self.versions = itertools.count(95)
        self.stored = {}
        self.news = {kind: [] for kind in KINDS}
        self.answers = []

    @rule(kind=st.sampled_from(sorted(KINDS)), ours=st.booleans())
    def somebody_writes(self, kind, ours):
        version = next(self.versions)
        uid = self.stored[kind]["metadata"]["uid"] if kind in self.stored else f"uid-{version}"
        owner, label = ("", "") if kind == "ElixirCluster" else ("" if kind == "Pod" else "chat", "chat")
        body = {"metadata": meta(NAMES[kind], version, uid=uid, owner=owner, label=label), "spec": {}}
        self.stored[kind] = body
        self.news[kind].append(("MODIFIED", body))
        if ours:
            self.answers.append((kind, body))

    @rule(kind=st.sampled_from(sorted(KINDS)))
    def somebody_deletes(self, kind):
        if kind in self.stored:
            body = self.stored.pop(kind)
            last = {**body, "metadata": {**body["metadata"], "resourceVersion": str(next(self.versions))}}
            self.news[kind].append(("DELETED", last))

    @rule(kind=st.sampled_from(sorted(KINDS)))
    def a_watch_tells(self, kind):
        if self.news[kind]:
            self.tell(kind, *self.news[kind].pop(0))

    @rule(data=st.data())
    def an_answer_comes(self, data):
        if self.answers:
            kind, body = self.answers.pop(data.draw(st.integers(0, len(self.answers) - 1)))
            self.world.see(KINDS[kind], body)

    def tell(self, kind, event, body):
        (self.world.forget if event == "DELETED" else self.world.see)(KINDS[kind], body)

    def seen(self):
        found = {
            "ElixirCluster": (self.world.cluster(CHAT) or {}).get("metadata", {}).get("uid"),
            **{child.kind: child.uid for child in self.world.children(CHAT).values()},
            "Pod": next((pod.uid for pod in self.world.pods(CHAT)), None),
        }
        return {kind: uid for kind, uid in found.items() if uid}

    @invariant()
    def all_news_told_is_the_truth(self):
        if not any(self.news.values()):
            assert self.seen() == {kind: body["metadata"]["uid"] for kind, body in self.stored.items()}

    def teardown(self):
        for kind, body in self.answers:
            self.world.see(KINDS[kind], body)
        for kind, events in self.news.items():
            for event, body in events:
                self.tell(kind, event, body)
            events.clear()
        for kind, body in self.answers:
            self.world.see(KINDS[kind], body)
        self.all_news_told_is_the_truth()


TestReorderedNews = ReorderedNews.TestCase
TestReorderedNews.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
