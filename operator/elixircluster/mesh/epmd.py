"""epmd, the port mapper: which port a node listens on, where it is not a fixed one.

It is asked on the port of ERL_EPMD_PORT in our own environment, or its usual one; what nodes have in theirs is not
known here, and must be the same. A node that has a port of its own, by `-erl_epmd_port` or by the kernel's
`erl_epmd_node_listen_port` (which OTP 25 does not know), registers that one, and is found like any other.
"""

from __future__ import annotations

import asyncio
import os

from elixircluster.mesh.failure import Failure, MeshError, Step
from elixircluster.mesh.tcp import connect

PORT = 4369
_PORT_PLEASE2 = b"z"
_PORT2 = b"w"


def own_port() -> int:
    """Where epmd itself listens."""
    return int(os.environ.get("ERL_EPMD_PORT") or PORT)


async def port_of(alive: str, address: str) -> int:
    """The port of the node whose name before the @ is `alive`. Raises `MeshError`; waits as long as it takes."""
    request = _PORT_PLEASE2 + alive.encode()
    stream = await connect(address, own_port(), Step.LOOKUP, "epmd at")
    reader, writer = await asyncio.open_connection(sock=stream)
    try:
        writer.write(len(request).to_bytes(2) + request)
        answer = await reader.readexactly(2)
        if answer[:1] != _PORT2:
            raise MeshError(Failure.PROTOCOL, "what listens on epmd's port is not epmd", Step.LOOKUP)
        if answer[1]:
            raise MeshError(Failure.NOT_ALIVE, f"epmd at {address} does not know {alive}", Step.LOOKUP)
        return int.from_bytes(await reader.readexactly(2))
    except (OSError, asyncio.IncompleteReadError):
        raise MeshError(Failure.PROTOCOL, "epmd ended the connection", Step.LOOKUP) from None
    finally:
        writer.transport.abort()
