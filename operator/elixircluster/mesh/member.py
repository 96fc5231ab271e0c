"""The values that looking and judging share: who is meant to be in the mesh, and what a node says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from elixircluster.mesh.boot import Boot
from elixircluster.mesh.failure import Failed


@dataclass(frozen=True)
class Member:
    """A pod that is meant to be in the mesh, and its BEAM node."""

    pod: str
    node: str
    address: str = ""
    """The pod's IP address; nothing is dialled without one."""
    port: int | None = None
    """Where the node listens; None asks epmd at `address`."""
    started: bool = True
    """Whether its startup probe has passed (`containerStatuses[].started`): what has not may still be booting."""
    ready: bool = True
    """Whether Kubernetes says so: a pod that is not ready, and where nothing listens, may be starting again."""
    leaving: bool = False
    """Whether it is on its way out: then nobody misses it, and nobody connects with it any more."""
    life: str = ""
    """Which pod it is, of all that had its name or its address: its uid, or what tells its runs apart as well. Of
    another one nothing that is known of this one holds, and no connection is kept."""
    machine: str = ""
    """What it runs on, where that is known."""
    lost: str = ""
    """Where that is said not to answer: who says so, as a sentence. The node may answer all the same."""


@dataclass(frozen=True)
class Answer:
    """What a node says: `sees` are all nodes that it is connected with but us, `hidden` those of them that hide."""

    sees: frozenset[str]
    hidden: frozenset[str] = frozenset()
    otp_release: str | None = None
    elixir_version: str | None = None
    uptime_seconds: float = field(default=0.0, compare=False)
    creation: int | None = None
    """Which run of the node it is: each start of its distribution has another number."""
    boot: Boot = Boot.BOOTED
    starting: tuple[str, ...] = ()
    """The applications that were being started, while it boots."""


Answers = Mapping[str, Answer | Failed]
"""By node name."""
