"""What links a release loses while DNS is away, and when they are back: with the operator healing, and only looking.

What is asked is the clustering library in the release. Ours is the chat example, whose own poller never disconnects;
`ELIXIRCLUSTER_RELEASE` names the folder of another one, with a Dockerfile: chat with `{:libcluster, "~> 3.5"}`, say.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.faults.client import Client
from tests.images.build import archive_of
from tests.images.catalogue import IMAGES, Image

from .bench import Bench, Report, resource
from .connect import NODES, connected, nodes

AWAY_SECONDS = 60
BACK_SECONDS = 60
EVERY_SECONDS = 0.25
LINKS = NODES * (NODES - 1)
CASES = [(strategy, heal) for strategy in ("DNS", "DNSSRV", "Static") for heal in ("Alert", "Reconnect")]


@dataclass
class Links:
    """How many links the nodes of one resource saw, at moments that count from when DNS went away."""

    name: str
    addresses: list[str]
    seen: list[tuple[float, int]] = field(default_factory=list)

    async def look(self, session: aiohttp.ClientSession, at: float) -> None:
        views = await asyncio.gather(*(nodes(session, address) for address in self.addresses))
        self.seen.append((at, sum(max(0, len(view) - 1) for view in views)))

    def story(self) -> str:
        """In words: what was lost, when, and for how long."""
        lost = [(at, count) for at, count in self.seen if count < LINKS]
        if not lost:
            return "no link lost"
        first, last = lost[0][0], lost[-1][0]
        after = [at for at, count in self.seen if at > last]
        end = f"all again after {after[0]:.0f} s" if after else "not all again at the end"
        return f"links lost after {first:.0f} s, at worst {min(count for _, count in lost)} of {LINKS} left; {end}"


async def run(bench: Bench) -> Report:
    folder = os.environ.get("ELIXIRCLUSTER_RELEASE")
    image = release(Path(folder)) if folder else IMAGES["chat"]
    bench.cluster.load(archive_of("release" if folder else "chat", image))
    result = Report()
    timeout = aiohttp.ClientTimeout(total=0.5)
    async with (
        bench.client() as client,
        bench.operator(client),
        bench.namespace(client, "dns-away") as namespace,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        watched = await asyncio.gather(*(start(client, session, namespace, image, *case) for case in CASES))
        began = time.monotonic()
        bench.cluster.fault.dns_stop()
        try:
            await watch(session, watched, began, AWAY_SECONDS)
        finally:
            bench.cluster.fault.dns_start()
        await watch(session, watched, began, AWAY_SECONDS + BACK_SECONDS)
    for (strategy, heal), links in zip(CASES, watched, strict=True):
        result.add(f"{strategy}, `mesh.heal: {heal}`", links.story())
    what = "of another release" if folder else "of the chat example, without a library"
    result.notes.append(
        f"{NODES} nodes {what}, looked at every {EVERY_SECONDS} s; discovery polls every 5 s. DNS was away from 0 to "
        f"{AWAY_SECONDS} s, and all was watched for {AWAY_SECONDS + BACK_SECONDS} s."
    )
    return result


def release(folder: Path) -> Image:
    """The image of a folder with a Dockerfile, made of everything in it."""
    inputs = tuple(sorted(path.name for path in folder.iterdir()))
    return Image("docker.io/library/release:1.0.0", folder, inputs)


async def start(
    client: Client, session: aiohttp.ClientSession, namespace: str, image: Image, strategy: str, heal: str
) -> Links:
    """A resource whose nodes are all connected."""
    name = f"{strategy}-{heal}".lower()
    mesh = {"intervalSeconds": 1, "heal": heal}
    spec = {"image": image.reference, "discovery": {"strategy": strategy}, "mesh": mesh, "scheduling": {}}
    await client.create(resource(name, namespace, release={"name": "chat"}, **spec))
    await connected(client, session, namespace, name)
    pods = await client.list("Pod", namespace, f"elixircluster.dev/cluster={name}")
    return Links(name, [pod["status"]["podIP"] for pod in pods])


async def watch(session: aiohttp.ClientSession, watched: list[Links], began: float, until: float) -> None:
    while (at := time.monotonic() - began) < until:
        await asyncio.gather(*(links.look(session, at) for links in watched))
        await asyncio.sleep(EVERY_SECONDS)
