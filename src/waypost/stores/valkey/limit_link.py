"""One node's connection to the server that counts limits, and the questions that are asked over it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from waypost.config.shared_store import SharedStore
from waypost.errors import StoreUnavailable
from waypost.stores.valkey.limit_script import (
    ALIVE_MS,
    PREFIX,
    SCRIPT,
    Correction,
    Wanted,
    parse_answer,
    place_of_node,
    render,
    render_call,
)
from waypost.stores.valkey.pipe import Pipe, Reply, open_pipe

#: A loop that was late itself reads what has come meanwhile before it gives up.
_GRACE_S: Final = 0.002


class Link:
    """Open until its first trouble. `node` names this connection, and no other one ever."""

    def __init__(self, store: SharedStore, node: str) -> None:
        self.node = node
        self.prefix = f"{PREFIX}{store.namespace}:"
        self.wait_s = store.limits_wait_s
        self.late = 0
        """Answers that nobody waits for any more, since they took too long, and that have not come."""
        self.pipe: Pipe
        self._over: asyncio.Future[StoreUnavailable] = asyncio.get_running_loop().create_future()

    def ended(self, reason: StoreUnavailable) -> None:
        """The connection is closed."""
        if not self._over.done():
            self._over.set_result(reason)

    async def enter(self, before: str) -> None:
        """Say that this node is alive, and no longer the one of the name it had `before`. Raises StoreUnavailable."""
        try:
            async with asyncio.timeout(ALIVE_MS / 5000):
                await self.pipe.ask(b"SCRIPT", b"LOAD", SCRIPT)
                await self.pipe.ask(b"SET", self._place, b"1", b"PX", b"%d" % ALIVE_MS)
                await self.pipe.ask(b"DEL", place_of_node(self.prefix, before))
        except TimeoutError:
            raise StoreUnavailable("it does not answer in time") from None

    async def beat(self, pause_s: float) -> None:
        """Wait, and say that this node is still alive. Raises StoreUnavailable when the connection is closed, or nobody
        answers, or others have taken this node for dead."""
        done, _ = await asyncio.wait((self._over,), timeout=pause_s)
        if done:
            raise self._over.result()
        try:
            async with asyncio.timeout(pause_s):
                alive = await self.pipe.ask(b"SET", self._place, b"1", b"PX", b"%d" % ALIVE_MS, b"XX")
        except TimeoutError:
            raise StoreUnavailable("it does not answer in time") from None
        if alive is None:
            raise StoreUnavailable("it had taken this node for dead")

    def correct(self, lines: Sequence[Correction]) -> None:
        """Nobody waits for it."""
        self.pipe.call(render_call("s", self.prefix, self.node, lines), self._corrected)

    def leave(self) -> None:
        """Close, and let others know."""
        self.pipe.call(render(b"DEL", self._place), _nothing)
        self.pipe.fail("no connection, or it was closed")

    def _corrected(self, reply: Reply) -> None:
        if isinstance(reply, StoreUnavailable):
            self.pipe.fail(str(reply))

    @property
    def _place(self) -> bytes:
        return place_of_node(self.prefix, self.node)


async def open_link(store: SharedStore, node: str) -> Link:
    """Raises StoreUnavailable."""
    link = Link(store, node)
    link.pipe = await open_pipe(store, link.ended)
    return link


class Question:
    """May a request be let in? `undo` is called where it may, and nobody waits for the answer any more."""

    __slots__ = ("_future", "_late", "_lines", "_link", "_timer", "_undo")

    def __init__(
        self,
        link: Link,
        lines: Sequence[Wanted],
        undo: Callable[[Link, Sequence[Wanted], Sequence[float]], None],
    ) -> None:
        self._link = link
        self._lines = lines
        self._undo = undo
        self._late = False
        loop = asyncio.get_running_loop()
        self._future: asyncio.Future[list[float] | None] = loop.create_future()
        self._timer = loop.call_later(link.wait_s, self._due)
        link.pipe.call(render_call("t", link.prefix, link.node, lines), self._answered)

    async def answer(self) -> list[float] | None:
        """As `parse_answer` has it; None when there is none in time."""
        try:
            return await self._future
        except asyncio.CancelledError:
            if self._future.done() and not self._future.cancelled():
                self._unwanted(self._future.result())
            raise
        finally:
            self._timer.cancel()

    def _answered(self, reply: Reply) -> None:
        told = parse_answer(reply, len(self._lines))
        if self._late:
            self._link.late -= 1
        if self._future.done():
            self._unwanted(told)
        else:
            self._future.set_result(told)
        if told is None:
            self._link.pipe.fail(
                str(reply) if isinstance(reply, StoreUnavailable) else "it speaks another protocol"
            )

    def _unwanted(self, told: Sequence[float] | None) -> None:
        if told is not None and not told[0]:
            self._undo(self._link, self._lines, told)

    def _due(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_GRACE_S, self._give_up)

    def _give_up(self) -> None:
        if not self._future.done():
            self._late = True
            self._link.late += 1
            self._future.set_result(None)


def _nothing(_: Reply) -> None:
    return None
