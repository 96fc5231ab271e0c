"""A TCP connection to an IP address: no name is looked up, and without an address nobody is dialled."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from elixircluster.mesh.failure import Failure, MeshError, Step


async def connect(address: str, port: int, step: Step = Step.CONNECT, what: str = "") -> socket.socket:
    """A connection, not looking at what listens there; `what` is told where it fails. Raises `MeshError`."""
    family = _family(address, step)
    stream = socket.socket(family, socket.SOCK_STREAM)
    try:
        stream.setblocking(False)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(stream, (address, port))
    except OSError as error:
        stream.close()
        raise MeshError.unconnected(error, f"{what} {address} port {port}".lstrip(), step) from None
    except BaseException:
        stream.close()
        raise
    return stream


def _family(address: str, step: Step) -> socket.AddressFamily:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise MeshError(Failure.REFUSED, f"{address or 'nothing'} is no IP address", step) from None
    if found.is_unspecified:
        # The system takes it for our own machine.
        raise MeshError(Failure.REFUSED, f"{address} is nobody's address", step)
    return socket.AF_INET6 if found.version == 6 else socket.AF_INET
