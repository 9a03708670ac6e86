"""The gateway's end of the ledger's writer process: starts it, starts it again, and knows how far it is.

Settling costs the event loop nothing here but a comparison: the writer reads the intents files by itself, and is woken
only when it sleeps. Nothing that was settled is ever lost with the writer: the files have it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Final, Protocol

import msgspec

from waypost.core.record import Exchange
from waypost.errors import StoreUnavailable
from waypost.ledger.intents import Intents, Pins
from waypost.ledger.link import Link
from waypost.ledger.messages import (
    Applied,
    Ask,
    Carry,
    Drop,
    FromWriter,
    Hurry,
    Posted,
    Taken,
    Wake,
    render,
)
from waypost.ports import Clock

_PAUSE_FIRST_S: Final = 0.05
_PAUSE_MAX_S: Final = 5.0
#: A single odd record must not stop everything; many mean that something is wrong with the database.
_STUCK_MAX: Final = 100
#: How long a writer that was told to end may take for it: longer than it waits for a locked database.
_END_S: Final = 10.0


class Posting(Protocol):
    """A running writer."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end. False when it has not ended in time."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


Launch = Callable[[socket.socket], Posting]
"""Starts a writer that is given its end of the link. Raises OSError and StoreUnavailable."""


class _Carried(msgspec.Struct, frozen=True):
    exchange: Exchange
    pins: Pins | None
    """None: the record is in the files, and only its content was carried."""


class Writer:
    """Owns the process. It belongs to the event loop's thread; `start` needs a running loop.

    `unready_after_s` and `backlog_max` say when a database that does not keep up makes the ledger unready. `told` is
    called with a sentence whenever a writer has ended that was not asked to.
    """

    def __init__(
        self,
        intents: Intents,
        launch: Launch,
        *,
        clock: Clock,
        unready_after_s: float = 10.0,
        backlog_max: int = 100_000,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._intents = intents
        self._launch = launch
        self._clock = clock
        self._unready_after_s = unready_after_s
        self._backlog_max = backlog_max
        self._told = told
        self._numbers = count(1)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._link: Link | None = None
        self._posting: Posting | None = None
        self._again: asyncio.TimerHandle | None = None
        self._pause_s = _PAUSE_FIRST_S
        self._asks: dict[int, asyncio.Future[dict[str, int]]] = {}
        self._carried: dict[int, _Carried] = {}
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._applied = 0
        self._unfiled = 0
        self._refused = 0
        self._set_aside = 0
        self._idle = False
        self._woken_for = -1
        self._stopping = False
        self._failing_since: float | None = None
        self._fault: str | None = None
        self.starts = 0
        """How often a writer was started: one more for each that died."""

    # --- what the ledger asks ---------------------------------------------------------------------------------

    @property
    def fault(self) -> str | None:
        """None, or why the journal is too far behind to take new work."""
        if self._fault is not None:
            return self._fault
        # `backlog` without a frame of its own: each request asks.
        behind = self._intents.settled_count - self._applied + self._unfiled
        if behind + self._set_aside + self._refused <= self._backlog_max:
            return None
        return f"{self.backlog} settled records wait for the database. Check its load and its disk."

    @property
    def backlog(self) -> int:
        """Settled exchanges that the database does not have yet."""
        behind = self._intents.settled_count - self._applied + self._unfiled
        return behind + self._set_aside + self._refused

    @property
    def fullness(self) -> float:
        """The backlog in parts of the one with which nothing new is taken."""
        return self.backlog / self._backlog_max

    @property
    def stuck(self) -> int:
        """Settled exchanges that the database refuses; the next start meets them again, if a file has them."""
        return self._set_aside + self._refused

    def start(self) -> None:
        """Start the process. Raises StoreUnavailable when it can not be started."""
        self._loop = asyncio.get_running_loop()
        try:
            self._begin()
        except OSError as error:
            raise StoreUnavailable(f"The ledger's writer can not be started ({error.strerror}).") from None

    def nudge(self) -> None:
        """A settled record is in the files: see that it is posted. Never blocks."""
        if self._idle:
            self._wake()

    def carry(self, exchange: Exchange, pins: Pins | None) -> None:
        """Post an exchange that is not in the files as a whole; `pins` are let go once it is, None when only its
        content is missing there. Never blocks."""
        number = next(self._numbers)
        carried = _Carried(exchange, pins)
        if pins is not None:
            self._unfiled += 1
        self._carried[number] = carried
        self._send_carried(number, carried)

    def ask_posted(self, account_ids: Sequence[str]) -> asyncio.Future[dict[str, int]]:
        """What the journal has posted to each account, everything settled so far included. The future may be shared;
        its exception is StoreUnavailable."""
        answer: asyncio.Future[dict[str, int]] = asyncio.get_running_loop().create_future()
        if self._link is None:
            answer.set_exception(self._gone())
            return answer
        number = next(self._numbers)
        self._asks[number] = answer
        self._link.send(render(Ask(number, tuple(account_ids))))
        return answer

    async def posted(self, account_ids: Sequence[str]) -> dict[str, int]:
        """`ask_posted`, waited for. Raises StoreUnavailable."""
        return await self.ask_posted(account_ids)

    async def flush(self) -> None:
        """Wait until the journal has everything that was settled so far, however long that takes."""
        if self._reached(self._intents.settled_count):
            return
        flushed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flushes.append((self._intents.settled_count, flushed))
        if self._link is not None:
            self._link.send(render(Hurry()))
        await flushed

    async def stop(self, timeout_s: float) -> int:
        """Have everything posted, waiting at most `timeout_s`, seal the files and end the process. Returns how many
        records are left: the next start posts those that are in the intents files."""
        with suppress(TimeoutError):  # what is left then is the answer
            await asyncio.wait_for(self.flush(), timeout_s)
        self._stopping = True
        left = self.backlog
        if self._again is not None:
            self._again.cancel()
        self._intents.close()
        self._release()
        if self._link is not None:
            await self._link.close()
            self._link = None
        self._give_up()
        posting, self._posting = self._posting, None
        if posting is not None:
            loop = asyncio.get_running_loop()
            if not await loop.run_in_executor(None, posting.wait, _END_S):
                posting.kill()
                await loop.run_in_executor(None, posting.wait, _END_S)
        return left

    # --- the process ------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        loop = self._loop
        assert loop is not None  # noqa: S101 - `start` set it
        ours, theirs = socket.socketpair()
        try:
            self._posting = self._launch(theirs)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self.starts += 1
        self._woken_for = -1
        self._set_aside = 0
        self._link = Link(loop, ours, self._heard, self._lost)
        for number, carried in tuple(self._carried.items()):
            self._send_carried(number, carried)
        for name in self._intents.left_over():
            self._link.send(render(Drop(name)))

    def _lost(self) -> None:
        """The writer's end is closed: it has died. What it had not answered is not answered by another one."""
        self._link = None
        self._idle = False
        self._fault = "The ledger's writer has ended and is being started again; nothing settled is lost."
        self._give_up()
        if not self._stopping and self._loop is not None:
            self._told(self._fault)
            self._again = self._loop.call_later(self._pause_s, self._restart)
            self._pause_s = min(self._pause_s * 2, _PAUSE_MAX_S)

    def _restart(self) -> None:
        posting = self._posting
        if posting is not None and not posting.wait(0.0):
            posting.kill()  # it closed its link and lives: two writers must never be
        else:
            with suppress(OSError, StoreUnavailable):  # tried again below; `fault` says so meanwhile
                self._begin()
                return
        assert self._loop is not None  # noqa: S101 - `start` set it
        self._again = self._loop.call_later(self._pause_s, self._restart)

    def _give_up(self) -> None:
        asks, self._asks = self._asks, {}
        for answer in asks.values():
            if not answer.done():
                answer.set_exception(self._gone())

    def _gone(self) -> StoreUnavailable:
        return StoreUnavailable(
            "The ledger's writer is not there at the moment. Try again.", retry_after_s=1.0
        )

    # --- what it says -----------------------------------------------------------------------------------------

    def _heard(self, message: FromWriter) -> None:
        if isinstance(message, Applied):
            self._progress(message)
        elif isinstance(message, Posted):
            answer = self._asks.pop(message.number, None)
            if answer is not None and not answer.done():
                if message.accounts is None:
                    answer.set_exception(StoreUnavailable(message.fault, retry_after_s=1.0))
                else:
                    answer.set_result(message.accounts)
        elif isinstance(message, Taken):
            self._taken(message)
        else:
            self._told(f"The ledger's writer ends by a fault: {message.reason}")

    def _progress(self, said: Applied) -> None:
        applied = self._intents.position(said.segment, said.handled)
        if applied is not None and applied > self._applied:
            self._applied = applied
        self._set_aside = said.stuck
        self._idle = said.idle
        self._judge(said.failing)
        if not said.failing:
            self._pause_s = _PAUSE_FIRST_S
        self._release()
        settled = self._intents.settled_count
        if self._idle and self._applied < settled != self._woken_for:
            self._wake()
        self._end_flushes()

    def _taken(self, said: Taken) -> None:
        carried = self._carried.pop(said.number, None)
        if carried is None:
            return
        if carried.pins is not None:
            self._unfiled -= 1
            if said.refused:
                self._refused += 1  # its marks are kept, so that the next start settles it at an estimate
            else:
                self._intents.let_go(carried.pins)
        self._end_flushes()

    def _wake(self) -> None:
        if self._link is not None:
            self._idle = False
            self._woken_for = self._intents.settled_count
            self._link.send(render(Wake()))

    def _send_carried(self, number: int, carried: _Carried) -> None:
        try:
            data = render(Carry(number, carried.exchange))
        except OverflowError:  # a number that no store can hold: the writer could not post it either
            self._taken(Taken(number, refused=True))
            return
        if self._link is not None:
            self._link.send(data)

    def _release(self) -> None:
        for segment in self._intents.unneeded(self._applied):
            if self._link is not None:
                self._link.send(render(Drop(segment.name)))

    def _reached(self, settled: int) -> bool:
        return self._applied >= settled and not self._carried

    def _end_flushes(self) -> None:
        waiting = self._flushes
        if waiting:
            self._flushes = [pair for pair in waiting if not self._reached(pair[0])]
            for wanted, flushed in waiting:
                if self._reached(wanted) and not flushed.done():
                    flushed.set_result(None)

    def _judge(self, failing: bool) -> None:
        now = self._clock.monotonic()
        if not failing:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = now
        if self.stuck > _STUCK_MAX:
            self._fault = (
                f"The database refuses {self.stuck} settled record(s), which are kept in the intents files. "
                "Check the database, then restart the gateway."
            )
        elif self._failing_since is not None and now - self._failing_since >= self._unready_after_s:
            self._fault = (
                "The database does not take settled records. Check it and its disk; posting goes on alone."
            )
        else:
            self._fault = None
