"""Health that nodes share: what this one finds out is told to all, and what others found out is taken over.

Nothing here is awaited by a request. While the store is away everything goes on with what this node knows; what it
finds out meanwhile waits in the board's outbox, the newest of each, and is told when the store is back.

A node that comes (back) subscribes first, then tells, then reads what is kept, so that it misses nothing between. What
it found out itself and what is still in force is kept again, in case the store has lost it. "Well again" is kept for
some minutes, for nodes that were cut off when it was said: it ends what they hold from hearsay, never what they found
out themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NoReturn, Protocol

import msgspec

from waypost.errors import StoreUnavailable
from waypost.ports import Clock
from waypost.routing.health.changes import Change
from waypost.stores.valkey.link import Note
from waypost.stores.valkey.messages import Message, Subject, decode, encode, kept_until, key_of, subject_of
from waypost.telemetry.logs import Log

#: Changes that are remembered, and that wait to be told, at most.
CHANGES_MOST: Final = 10_000
_AT_ONCE: Final = 100
_IN_A_ROW: Final = 32


class Board(Protocol):
    """What of a board of health is shared; see `HealthBoard`."""

    def export_changes(self) -> tuple[Change, ...]: ...

    def absorb(self, change: Change, now: float) -> None: ...


class Link(Protocol):
    """See `ValkeyLink`."""

    async def put(self, notes: list[Note]) -> None: ...

    async def keep(self, notes: list[Note]) -> None: ...

    async def kept(self) -> list[bytes]: ...

    async def ping(self) -> None: ...

    async def subscribe(self) -> None: ...

    async def hear(self) -> bytes: ...

    async def close(self) -> None: ...


class Pace(msgspec.Struct, frozen=True):
    """How often something is done, in seconds."""

    gather_s: float = 0.05
    """Between two messages to the store."""
    quiet_s: float = 5.0
    """After so long with nothing to tell, the store is asked whether it is still there."""
    again_s: float = 0.25
    """Before the first new try to connect; twice as long before each further one."""
    again_most_s: float = 10.0


class Counts:
    """Of changes, since the start."""

    __slots__ = ("dropped", "received", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        """And taken over."""
        self.dropped = 0
        """Malformed, too large, too many, or about what this node does not have."""


class SharedHealth:
    """One node's part in one store's namespace.

    `node`: 16 hexadecimal digits, of this process alone. `mark`: what address and credential a change's names stand for
    here; None when they stand for nothing. `open_link` raises StoreUnavailable.
    """

    def __init__(
        self,
        *,
        board: Board,
        open_link: Callable[[], Awaitable[Link]],
        namespace: str,
        node: str,
        mark: Callable[[Change], str | None],
        clock: Clock,
        log: Log,
        random: Callable[[], float],
        counts: Counts,
        pace: Pace | None = None,
    ) -> None:
        self._board = board
        self._open = open_link
        self._namespace = namespace
        self._node = node
        self._mark = mark
        self._clock = clock
        self._log = log
        self._random = random
        self._counts = counts
        self._pace = pace or Pace()
        self._wanted = asyncio.Event()
        self._failures = 0
        self._unsent: dict[Subject, Change] = {}
        self._found: dict[Subject, Change] = {}
        """What this node found out and is still in force."""
        self._heard: dict[Subject, Change] = {}
        """What others did."""
        self.connected = False

    def wake(self) -> None:
        """The board has found something out."""
        self._wanted.set()

    async def run(self) -> NoReturn:
        """Until cancelled."""
        while True:
            try:
                await self._take_part()
            except* StoreUnavailable as lost:
                self._lost(lost)
            longest = min(self._pace.again_most_s, self._pace.again_s * 2.0 ** min(self._failures - 1, 16))
            await asyncio.sleep(longest * (0.5 + 0.5 * self._random()))

    # --- while there is a link ------------------------------------------------------------------------------------

    async def _take_part(self) -> None:
        link = await self._open()
        try:
            await link.subscribe()
            await link.keep(self._notes(_in_force(self._found, self._clock.wall())))
            await self._tell(link)
            for data in await link.kept():
                self._take(data, kept=True)
            self._back()
            async with asyncio.TaskGroup() as both:
                both.create_task(self._tell_all(link))
                both.create_task(self._hear_all(link))
        finally:
            self.connected = False
            await link.close()

    async def _tell_all(self, link: Link) -> NoReturn:
        while True:
            try:
                async with asyncio.timeout(self._pace.quiet_s):
                    await self._wanted.wait()
            except TimeoutError:
                await link.ping()
                continue
            self._wanted.clear()
            await self._tell(link)
            await asyncio.sleep(self._pace.gather_s)

    async def _hear_all(self, link: Link) -> NoReturn:
        count = 0
        while True:
            self._take(await link.hear(), kept=False)
            count += 1
            if not count % _IN_A_ROW:
                await asyncio.sleep(0)  # others have their turn, however many there are

    async def _tell(self, link: Link) -> None:
        """What was found out since, and what could not be told before. It is forgotten once it was told."""
        for change in self._board.export_changes():
            subject = subject_of(change)
            for known in (self._unsent, self._found, self._heard):
                known.pop(subject, None)
            self._unsent[subject] = change
            if change.until:
                self._found[subject] = change
        self._counts.dropped += _trim(self._unsent)
        _trim(self._found)
        wall = self._clock.wall()
        while self._unsent:
            some = list(self._unsent.items())[:_AT_ONCE]
            notes = self._notes(change for _, change in some if not change.until or change.until > wall)
            if notes:
                await link.put(notes)
                self._counts.sent += len(notes)
            for subject, _ in some:
                del self._unsent[subject]

    def _notes(self, changes: Iterable[Change]) -> list[Note]:
        wall = self._clock.wall()
        notes: list[Note] = []
        for change in changes:
            mark = self._mark(change)
            data = None if mark is None else encode(Message(self._node, mark, change))
            if data is None:
                self._counts.dropped += 1
            else:
                notes.append(Note(key_of(self._namespace, change), data, kept_until(change, wall)))
        return notes

    # --- what others say ------------------------------------------------------------------------------------------

    def _take(self, data: bytes, *, kept: bool) -> None:
        message = decode(data, self._clock.wall())
        if message is None:
            self._counts.dropped += 1
            return
        if message.node == self._node:
            return
        change = message.change
        if self._mark(change) != message.mark:
            self._counts.dropped += 1
            return
        subject = subject_of(change)
        if kept and not change.until and subject not in self._heard:
            return
        if self._heard.get(subject) == change:
            return  # no news: who comes back reads some that are published to it as well
        if kept and subject in self._unsent:
            return  # there is something newer
        self._unsent.pop(subject, None)
        self._found.pop(subject, None)
        self._heard.pop(subject, None)
        if change.until:
            self._heard[subject] = change
            _trim(self._heard)
        self._board.absorb(change, self._clock.monotonic())
        self._counts.received += 1

    # --- what people are told -------------------------------------------------------------------------------------

    def _back(self) -> None:
        self.connected = True
        if self._failures:
            self._log.info("the shared store is back: health of targets is shared again")
        else:
            self._log.info("health of targets is shared", namespace=self._namespace)
        self._failures = 0

    def _lost(self, lost: BaseExceptionGroup[StoreUnavailable]) -> None:
        self._failures += 1
        if self._failures > 1:
            return
        reasons = [str(one) for one in lost.exceptions]
        self._log.warning(
            "the shared store is away: this node goes on with what it knows, and tries to connect",
            why=reasons[0],
        )


def _in_force(changes: dict[Subject, Change], wall: float) -> list[Change]:
    """Those that are; the others are forgotten."""
    for subject in [subject for subject, change in changes.items() if change.until <= wall]:
        del changes[subject]
    return list(changes.values())


def _trim(changes: dict[Subject, Change]) -> int:
    """The oldest go when there are too many. How many went."""
    over = max(0, len(changes) - CHANGES_MOST)
    for subject in list(changes)[:over] if over else ():
        del changes[subject]
    return over
