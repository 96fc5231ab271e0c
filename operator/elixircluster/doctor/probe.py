"""One look from inside a pod, by the Erlang of its own image (`probe.sh`, `probe.erl`): the question and the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.plain import plain_value
from elixircluster.plugin.resources import CONTAINER

LONGEST_SECONDS = 25.0
"""When a probe ends. It takes one or two, more where processors are scarce; it waits for the network four at most."""
KUBECTL_SECONDS = 30.0
RESTARTED_SECONDS = 12.0
"""For a container that has died before: where it does so again meanwhile, kubectl goes on waiting for it."""

UNTOLD = {"late", "crashed"}
"""In place of an answer that the probe did not wait for, or could not read: it says nothing of the cluster."""

Told = dict[str, Any]


class UnfitError(Exception):
    """The pod cannot be looked into; the message says why."""


@dataclass(frozen=True)
class Peer:
    """Another member, as a node must reach it. `host` is the part of `node` after the @."""

    pod: str
    address: str
    port: int
    node: str

    @property
    def host(self) -> str:
        """As the node's name has it."""
        return self.node.partition("@")[2]


@dataclass(frozen=True)
class Probe:
    """What was told, and by how many seconds the pod's clock is before ours, with how much of that may be the way."""

    told: Told
    offset: float = 0.0
    uncertainty: float = 0.0

    @property
    def flags(self) -> Mapping[str, Sequence[str]]:
        """The values of each flag of the node's real command line, in order."""
        return dict(self.told.get("flags") or {})

    @property
    def said(self) -> Told:
        """What the node itself answered; empty where it did not."""
        return self.each("node", "said")

    def part(self, *path: str) -> Told:
        """What is told there; empty where nothing is."""
        found: Any = self.told
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def each(self, *path: str) -> Told:
        """What is told there by pod or by host; empty also where it came too late as a whole."""
        found = self.part(*path)
        return {} if isinstance(found.get("error"), str) else found


def question(service: str, family: str, peers: Sequence[Peer], salt: str) -> str:
    """The Erlang term that the program reads first."""
    asked = ",".join(
        f"#{{pod=>{_string(peer.pod)},address=>{_string(peer.address)},port=>{peer.port},"
        f"host=>{_string(peer.host)},node=>{_string(peer.node)}}}"
        for peer in peers
    )
    return (
        f"#{{salt=>{_string(salt)},milliseconds=>{round(LONGEST_SECONDS * 1000)},service=>{_string(service)},"
        f"family=>{family},peers=>[{asked}]}}.\n"
    )


def look_into(kubectl: Kubectl, pod: str, asked: str, seconds: float) -> Told:
    """What the pod tells. Raises `UnfitError` where it cannot be asked, or does not answer in time."""
    command = ("exec", "-i", pod, "-c", CONTAINER, "--", "/bin/sh", "-c", _source("probe.sh"))
    try:
        said = kubectl.text(*command, given=asked + _source("probe.erl"), seconds=seconds)
    except KubectlError as error:
        raise UnfitError(error.message) from None
    return parse(said)


def parse(said: str) -> Told:
    """The last line that is an answer. Raises `UnfitError` where there is none."""
    for line in reversed(said.splitlines()):
        if line.startswith('{"doctor":'):
            try:
                told = dict(plain_value(json.loads(line)["doctor"]))
            except (ValueError, TypeError):
                break
            if "unfit" in told:
                raise UnfitError(told["unfit"])
            return told
    raise UnfitError("the image's Erlang did not answer")


def _source(name: str) -> str:
    return (files(__package__) / name).read_text()


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
