"""What one worker does for the others, and they for it: wired once, for a gateway of several."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from waypost.app.admin import AdminSide
from waypost.app.drills import Rehearsal, Rehearsals
from waypost.app.shelf import Making
from waypost.app.workers import drilling, figures
from waypost.app.workers.drilling import Followed, rehearse_on
from waypost.app.workers.figures import Figures
from waypost.app.workers.part import Part
from waypost.app.workers.siblings import Events, Room, Siblings
from waypost.core.replay import Claim
from waypost.edge.gate import Errand, Following
from waypost.errors import GatewayError, StoreUnavailable
from waypost.pipeline.rehearsal import Drills
from waypost.pipeline.rehearsal_tally import Counts
from waypost.pipeline.retelling import Retelling
from waypost.ports import Clock, Telling
from waypost.routing.board import Board
from waypost.stores.node import node_of
from waypost.stores.seat import Seat
from waypost.stores.sql.keys import SqlKeys
from waypost.telemetry.logs import Log
from waypost.telemetry.metrics import Metrics

#: Who does what is done once.
LEAD = 1
#: Load balancers wait a second or two for `/readyz`.
_PROBED_S = 0.5
_BATCHES, _DRILLS, _MISSING = "batches", "drills", "missing"
_CANCEL, _FORGET, _FOLLOW, _CHANGED = "cancel", "forget", "follow", "changed"
_RETELL = "retell"
_ERRAND = msgspec.msgpack.Decoder(Errand)
_CLAIMED = msgspec.msgpack.Decoder(tuple[str, bytes, str])
_TEXTS = msgspec.msgpack.Decoder(list[str])
_FROM = msgspec.msgpack.Decoder(tuple[str, int | None])


class Serving(Protocol):
    """Whatever answers errands."""

    async def answer(self, errand: Errand) -> bytes: ...


class Together:
    """`edge.gate.Beside`, and the rest of what workers do for each other. Owns the worker's door."""

    def __init__(self, part: Part, data: Path, log: Log) -> None:
        self.leads = part.number == LEAD
        name = node_of(data)
        self._nodes = {Seat(data, each).node(name): each for each in range(1, part.count + 1)}
        self._folder = part.room
        self._siblings = Siblings(part.room, part.number, part.count)
        self._room = Room(part.room, part.number, log)
        self._figures: Figures | None = None

    async def open(self) -> None:
        """Begin to answer the others. Raises StoreUnavailable."""
        await self._room.open()

    async def close(self) -> None:
        """Answer no more. Idempotent."""
        await self._room.close()

    # --- edge.gate.Beside --------------------------------------------------------------------------------------------

    async def missing(self) -> list[str]:
        """See `edge.gate.Beside`. One that is being started again keeps no work away: the others take it."""
        told = await self._siblings.ask_all(_MISSING, patience_s=_PROBED_S)
        return [f"worker {worker}: {why}" for worker, body in told.items() for why in _TEXTS.decode(body)]

    async def metrics(self) -> bytes:
        """See `edge.gate.Beside`."""
        assert self._figures is not None  # noqa: S101 - a fault of the wiring
        return await self._figures.render()

    # --- what others may ask -----------------------------------------------------------------------------------------

    def tell(self, metrics: Metrics, missing: Callable[[], list[str]]) -> None:
        """Of this worker's state."""
        self._figures = Figures(metrics, self._folder, self._siblings)

        async def said(_: bytes) -> bytes:
            return msgspec.msgpack.encode(missing())

        self._room.answers[figures.WHAT] = self._figures.answer
        self._room.answers[_MISSING] = said

    def change(self, control: AdminSide, keys: SqlKeys) -> None:
        """What one of them changes by the control API is in force at all of them before it is answered."""

        async def look(_: bytes) -> bytes:
            await control.live.refresh()
            await keys.refresh()
            return b""

        async def spread() -> None:
            await self._siblings.ask_all(
                _CHANGED
            )  # who does not answer finds it out by itself, a moment later

        self._room.answers[_CHANGED] = look
        control.spread = spread

    def retell(self, retell: Callable[[str, bytes, str], Retelling]) -> None:
        """What clients are told here under an idempotency key, to a worker whose clients sent the same one."""

        def told(body: bytes) -> Events:
            found = retell(*_CLAIMED.decode(body))
            return Events(found.next, found.leave)

        self._room.follows[_RETELL] = told

    def serve(self, making: Making, storeroom: Serving) -> None:
        """End and follow answers that are made here; take what is said of batches, where this worker leads."""

        async def cancel(body: bytes) -> bytes:
            return b"1" if making.cancel(body.decode()) else b""

        async def forget(body: bytes) -> bytes:
            making.forget(body.decode())
            return b""

        def follow(body: bytes) -> Events:
            found = making.follow(*_FROM.decode(body))
            return Events(found.next, found.leave)

        self._room.answers |= {_CANCEL: cancel, _FORGET: forget}
        self._room.follows[_FOLLOW] = follow
        self._lead(_BATCHES, storeroom.answer)

    def rehearse(
        self, rehearsals: Rehearsals, drills: Drills, board: Callable[[], Board], clock: Clock
    ) -> None:
        """Take orders for rehearsals where this worker leads; take part in them where another does."""

        async def answer(errand: Errand) -> bytes:
            return msgspec.json.encode(await rehearsals.answer(errand))

        self._lead(_DRILLS, answer)
        if not self.leads:
            self._room.answers[drilling.WHAT] = Followed(drills, board, clock).answer

    def _lead(self, what: str, answer: Callable[[Errand], Awaitable[bytes]]) -> None:
        async def said(body: bytes) -> bytes:
            return await answer(_ERRAND.decode(body))

        if self.leads:
            self._room.answers[what] = said

    # --- what this worker asks of others -----------------------------------------------------------------------------

    @property
    def batches(self) -> Callable[[Errand], Awaitable[bytes]] | None:
        """Who answers what clients say of batches; None: this worker itself."""
        return None if self.leads else partial(self._ask_lead, _BATCHES)

    @property
    def orders(self) -> Ordered | None:
        """Who takes orders for rehearsals; None: this worker itself."""
        return None if self.leads else Ordered(partial(self._ask_lead, _DRILLS))

    @property
    def rehearsing(self) -> Callable[[Rehearsal], Awaitable[Mapping[int, Counts]]] | None:
        """Has the others take part in a rehearsal that this worker leads."""
        return partial(rehearse_on, self._siblings) if self.leads else None

    @property
    def elsewhere(self) -> Elsewhere:
        """Answers that others make."""
        return Elsewhere(self._siblings)

    async def follow(self, claim: Claim) -> Telling | None:
        """`ports.Claims.follow`, where a worker of this gateway makes the answer."""
        worker = self._nodes.get(claim.node)
        if worker is None:
            return None
        asked = msgspec.msgpack.encode((claim.key_id, claim.digest, claim.exchange_id))
        try:
            return _Remote(await self._siblings.follow(worker, _RETELL, asked))
        except StoreUnavailable:
            return None  # its event loop stands still, perhaps: what it keeps can be waited for

    async def _ask_lead(self, what: str, errand: Errand) -> bytes:
        # Longer than any other question: what it asks of the database may take its time there.
        return await self._siblings.ask(LEAD, what, msgspec.msgpack.encode(errand), 30.0)


class Ordered:
    """`app.desk.Orders`, by the worker that leads."""

    def __init__(self, ask: Callable[[Errand], Awaitable[bytes]]) -> None:
        self._ask = ask

    async def answer(self, errand: Errand) -> object:
        """See `app.desk.Orders`."""
        return msgspec.Raw(await self._ask(errand))


class Elsewhere:
    """`app.shelf.MakingElsewhere`."""

    def __init__(self, siblings: Siblings) -> None:
        self._siblings = siblings

    async def cancel(self, response_id: str) -> bool:
        """See `MakingElsewhere`."""
        return any((await self._siblings.ask_all(_CANCEL, response_id.encode())).values())

    async def forget(self, response_id: str) -> None:
        """See `MakingElsewhere`."""
        await self._siblings.ask_all(_FORGET, response_id.encode())

    async def follow(self, response_id: str, after: int | None) -> Following | None:
        """See `MakingElsewhere`."""
        asked = msgspec.msgpack.encode((response_id, after))
        for worker in self._siblings.others:
            try:
                return _Remote(await self._siblings.follow(worker, _FOLLOW, asked))
            except GatewayError:
                continue  # it does not answer, or has none of its events either
        return None


class _Remote:
    """`edge.gate.Following` and `ports.Telling`: what another worker tells."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._left = False

    async def next(self) -> bytes:
        """See `Following`."""
        told = b"" if self._left else await self._events.next()
        if not told:
            self.leave()
        return told

    def leave(self) -> None:
        """See `Following`."""
        if not self._left:
            self._left = True
            self._events.leave()
