"""What pods read of others' objects: what counts, who is woken, and what is never told."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from elixircluster.api.resource import Key
from elixircluster.control.contents import Following, followed, short_name
from elixircluster.kube.kinds import CLUSTERS
from elixircluster.observed.store import Store
from elixircluster.phase import Context
from tests.unit.factory import body, cluster, observed

SECRET = ("Secret", "s")
REFERS = {"envFrom": [{"secretRef": {"name": "s"}}]}


def secret(version, **data):
    coded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {"name": "s", "namespace": "default", "resourceVersion": version}, "data": coded}


class Api:
    def __init__(self, found):
        self.found, self.asked = found, 0

    async def get(self, *_):
        self.asked += 1
        return self.found


async def looked(store, api, name="chat", **spec):
    found = observed()
    context = Context(cluster(name, **(spec or REFERS)), found, lambda: found)
    return await Following(api, store).phase(context)


def known(*names):
    store = Store()
    for number, name in enumerate(names):
        resource = body(name, **REFERS)
        metadata = resource["metadata"] | {"uid": name, "resourceVersion": str(100 + number)}
        store.see(CLUSTERS, resource | {"metadata": metadata})
    return store


async def test_who_looks_before_the_news_takes_it_from_nobody():
    """The first to read the new Secret made its version known, and the watch's event was none for the second."""
    store = known("chat", "shop")
    store.references.see("default", SECRET, "1")
    await looked(store, Api(secret("2", MODE="b")))
    assert sorted(store.references.see("default", SECRET, "2")) == [Key("default", "chat"), Key("default", "shop")]


async def test_what_is_as_it_was_is_not_read_again():
    store, api = known("chat"), Api(secret("1", MODE="a"))
    found = (await looked(store, api)).facts.contents
    status = {"objects": [seen._asdict() for seen in found.seen]}
    context = Context(replace(cluster(**REFERS), status={"references": status}), observed(), observed)
    assert (await Following(api, store).phase(context)).facts.contents == found
    assert api.asked == 1


FOLLOWED = {
    "env": ({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "a"}}}]}, {SECRET: False}),
    "envFrom": (REFERS, {SECRET: False}),
    "optional": ({"envFrom": [{"secretRef": {"name": "s", "optional": True}}]}, {SECRET: True}),
    "optional here and needed there": (
        {"envFrom": [{"secretRef": {"name": "s", "optional": True}}, {"secretRef": {"name": "s"}}]},
        {SECRET: False},
    ),
    "a volume": ({"volumes": [{"name": "v", "configMap": {"name": "c"}}]}, {("ConfigMap", "c"): False}),
    "a projected volume": (
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}]},
        {SECRET: False},
    ),
    "an init container": (
        {"initContainers": [{"name": "i", "image": "i", "envFrom": [{"configMapRef": {"name": "c"}}]}]},
        {("ConfigMap", "c"): False},
    ),
    "a pull secret": ({"imagePullSecrets": [{"name": "s"}]}, {}),
    "the cookie": ({"distribution": {"cookie": {"secretKeyRef": {"name": "s", "key": "c"}}}}, {}),
    "our own cookie, by its name": ({"envFrom": [{"secretRef": {"name": "chat-cookie"}}]}, {}),
    "of the migration": ({"migration": {"command": ["m"], **REFERS}}, {}),
}


@pytest.mark.parametrize(("spec", "expected"), FOLLOWED.values(), ids=FOLLOWED)
def test_what_a_node_reads_at_its_start_is_followed(spec, expected):
    assert followed(cluster(**spec)) == expected


def test_the_short_name_of_a_secret_is_another_for_each_resource():
    """Nobody can make a table of what weak passwords look like."""
    said = secret("1", PASSWORD="weak")
    assert short_name("one", "Secret", said) != short_name("two", "Secret", said)
    assert short_name("one", "Secret", said) == short_name("one", "Secret", secret("2", PASSWORD="weak"))
