"""A resource, its Secrets and pods in a real store, its nodes on this machine, and the meshes that look at them."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from contextlib import asynccontextmanager, suppress
from itertools import count
from tempfile import NamedTemporaryFile

from elixircluster.api.resource import API_VERSION, KIND, Key, parse
from elixircluster.kube.api import ApiError
from elixircluster.kube.kinds import CLUSTERS, PODS, SECRETS, STATEFUL_SETS
from elixircluster.mesh.terms import Atom
from elixircluster.meshes.meshes import Meshes
from elixircluster.observed.store import Store
from elixircluster.render.distribution import Distribution
from elixircluster.render.names import CLUSTER_LABEL, labels
from tests.beam import free_port
from tests.certificates import Authority
from tests.pretend import Pretend
from tests.unit.factory import NOW, UID, body, cluster

KEY = Key("default", "chat")
HOSTS = [f"chat-{ordinal}.chat-nodes.default.svc.cluster.local" for ordinal in (0, 1)]
OWNER = {"apiVersion": API_VERSION, "kind": KIND, "name": "chat", "uid": UID, "controller": True}
SET = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "chat", "uid": "uid-set"}


class Node(Pretend):
    """A node that has been up for long."""

    def __init__(self, world, ordinal, *said, **more):
        super().__init__(*said, **more)
        self.world, self.ordinal, self.up_seconds = world, ordinal, 100
        self.cookie = world.cookies.setdefault(ordinal, self.cookie)

    def answer(self, module, function, arguments):
        if function == "set_cookie":
            self.world.cookies[self.ordinal] = str(arguments[1])
            return Atom("true")
        if function == "get_status" and self.ordinal in self.world.booting:
            return (Atom("starting"), Atom("applications_loaded"))
        if function == "connect_node":
            self.world.asked_to_connect += [self.name]
        return super().answer(module, function, arguments)


class Secrets:
    """The API, as far as meshes know it: the Secrets that are there."""

    def __init__(self):
        self.there = {}
        self.read = []

    async def get(self, _kind, _namespace, name):
        self.read.append(name)
        return self.there.get(name)

    async def merge(self, _kind, _namespace, name, patch):
        before, metadata = self.there[name], patch["metadata"]
        if metadata["resourceVersion"] != before["metadata"]["resourceVersion"]:
            raise ApiError(409, {})
        annotations = {**before["metadata"].get("annotations", {}), **metadata.get("annotations", {})}
        version = str(int(before["metadata"]["resourceVersion"]) + 1)
        data = {key: value for key, value in {**before["data"], **patch["data"]}.items() if value is not None}
        meta = {**before["metadata"], "annotations": annotations, "resourceVersion": version}
        self.there[name] = {"metadata": meta, "data": data}
        return self.there[name]


class World:
    """One resource called chat. Its nodes listen on 127.0.1.ORDINAL."""

    def __init__(self, stack):
        self.stack = stack
        self.versions = count(100, 100)
        self.port = free_port()
        self.api, self.store, self.woken = Secrets(), Store(), []
        self.spec, self.generation, self.annotations = {}, 0, {}
        self.api.permit, self.leads, self.permits = self.permit, True, 0
        self.meshes = Meshes(self.api, self.store, self.woken.append, "us@here")
        self.servers, self.nodes, self.dialled, self.asked_to_connect = [], [], [], []
        self.cookies = {}
        self.booting = set()

    def permit(self):
        self.permits += 1
        if not self.leads:
            raise PermissionError("not leading")

    def version(self):
        return str(next(self.versions))

    def apply(self, **spec):
        """What the user wants now."""
        self.spec, self.generation = {"mesh": {"intervalSeconds": 1}, "replicas": 2, **spec}, self.generation + 1
        self.spec["distribution"] = {"port": self.port, **self.spec.get("distribution", {})}
        made = body(**self.spec)
        made["metadata"]["annotations"] = self.annotations
        self.see(CLUSTERS, made)
        metadata = {"name": "chat", "namespace": "default", "uid": SET["uid"], "ownerReferences": [OWNER]}
        self.see(STATEFUL_SETS, {"metadata": metadata, "spec": {"replicas": self.spec["replicas"]}})

    def make_anew(self):
        """Another resource of the same name, which has no children yet."""
        made = body(**self.spec)
        made["metadata"]["uid"] = "another"
        self.see(CLUSTERS, made)

    def see(self, kind, item):
        item["metadata"] |= {"resourceVersion": self.version(), "generation": self.generation}
        self.store.see(kind, item)

    @property
    def cluster(self):
        return parse(self.store.cluster(KEY))

    def secret(self, name, *, ours=True, **data):
        """A Secret with this data, of our making or not; without data it is taken away."""
        metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}"}
        encoded = {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}
        item = {"metadata": metadata, "data": encoded}
        if ours:
            metadata |= {"ownerReferences": [OWNER], "labels": labels(cluster())}
            self.see(SECRETS, item)
        if data:
            self.api.there[name] = item
        else:
            self.api.there.pop(name, None)

    def certificate(self, authority: Authority, name="chat-tls", **said):
        leaf = authority.leaf(*HOSTS)
        self.secret(name, ca_crt=authority.certificate, tls_crt=leaf.certificate, tls_key=leaf.key, **said)

    def name(self, ordinal):
        """What the node is called."""
        return Distribution.of(self.cluster).node(self.cluster, f"chat-{ordinal}", f"127.0.1.{ordinal}")

    def pod(self, ordinal, *, running=True, ready=True, made=None, restarts=0, **metadata):
        """A pod; `made` is the resource that it was made for, and so how it is annotated."""
        annotation = str(Distribution.of(made or self.cluster))
        state = {"running": {}} if running else {"waiting": {"reason": "CrashLoopBackOff"}}
        meta = {
            "name": f"chat-{ordinal}",
            "namespace": "default",
            "uid": f"uid-{ordinal}",
            "creationTimestamp": NOW,
            "labels": {CLUSTER_LABEL: "chat"},
            "annotations": {"elixircluster.dev/distribution": annotation},
            "ownerReferences": [{**SET, "controller": True}],
            **metadata,
        }
        status = {
            "podIP": f"127.0.1.{ordinal}",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "app", "state": state, "started": running, "restartCount": restarts}],
        }
        self.see(PODS, {"metadata": meta, "spec": {"containers": [{"name": "app"}]}, "status": status})

    async def node(self, ordinal, others=(), *, secure=None, **said):
        """A node that sees these others."""

        name, seen = self.name(ordinal), [self.name(other) for other in others]

        def connection():
            self.dialled.append(ordinal)
            made = Node(self, ordinal, name, seen, **said)
            made.width = 4 if secure else 2
            self.nodes.append(made)
            return made

        loop = asyncio.get_running_loop()
        server = await loop.create_server(connection, f"127.0.1.{ordinal}", self.port, ssl=secure)
        self.servers.append(server)

    async def pair(self, **said):
        """Two nodes that are connected, and their pods."""
        for ordinal, other in ((0, 1), (1, 0)):
            await self.node(ordinal, [other], **said)
            self.pod(ordinal)

    async def stop(self):
        """End all nodes."""
        for server in self.servers:
            server.close()
        for node in self.nodes:
            if node.transport:
                node.transport.abort()
        self.servers.clear()
        self.nodes.clear()

    def tell(self, *ready):
        """A reconcile."""
        self.meshes.tell(self.cluster, ready, ())

    @property
    def verdict(self):
        seen, _ = self.meshes.seen(KEY)
        return seen.verdict if seen else None

    async def until(self, check, seconds=5.0):
        deadline = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < deadline, self.verdict
            await asyncio.sleep(0.01)

    async def until_reason(self, reason):
        await self.until(lambda: self.verdict and self.verdict.reason == reason)


def server_context(authority: Authority) -> ssl.SSLContext:
    """A node's side of TLS, that wants a certificate from whoever connects."""
    leaf = authority.leaf(*HOSTS)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_verify_locations(cadata=authority.certificate)
    made.verify_mode = ssl.CERT_REQUIRED
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(leaf.certificate + leaf.key)
        file.flush()
        made.load_cert_chain(file.name)
    return made


@asynccontextmanager
async def looking(meshes):
    task = asyncio.create_task(meshes.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
