"""Enforces NetworkPolicies: watches the API server and keeps the namespace's nftables as `policy` says."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from .layout import NETWORKS, Network
from .policy import ruleset
from .watch import Api, Mirror, connect, read_access

# Collects what comes together, and stays far below what a test would wait.
SETTLE_SECONDS = 0.02


class Enforcer:
    """Renders the whole world after every change, and applies it where it differs."""

    def __init__(self, api: Api, network: Network) -> None:
        self._network = network
        self._wake = asyncio.Event()
        self._applied = ""
        self._pods = Mirror(api, "/api/v1/pods", self._wake.set)
        self._namespaces = Mirror(api, "/api/v1/namespaces", self._wake.set)
        self._policies = Mirror(api, "/apis/networking.k8s.io/v1/networkpolicies", self._wake.set)

    async def run(self) -> None:
        mirrors = (self._pods, self._namespaces, self._policies)
        await asyncio.gather(self._enforce(mirrors), *(mirror.run() for mirror in mirrors))

    async def _enforce(self, mirrors: tuple[Mirror, ...]) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(SETTLE_SECONDS)
            self._wake.clear()
            if all(mirror.synced for mirror in mirrors):
                pods, namespaces, policies = (mirror.objects.values() for mirror in mirrors)
                await self._apply(ruleset(pods, namespaces, policies, self._network))

    async def _apply(self, rules: str) -> None:
        if rules == self._applied:
            return
        started = time.monotonic()
        nft = await asyncio.create_subprocess_exec("nft", "-f", "-", stdin=-1, stdout=-1, stderr=-2)
        output, _ = await nft.communicate(rules.encode())
        if nft.returncode:
            # The former rules are still in force: a transaction fails as a whole.
            print(f"nft: {output.decode()}\n{rules}", flush=True)
            await asyncio.sleep(0.5)
            self._wake.set()
            return
        self._applied = rules
        print(f"{len(rules)} bytes of rules in {time.monotonic() - started:.3f} s", flush=True)


async def main(kubeconfig: Path, family: str) -> None:
    async with connect(read_access(kubeconfig)) as api:
        await Enforcer(api, NETWORKS[family]).run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
