"""An outage rehearsal on all workers: the first worker takes the orders and writes the report, the others break their
own requests with it and say what came of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from waypost.app.drills import Rehearsal
from waypost.app.workers.siblings import Siblings
from waypost.pipeline.rehearsal import Drill, Drills
from waypost.pipeline.rehearsal_tally import Counts
from waypost.ports import Clock
from waypost.routing.board import Board

WHAT = "rehearsal"
#: A rehearsal ends here when the first worker has not asked for so long: then nobody leads it any more.
_UNLED_S = 5.0
_KEPT_MOST = 50

_REHEARSAL = msgspec.msgpack.Decoder(Rehearsal)
_COUNTS = msgspec.msgpack.Decoder(Counts)


class Followed:
    """Rehearsals that another worker leads, in this one."""

    def __init__(self, drills: Drills, board: Callable[[], Board], clock: Clock) -> None:
        self._drills = drills
        self._board = board
        self._clock = clock
        self._known: dict[str, Drill] = {}

    async def answer(self, body: bytes) -> bytes:
        """To the first worker, which says how long a rehearsal has left: what came of it here so far."""
        told, now = _REHEARSAL.decode(body), self._clock.monotonic()
        drill = self._known.get(told.drill_id)
        ends = now + min(told.left_s, _UNLED_S)
        if drill is None:
            drill = Drill(told.drill_id, told.scope, told.fault, now, ends, self._board())
            self._known[told.drill_id] = drill
            if told.left_s:
                self._drills.start(drill)
        elif told.left_s:
            drill.ends = ends
        if not told.left_s:
            self._drills.end(drill)
        self._forget(now)
        return msgspec.msgpack.encode(drill.counts())

    def _forget(self, now: float) -> None:
        for drill in self._known.values():
            if drill.over(now):
                self._drills.end(drill)
        ended = [drill_id for drill_id, drill in self._known.items() if drill.stopped and not drill.in_flight]
        for drill_id in ended[: max(0, len(self._known) - _KEPT_MOST)]:
            del self._known[drill_id]


async def rehearse_on(siblings: Siblings, told: Rehearsal) -> Mapping[int, Counts]:
    """Have the others take part. What came of it there so far; nothing of those that do not answer."""
    said = await siblings.ask_all(WHAT, msgspec.msgpack.encode(told))
    return {worker: _COUNTS.decode(body) for worker, body in said.items()}
