"""A watch: a list, then events; of one object in order, of several in any; late, merged, or lost in a gap.

kopf has a queue for each uid and hands on only the last of what comes together. After a gap it lists: what was deleted
in it is told by nobody, and can only be known by its absence.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from elixircluster.kube.api import Kind
from tests.fake.api import clone
from tests.fake.server import Change, Ref, Server, matches

Body = dict[str, Any]
Event = tuple[str, Body, int]
Handler = Callable[[str, Body], Awaitable[None]]
Take = Callable[[list[Body], str], Awaitable[None]]
Lister = Callable[[], Take]
"""Called when a list is asked for; what it returns, when the list is there, with its version."""


class Watch:
    """One kind's stream into one operator. It is given each event, and each list.

    `seen` is told of what arrives: an object, or that there is none, with the number of the change.
    """

    def __init__(
        self, server: Server, kind: Kind, selector: str, handler: Handler, lister: Lister, random: Random
    ) -> None:
        self._server = server
        self.kind = kind
        self._selector = selector
        self._handler = handler
        self._lister = lister
        self._random = random
        self._queues: dict[str, deque[Event]] = {}
        self._stream = 0
        self._open = False
        self._listed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.delays: tuple[float, ...] = (0.0,)
        self.seen: Callable[[Ref, Body | None, int], None] = lambda *_: None
        self.saw_all: Callable[[Kind, set[str], int], None] = lambda *_: None
        server.listeners.append(self._hear)

    @property
    def quiet(self) -> bool:
        """Nothing is on its way."""
        return self._listed and not any(self._queues.values()) and not self._tasks

    @property
    def begun(self) -> bool:
        """Whether the list has arrived."""
        return self._listed

    def open(self) -> None:
        """List, and hear from then on."""
        self._open = True
        items, version = self._server.listed(self.kind.kind, self._selector), str(self._server.version)
        number = self._server.written
        self._later(self._list, self._lister(), self._random.sample(items, len(items)), version, number)

    def gap(self, seconds: float) -> None:
        """The stream breaks: what was on its way is lost, and so is what happens until it is listed again."""
        self._stream += 1
        self._open = self._listed = False
        self._queues.clear()
        asyncio.get_running_loop().call_later(seconds, self._reopen, self._stream)

    def close(self) -> None:
        """The operator is gone."""
        self._stream += 1
        self._open = self._listed = False
        self._queues.clear()
        if self._hear in self._server.listeners:
            self._server.listeners.remove(self._hear)
        for task in self._tasks:
            task.cancel()

    def _reopen(self, stream: int) -> None:
        if stream == self._stream:
            self.open()

    def _later(self, call: Callable[..., None], *arguments: Any) -> None:
        """Some time later, if the stream is the same by then."""
        stream = self._stream

        def arrive() -> None:
            if stream == self._stream:
                call(*arguments)

        asyncio.get_running_loop().call_later(self._random.choice(self.delays), arrive)

    def _list(self, take: Take, items: list[Body], version: str, number: int) -> None:
        self._listed = True
        self._run(self._take(take, items, version, number))
        for uid in self._queues:
            self._later(self._deliver, uid)

    async def _take(self, take: Take, items: list[Body], version: str, number: int) -> None:
        """It is known when it is taken in, and no moment before."""
        for body in items:
            self.seen(Ref(self.kind.kind, body["metadata"]["name"]), body, number)
        self.saw_all(self.kind, {body["metadata"]["name"] for body in items}, number)
        await take(clone(items), version)

    def _hear(self, change: Change) -> None:
        if not self._open or not change.type or change.ref.kind != self.kind.kind:
            return
        before = change.before is not None and matches(self._selector, change.before)
        after = change.after is not None and matches(self._selector, change.after)
        if before or after:
            type_ = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
            self._push((type_, self._told(change, after), change.number))

    def _told(self, change: Change, after: bool) -> Body:
        """The object; one that the selector does not see any more as it was when it was seen, with the new version."""
        if after or change.after is None:
            return change.body
        assert change.before is not None
        version = change.after["metadata"]["resourceVersion"]
        return {**change.before, "metadata": {**change.before["metadata"], "resourceVersion": version}}

    def _push(self, event: Event) -> None:
        uid = event[1]["metadata"]["uid"]
        queue = self._queues.setdefault(uid, deque())
        queue.append(event)
        if len(queue) == 1 and self._listed:
            self._later(self._deliver, uid)

    def _deliver(self, uid: str) -> None:
        queue = self._queues[uid]
        if not queue:
            return
        merges = self._random.random() < 0.5
        event = queue.pop() if merges else queue.popleft()
        if merges:
            queue.clear()
        self._run(self._hand_on(event))
        if queue:
            self._later(self._deliver, uid)

    def _run(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hand_on(self, event: Event) -> None:
        type_, body, number = event
        ref = Ref(self.kind.kind, body["metadata"]["name"])
        self.seen(ref, None if type_ == "DELETED" else body, number)
        await self._handler(type_, clone(body))
