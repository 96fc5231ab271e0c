"""What of one mesh is dialled again. What to dial is decided in `mesh.heal`; here it is done, and remembered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from elixircluster.mesh import calls, heal
from elixircluster.mesh.failure import MeshError
from elixircluster.mesh.graph import Link
from elixircluster.mesh.member import Member
from elixircluster.mesh.probe import Prober
from elixircluster.mesh.view import MeshView
from elixircluster.telemetry import metrics

logger = logging.getLogger(__name__)

REDIAL_SECONDS = 2.0
"""How long we wait for a node to connect with another over a way that is open. It tries on for seven seconds."""


class Healer:
    """Heals one mesh. `permit` raises where this process must not change anything."""

    def __init__(self, permit: Callable[[], None]) -> None:
        self._permit = permit
        self._history: heal.History = {}
        self.given_up: tuple[Link, ...] = ()
        """The links that were dialled often enough in vain."""
        self.advice = ""
        """What a person can do about links that do not heal."""

    def rest(self) -> None:
        """Links are not the operator's business, or none is missing."""
        self.given_up, self.advice = (), ""

    async def redial(self, seen: MeshView, prober: Prober, removing: Collection[str]) -> bool:
        """Dial what is due, but for pods in `removing`. Returns whether a link was made."""
        if not (seen.missing or seen.one_way or self._history):
            self.rest()
            return False
        now = asyncio.get_running_loop().time()
        by_node = {member.node: member for member in seen.members}
        plan = heal.plan(seen, self._history, now, {member.node for member in seen.members if member.pod in removing})
        ways = await _ways(plan, prober, by_node)
        self._history = heal.after(plan, ways, now)
        self.given_up, self.advice = plan.given_up, heal.advice(seen, plan)
        redials = heal.dialled(plan, ways)
        return any(await asyncio.gather(*(self._connect(prober, by_node, redial) for redial in redials)))

    async def _connect(self, prober: Prober, by_node: Mapping[str, Member], redial: heal.Redial) -> bool:
        self._permit()
        try:
            call = calls.connect_node(redial.target)
            connected = await prober.call(by_node[redial.source], call, REDIAL_SECONDS)
        except MeshError as error:
            connected, told = False, str(error)
        else:
            told = "connected" if connected else "it could not"
        metrics.redials.labels("connected" if connected else "failed").inc()
        logger.info("asked %s to connect with %s: %s", redial.source, redial.target, told)
        return connected


async def _ways(plan: heal.Plan, prober: Prober, by_node: Mapping[str, Member]) -> dict[heal.Redial, bool]:
    """Which of the ways that the plan needs are open; not those of which no node says it."""
    needed = [way for ways in plan.redials.values() for way in ways]
    found = await asyncio.gather(*(prober.reaches(by_node[way.source], by_node[way.target]) for way in needed))
    return {way: is_open for way, is_open in zip(needed, found, strict=True) if is_open is not None}
