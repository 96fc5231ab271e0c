"""epmd, the port mapper: which port a node listens on, where it is not a fixed one."""

from __future__ import annotations

import asyncio
import os

from elixircluster.mesh.failure import Failure, MeshError, Step

PORT = 4369
_PORT_PLEASE2 = b"z"
_PORT2 = b"w"


async def port_of(alive: str, address: str) -> int:
    """The port of the node whose name before the @ is `alive`. Raises `MeshError`; waits as long as it takes."""
    port = int(os.environ.get("ERL_EPMD_PORT") or PORT)
    request = _PORT_PLEASE2 + alive.encode()
    try:
        reader, writer = await asyncio.open_connection(address, port)
    except OSError as error:
        raise MeshError.unconnected(error, f"epmd at {address} port {port}", Step.LOOKUP) from None
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
