"""What can happen to one machine of several: it is cut off, hangs, or loses its power; and it comes back."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from . import processes
from .machine import Machine
from .state import UnsupportedError

if TYPE_CHECKING:
    from .embedded import Embedded


class Outage:
    """One machine's."""

    def __init__(self, provider: Embedded, machine: Machine) -> None:
        if machine.alone:
            raise UnsupportedError(f"{machine.name} is the only machine: lose one of several, of `up --nodes 3`")
        self._provider = provider
        self._machine = machine

    def cut(self) -> None:
        """Pull its cable: everything on it goes on, and nobody outside hears of it, not even a refusal."""
        network = self._machine.layout.network
        its = f"{{ {self._machine.address}, {self._machine.pods} }}"
        chains = {
            "prerouting": f"{network.word} saddr {its} drop",
            "forward": f"{network.word} daddr {its} drop",
            "output": f"{network.word} daddr {its} drop",
        }
        rules = "\n".join(
            f"chain {hook} {{ type filter hook {hook} priority -300; {rule}; }}" for hook, rule in chains.items()
        )
        self._nft(f"add {self._table}\ndelete {self._table}\n{self._table} {{\n{rules}\n}}")

    def kill(self) -> None:
        """Switch it off: what it had in memory is lost, and the others get no word of farewell."""
        self.cut()
        while found := self._inhabitants():
            processes.kill(found)
        processes.remove_cgroups(self._machine.cgroup)

    def freeze(self) -> None:
        """Stop every process on it; its kernel still answers for the connections that there are."""
        stopped: set[int] = set()
        while found := self._inhabitants() - stopped:
            self._signal(found, signal.SIGSTOP)
            stopped |= found

    def back(self) -> None:
        """End whatever happened to it: plug it in, let it go on, switch it on."""
        self._nft(f"add {self._table}\ndelete {self._table}")
        if found := self._inhabitants():
            self._signal(found, signal.SIGCONT)
        else:
            self._provider.boot(self._machine)

    @property
    def _table(self) -> str:
        return f"table inet elixircluster_outage_{self._machine.name}"

    def _inhabitants(self) -> set[int]:
        return processes.inhabitants(self._machine.layout, self._machine.holder, self._machine.cgroup)

    def _signal(self, pids: set[int], number: int) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _nft(self, script: str) -> None:
        """In the control plane's namespace, through which the machines reach each other."""
        subprocess.run(self._provider.inside(["nft", "-f", "-"]), input=script, text=True, check=True)
