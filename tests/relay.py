"""Whoever answers at a member's address, and has no cookie: it passes what it is told on to a node of its choice.

Once that node has let it in as the one whose handshake it passed on, it speaks for itself.
"""

from __future__ import annotations

import asyncio

from elixircluster.mesh import messages
from elixircluster.mesh.member import Member
from elixircluster.mesh.terms import Atom, Pid, Ref, Term

ACKNOWLEDGEMENT = b"a"
ACKNOWLEDGEMENT_SIZE = 17


class Relay:
    """Answers for one node, and passes on to another."""

    def __init__(self, victim: Member, asks: tuple[str, str, list[Term]]) -> None:
        self.let_in = asyncio.Event()
        self.closed = asyncio.Event()
        self._victim = victim
        self._asks = asks
        self._server: asyncio.Server | None = None

    async def pretend_to_be(self, name: str) -> Member:
        """Listen, and be found where that node is expected."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        return Member("pod", name, "127.0.0.1", self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        if self._server:
            self._server.close()

    async def _pass_on(self, theirs: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        ours, words = await asyncio.open_connection(self._victim.address, self._victim.port)
        passing = asyncio.create_task(pump(theirs, words))
        answering = asyncio.create_task(self._until_let_in(ours, answers))
        try:
            # Until the node has let somebody in, or one of the two has hung up.
            await asyncio.wait({passing, answering}, return_when=asyncio.FIRST_COMPLETED)
            passing.cancel()
            answering.cancel()
            # In any case it says what it has to say. Whoever sent the handshake gets nothing of what comes of it.
            packet = request(*self._asks)
            words.write(len(packet).to_bytes(4) + packet)
            while await ours.read(4096):
                pass
        except ConnectionError:
            pass
        finally:
            words.close()
            answers.close()
            self.closed.set()

    async def _until_let_in(self, ours: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        """Pass on what the node answers, until its last word of the handshake, or until nobody listens any more."""
        said = b""
        while (data := await ours.read(4096)) and not answers.is_closing():
            answers.write(data)
            said += data
            while len(said) >= 2 and len(said) >= (end := 2 + int.from_bytes(said[:2])):
                packet, said = said[2:end], said[end:]
                if packet[:1] == ACKNOWLEDGEMENT and len(packet) == ACKNOWLEDGEMENT_SIZE:
                    self.let_in.set()
                    return


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass everything on as it comes."""
    while data := await source.read(4096):
        target.write(data)


def request(module: str, function: str, arguments: list[Term]) -> bytes:
    """A call as the one makes who was let in. Nobody waits for its answer."""
    caller = Pid(Atom("us@here"), 1, 0, 1)
    return messages.call(caller, Ref(Atom("us@here"), 1, (1, 0, 1)), messages.request(module, function, arguments))
