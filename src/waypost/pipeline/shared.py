"""An answer that several requests get while it is made: what its first client is told goes to all of them, also in
another process (`retelling.py`)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from waypost.core.record import Outcome
from waypost.core.replay import Claim, Replay
from waypost.pipeline.exchange import Failing, LiveExchange
from waypost.pipeline.headers import Headers, told_again
from waypost.ports import Client

#: Bytes of an answer up to which others can join it: they get it from its beginning, so so much of it is held.
JOINABLE_BYTES = 16 * 1024 * 1024


class Listener:
    """One who gets the answer too: the pieces that it was not given yet."""

    __slots__ = ("_event", "_pieces")

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = deque(pieces)
        self._event = asyncio.Event()

    def add(self, piece: bytes) -> None:
        """One more piece."""
        self._pieces.append(piece)
        self._event.set()

    def wake(self) -> None:
        """Something else has happened to the answer."""
        self._event.set()

    def take(self) -> bytes:
        """All that has come; b"" when there is nothing new."""
        piece = b"".join(self._pieces)
        self._pieces.clear()
        return piece

    async def heard(self) -> None:
        """Wait for news since the last wait."""
        await self._event.wait()
        self._event.clear()


class Maker(Protocol):
    """Where an answer is made, as far as those who wait for it matter there."""

    def stay(self) -> None:
        """Somebody waits again."""
        ...

    def deserted(self) -> None:
        """Perhaps nobody waits any more."""
        ...


class Shared:
    """An answer for one idempotency key, from before it is begun until its exchange is over."""

    __slots__ = (
        "_ended",
        "_joinable",
        "_leader",
        "_listeners",
        "_pieces",
        "_size",
        "claim",
        "complete",
        "error",
        "fingerprint",
        "finish_reason",
        "headers",
        "maker",
        "original",
        "outcome",
        "over",
        "scope",
        "status",
        "streamed",
    )

    def __init__(self, scope: tuple[str, bytes], fingerprint: bytes, leader: LiveExchange) -> None:
        self.scope = scope
        self.fingerprint = fingerprint
        #: The exchange that made it.
        self.original = leader.call.exchange_id
        self.maker: Maker | None = None
        #: Keeps other processes from making it too.
        self.claim: Claim | None = None
        self.status = 0
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self.streamed = False
        #: Nothing more will come.
        self.over = False
        #: It was told to its end; an error in a stream is an end.
        self.complete = False
        self.outcome: Outcome = "ok"
        self.error: str | None = None
        self.finish_reason: str | None = None
        self._leader: LiveExchange | None = leader
        self._listeners: set[Listener] = set()
        self._pieces: list[bytes] = []
        self._size = 0
        self._joinable = True
        self._ended = asyncio.Event()

    # --- for those who want it too ---

    @property
    def awaited(self) -> bool:
        """Somebody beside the first client waits for it."""
        return bool(self._listeners)

    @property
    def dying(self) -> bool:
        """Its exchange is being ended from outside: what it is told from here on is for nobody else."""
        return not self.over and self._leader is not None and self._leader.aborted is not None

    @property
    def failing(self) -> Failing | None:
        """What writes an error into the stream that has begun."""
        return None if self._leader is None else self._leader.relay

    def attach(self) -> Listener | None:
        """Get it from its beginning. None: it is too long for that by now."""
        if not self._joinable:
            return None
        listener = Listener(self._pieces)
        self._listeners.add(listener)
        if self.maker is not None:
            self.maker.stay()
        return listener

    def detach(self, listener: Listener) -> None:
        """This one has all of it, or has left."""
        self._listeners.discard(listener)
        if not self._listeners and not self.over and self.maker is not None:
            self.maker.deserted()

    async def wait(self) -> None:
        """Until it is over."""
        await self._ended.wait()

    # --- for the one who makes it ---

    def begin(self, status: int, headers: Headers, *, streamed: bool) -> None:
        """Its head."""
        self.begin_as(status, told_again(headers), streamed=streamed)

    def add(self, piece: bytes) -> None:
        """More of its body."""
        self._size += len(piece)
        if self._joinable:
            self._pieces.append(piece)
            if self._size > JOINABLE_BYTES:
                self._joinable = False
                self._pieces.clear()
        for listener in self._listeners:
            listener.add(piece)

    def whole(self) -> bytes | None:
        """All of the body; None when it is too long to be held."""
        return b"".join(self._pieces) if self._joinable else None

    def finish(self, live: LiveExchange) -> None:
        """It was told to its end, and this is what became of it."""
        # That its first client has left says nothing of the others.
        self.finish_as("ok" if live.error is None else live.outcome, live.error, live.finish_reason)

    # --- for who hears of it from elsewhere ---

    @property
    def here(self) -> bool:
        """It is made in this process."""
        return self._leader is not None

    def made_elsewhere(self, exchange_id: str, maker: Maker) -> None:
        """Another process makes it."""
        self.original, self.maker, self._leader = exchange_id, maker, None

    def begin_as(self, status: int, headers: tuple[tuple[bytes, bytes], ...], *, streamed: bool) -> None:
        """Its head, with the headers that are told again."""
        self.status, self.headers, self.streamed = status, headers, streamed
        self._wake()

    def finish_as(self, outcome: Outcome, error: str | None, finish_reason: str | None) -> None:
        """It was told to its end, and this is what became of it."""
        self.complete = True
        self.outcome, self.error, self.finish_reason = outcome, error, finish_reason
        self.end()

    def fill(self, replay: Replay) -> None:
        """It was made before, and is kept."""
        self.original, self.streamed, self.complete = replay.exchange_id, replay.streamed, True
        self.status, self.headers = replay.status, replay.headers
        self._leader = None
        self.add(replay.body)
        self._joinable = True
        self._pieces = [replay.body]

    def end(self) -> None:
        """Nothing more will come. Idempotent."""
        self.over = True
        self._ended.set()
        self._wake()

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.wake()


class Recorder:
    """The client of an exchange whose answer others may share. As `ports.Client`; it is gone only when nobody at all
    waits any more."""

    __slots__ = ("_call", "_client", "_keep", "_kept", "_live", "_shared")

    def __init__(
        self,
        client: Client,
        live: LiveExchange,
        shared: Shared,
        keep: Callable[[LiveExchange, Shared], Awaitable[None]],
    ) -> None:
        """`keep` is called once with a complete answer, before the last of it goes to anybody."""
        self._client = client
        self._live = live
        self._shared = shared
        self._keep = keep
        self._kept = False
        self._call: Callable[[], None] | None = None
        shared.maker = self

    @property
    def gone(self) -> bool:
        """See `ports.Client`."""
        return self._client.gone and not self._shared.awaited

    def on_gone(self, call: Callable[[], None]) -> None:
        """See `ports.Client`. Called again each time that the last one leaves."""
        self._call = call
        self._client.on_gone(self.deserted)

    def deserted(self) -> None:
        """Tell, if nobody is left."""
        if self._call is not None and self.gone:
            self._call()

    def stay(self) -> None:
        """Somebody waits again: an end that was set for want of a client is off."""
        limit = self._live.drain_limit
        if limit is not None:
            limit.cancel()
            self._live.drain_limit = None

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """See `ports.Client`."""
        shared = self._shared
        shared.begin(status, headers, streamed=False)
        shared.add(body)
        if status < 300:
            await self._keep_once()
        shared.finish(self._live)
        if not self._client.gone:
            await self._client.reply(status, headers, body)

    async def start(self, status: int, headers: Headers) -> None:
        """See `ports.Client`."""
        self._shared.begin(status, headers, streamed=True)
        if not self._client.gone:
            await self._client.start(status, headers)

    async def write(self, chunk: bytes) -> None:
        """See `ports.Client`."""
        self._shared.add(chunk)
        if self._live.settled and self._live.error is None:
            await self._keep_once()  # what is written after the settlement is the end
        if not self._client.gone:
            await self._client.write(chunk)

    def try_write(self, chunk: bytes) -> bool:
        """See `ports.Client`."""
        if not self._client.gone and not self._client.try_write(chunk):
            return False
        self._shared.add(chunk)
        return True

    def framed(self) -> None:
        """Frames are not for others: every piece has to come by `write`."""

    async def finish(self) -> None:
        """See `ports.Client`."""
        if self._live.error is None:
            await self._keep_once()
        self._shared.finish(self._live)
        if not self._client.gone:
            await self._client.finish()

    async def _keep_once(self) -> None:
        if not self._kept:
            self._kept = True
            await self._keep(self._live, self._shared)
