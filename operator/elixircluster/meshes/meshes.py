"""All meshes: what the reconcile tells and asks. When they are looked at is the scheduler's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence

import aiohttp

from elixircluster.api.resource import ElixirCluster, Key
from elixircluster.kube.api import Api
from elixircluster.mesh.connection import Identity
from elixircluster.mesh.graph import Link
from elixircluster.mesh.view import MeshView
from elixircluster.meshes.credentials import Credentials
from elixircluster.meshes.dialler import Dialler, Diallers
from elixircluster.meshes.farewell import Farewells
from elixircluster.meshes.mesh import Common, Mesh
from elixircluster.meshes.scheduler import Scheduler
from elixircluster.observed.pod import Pod
from elixircluster.observed.store import Store

logger = logging.getLogger(__name__)


class Meshes:
    """Every mesh, looked at every so many seconds; `wake` is for resources of which something changed.

    There is a mesh as long as a resource has nodes that may be asked. Without, it costs nothing.
    """

    def __init__(self, api: Api, store: Store, wake: Callable[[Key], None], name: str) -> None:
        self._store = store
        self._wake = wake
        credentials = Credentials(api, store)
        self._common = Common(Identity(name), credentials, api.permit)
        self._diallers = Diallers(f"rotation-{name}", credentials, self._common.turns)
        farewell = Diallers(f"farewell-{name}", credentials, self._common.turns)
        self.farewells = Farewells(farewell, credentials, store, api.permit, wake)
        self._scheduler = Scheduler(self._look)
        self._meshes: dict[Key, Mesh] = {}

    def tell(self, cluster: ElixirCluster, ready: Collection[str], removing: Collection[str]) -> None:
        """What every reconcile knows: the lives of the ready pods, and the names of those that are about to go.

        The next look comes at once where a pod has become ready, or the resource or one of its Secrets is another.
        """
        key = cluster.key
        if key in self._meshes:
            if self._meshes[key].told(cluster, ready, removing):
                self._scheduler.soon(key)
        elif cluster.spec.mesh.probe == "Enabled" and any(pod.address for pod in self._store.pods(key)):
            mesh = Mesh(cluster, self._common, lambda: self._scheduler.soon(key), lambda: self._wake(key))
            mesh.told(cluster, ready, removing)
            self._meshes[key] = mesh
            self._scheduler.soon(key)

    def seen(self, key: Key) -> tuple[MeshView | None, str]:
        """The mesh as it was last seen, and what a person can do about links that do not heal."""
        mesh = self._mesh(key)
        return (mesh.seen, mesh.advice) if mesh else (None, "")

    def given_up(self, key: Key) -> tuple[Link, ...]:
        """The links that were dialled often enough in vain."""
        mesh = self._mesh(key)
        return mesh.given_up if mesh else ()

    def refused(self, key: Key) -> bool:
        """Whether a node was last seen to have another cookie than the Secret."""
        mesh = self._mesh(key)
        return mesh is not None and mesh.refused

    def use_cookie(self, key: Key, cookie: str) -> None:
        """Dial with this cookie from now on."""
        if mesh := self._mesh(key):
            mesh.use_cookie(cookie)

    async def dialler(self, cluster: ElixirCluster, pods: Sequence[Pod]) -> Dialler:
        """Makes connections to the nodes in these pods, beside those of looking. Raises `NotAskableError`."""
        return await self._diallers.dialler(cluster, pods)

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            await self._scheduler.run()
        finally:
            self.farewells.close()
            for key in list(self._meshes):
                await self._forget(key)

    def _mesh(self, key: Key) -> Mesh | None:
        """That of the resource that has this name now: an earlier one's says nothing of it."""
        mesh, identity = self._meshes.get(key), self._store.identity(key)
        return mesh if mesh and identity and mesh.cluster.uid == identity[0] else None

    async def _look(self, key: Key) -> float | None:
        """Whatever goes wrong with one mesh, the next look is the next."""
        mesh = self._meshes.get(key)
        if mesh is None:
            return None
        try:
            pods = self._store.pods(key) if self._store.identity(key) else []
            pause = await mesh.look(pods)
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.info("cannot ask the nodes of %s: %s", key, error or type(error).__name__)
            pause = mesh.pause
        except Exception:
            logger.exception("look at the nodes of %s failed", key)
            pause = mesh.pause
        if pause is None:
            await self._forget(key)
        return pause

    async def _forget(self, key: Key) -> None:
        self.farewells.forget(key)
        if mesh := self._meshes.pop(key, None):
            await mesh.close()
