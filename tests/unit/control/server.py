"""An API server over HTTP that knows discovery, lists and watches, and fails when it is told to.

Only what kopf asks for: what the loop is given is proved on the bodies and the codes that a real server sends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter, defaultdict

from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from elixircluster.kube.api import Api, Kind
from elixircluster.kube.kinds import CLUSTERS, WATCHED
from elixircluster.render.names import CLUSTER_LABEL

# kopf waits for these two, whether it needs them or not.
DEFINITIONS = Kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
BACKBONE = (Kind("", "v1", "namespaces", "Namespace"), DEFINITIONS)
EXPIRED = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}


def body(kind, name, version, cluster=None):
    """An object, with as much in it as the store reads."""
    labels = {} if kind == CLUSTERS else {CLUSTER_LABEL: cluster or name}
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata | {"labels": labels}, "spec": {}}


class Server:
    """What it holds, by the path of the collection."""

    def __init__(self):
        self.objects = defaultdict(list)
        self.version = 1000
        self.kinds = [CLUSTERS, *WATCHED, *BACKBONE]
        self.refusals = defaultdict(list)
        self.headers = {}
        self.asked = Counter()
        self.tokens = []
        self.page = 500
        self.seconds = 0.0
        self.silent = set()
        self._streams = defaultdict(set)

    def put(self, kind, *bodies):
        """These are all that there are of a kind in all namespaces."""
        self.objects[kind.path(None)] = list(bodies)

    def tell(self, kind, event):
        """Send an event to those who watch."""
        for stream in self._streams[kind.path(None)]:
            stream.put_nowait(event)

    def close(self):
        """End all streams."""
        for stream in [stream for streams in self._streams.values() for stream in streams]:
            stream.put_nowait(None)

    async def handle(self, request):
        self.tokens.append(request.headers.get("Authorization"))
        what = "watch" if "watch" in request.query else "list"
        self.asked[what, request.path] += 1
        if request.path in self.silent:
            await asyncio.Event().wait()
        await asyncio.sleep(self.seconds if what == "list" else 0)
        if self.refusals[request.path]:
            code = self.refusals[request.path].pop(0)
            return web.json_response({"kind": "Status", "code": code}, status=code, headers=self.headers)
        if (found := self._discovery(request.path)) is not None:
            return web.json_response(found)
        if what == "watch":
            return await self._watch(request)
        return web.json_response(self._list(request)) if self._known(request.path) else web.Response(status=404)

    def _discovery(self, path):
        groups = {kind.group: kind.version for kind in self.kinds if kind.group}
        if path == "/api":
            return {"versions": ["v1"]}
        if path == "/apis":
            versions = [(group, {"version": version}) for group, version in groups.items()]
            return {"groups": [{"name": name, "versions": [one], "preferredVersion": one} for name, one in versions]}
        kinds = [kind for kind in self.kinds if path == f"/api{'s' if kind.group else ''}/{kind.api_version}"]
        verbs = ["get", "list", "watch", "patch"]
        told = [{"name": kind.plural, "singularName": "", "kind": kind.kind, "verbs": verbs} for kind in kinds]
        return {"resources": [{**one, "namespaced": True} for one in told]} if told else None

    def _known(self, path):
        return any(path == kind.path(None) for kind in self.kinds)

    def _list(self, request):
        objects, start = self.objects[request.path], int(request.query.get("continue", 0))
        metadata = {"resourceVersion": str(self.version)}
        if start + self.page < len(objects):
            metadata["continue"] = str(start + self.page)
        return {"kind": "List", "metadata": metadata, "items": objects[start : start + self.page]}

    async def _watch(self, request):
        response = web.StreamResponse()
        await response.prepare(request)
        events = asyncio.Queue()
        self._streams[request.path].add(events)
        try:
            while event := await events.get():
                await response.write(json.dumps(event).encode() + b"\n")
        finally:
            self._streams[request.path].discard(events)
        return response


@contextlib.asynccontextmanager
async def serving(server):
    """The server, and an Api in front of it."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    async with TestServer(application) as running:
        configuration = Configuration()
        configuration.host = str(running.make_url("")).rstrip("/")
        api = Api(ApiClient(configuration))
        try:
            yield api
        finally:
            await api.close()
            server.close()
