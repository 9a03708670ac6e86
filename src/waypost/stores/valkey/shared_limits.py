"""Limits that hold across the nodes that share a Valkey or Redis server.

Each request asks the server once, for all of its limits; what it turns out to have used is told without waiting. Who
gets no answer in time, and everybody while there is no connection, is held to this node's share: of each limit so much
as falls to one of the nodes there are. It begins as empty as the limit was when it was last heard of.

Exchanges under way are counted here as well, so that a node that comes back says how many it has, under a new name:
what it had said under the old one is void, and so is every doubt about answers that were lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NoReturn

import msgspec

from waypost.config.shared_store import SharedStore
from waypost.core.limit import LimitUnit, Need, Shown
from waypost.core.record import Attempt
from waypost.core.rules import Pace
from waypost.errors import StoreUnavailable
from waypost.policy.limit_terms import (
    CONCURRENT_WAIT_S,
    nothing_in,
    number_of,
    refused,
    share_of,
    used_of,
    window_ns,
)
from waypost.policy.limits import Gauge, Limits
from waypost.ports import Taken
from waypost.stores.valkey.limit_link import Link, Question, open_link
from waypost.stores.valkey.limit_script import Correction, Wanted
from waypost.telemetry.logs import Log

#: Corrections that wait for the server to come back, at most; more are forgotten, the oldest first.
_OWED_MOST: Final = 10_000


class Pauses(msgspec.Struct, frozen=True):
    """In seconds."""

    beat_s: float = 3.0
    """Between two signs of life. Without an answer until the next is due, the connection is given up."""
    again_s: float = 0.1
    """Before the first new try to connect; twice as long before each further one."""
    again_most_s: float = 1.0


class SharedLimits:
    """See `ports.Limits`. Lives on the event loop's thread.

    `local` is this node's own count. `nodes`: how many share the limits, as far as is known. `node`: a short name that
    no other process has.
    """

    def __init__(
        self,
        local: Limits,
        nodes: Callable[[], float],
        node: str,
        log: Log,
        random: Callable[[], float],
        pauses: Pauses | None = None,
        workers: int = 1,
    ) -> None:
        """`workers`: of this gateway; without a server each of them holds its share."""
        self._workers = workers
        self._local = local
        self._nodes = nodes
        self._node = node
        self._log = log
        self._random = random
        self._pauses = pauses or Pauses()
        self._link: Link | None = None
        self._joined = 0
        self._failures = 0
        self._slow = False
        """That was told in the log, once for each connection."""
        self._owed: list[Correction] = []
        self.configured = False
        """There is a server to share them over."""
        self.fallbacks = 0
        """Requests that were held to this node's share."""

    @property
    def connected(self) -> bool:
        """Requests ask the server."""
        return self._link is not None and not self._link.late

    # --- the port -------------------------------------------------------------------------------------------------

    def take(self, paces: Sequence[Pace], need: Need, now: float) -> Taken | None:
        """See `ports.Limits`."""
        if not self.configured:
            if self._workers > 1:
                paces = [share_of(pace, self._workers) for pace in paces]
            return self._here(paces, self._local.take(paces, need, now))
        return None if self.connected else self._share(paces, need, now)

    async def ask(self, paces: Sequence[Pace], need: Need, now: float) -> Taken:
        """See `ports.Limits`."""
        link = self._link
        if link is None:
            return self._share(paces, need, now)
        lines = [_wanted(pace, need) for pace in paces]
        question = Question(link, lines, self._undo)
        told = await question.answer()
        if told is None:
            return self._share(paces, need, now)
        for index, pace in enumerate(paces):
            if lines[index][3]:
                self._local.see(pace, told[2 * index + 2], now)
        failed = int(told[0])
        if failed:
            pace = paces[failed - 1]
            raise refused(pace, told[1] / 1e6 if lines[failed - 1][3] else CONCURRENT_WAIT_S)
        taken = SharedTaken(self)
        for index, pace in enumerate(paces):
            name, number, amount, window = lines[index]
            if window:
                taken.lines.append((pace, number, int(told[2 * index + 3]), amount, window))
            else:
                gauge = self._local.gauge(name)
                gauge.open += 1
                taken.gauges.append((name, gauge))
        return taken

    def shown(self, paces: Iterable[Pace], now: float) -> Mapping[LimitUnit, Shown]:
        """See `ports.Limits`."""
        if self.connected or (not self.configured and self._workers == 1):
            return self._local.shown(paces, now)
        nodes, found = self._known(), dict[LimitUnit, Shown]()
        for pace in paces:
            for unit, one in self._local.shown((share_of(pace, nodes),), now).items():
                before = found.get(unit)
                if before is None or one.remaining < before.remaining:
                    found[unit] = msgspec.structs.replace(one, amount=pace.limit.amount)
        return found

    def prune(self, now: float) -> int:
        """See `ports.Limits`."""
        return self._local.prune(now)

    # --- what was taken -------------------------------------------------------------------------------------------

    def correct(self, lines: Sequence[Correction]) -> None:
        """Tell it, now or when the server is back; of exchanges under way only now."""
        if self._link is not None:
            self._link.correct(lines)
            return
        self._owed += [line for line in lines if line[4]]
        del self._owed[:-_OWED_MOST]

    def _undo(self, link: Link, lines: Sequence[Wanted], told: Sequence[float]) -> None:
        """It was taken, and nobody waits for it any more."""
        here = link is self._link
        undone = [
            (name, int(told[2 * index + 3]), number if window else -1, amount, window)
            for index, (name, number, amount, window) in enumerate(lines)
            if number or (here and not window)
        ]
        if undone:
            self.correct(undone)

    def _share(self, paces: Sequence[Pace], need: Need, now: float) -> Taken:
        self.fallbacks += 1
        if self._link is not None and not self._slow:
            self._slow = True
            self._log.warning("the store of limits is slow: requests are held to this node's share meanwhile")
        nodes = self._known()
        return self._here(paces, self._local.take([share_of(pace, nodes) for pace in paces], need, now))

    def _here(self, paces: Sequence[Pace], taken: Taken) -> Taken:
        """What was taken without asking, told to the server as far as it is of exchanges under way."""
        names = [pace.counter for pace in paces if pace.limit.unit == "concurrent"]
        return OwnTaken(self, taken, names) if names else taken

    def _known(self) -> int:
        """How many hold a share each."""
        return max(1, int(self._nodes())) if self.configured else self._workers

    # --- the connection -------------------------------------------------------------------------------------------

    async def run(self, store: SharedStore) -> NoReturn:
        """Keep a connection to this server. Until cancelled."""
        while True:
            try:
                await self._take_part(store)
            except StoreUnavailable as lost:
                self._lost(lost)
            longest = min(
                self._pauses.again_most_s, self._pauses.again_s * 2.0 ** min(self._failures - 1, 16)
            )
            await asyncio.sleep(longest * (0.5 + 0.5 * self._random()))

    async def _take_part(self, store: SharedStore) -> None:
        before = f"{self._node}{self._joined}"
        self._joined += 1
        link = await open_link(store, f"{self._node}{self._joined}")
        try:
            await link.enter(before)
            self._back(link)
            while True:
                await link.beat(self._pauses.beat_s)
        finally:
            self._link = None
            link.leave()

    def _back(self, link: Link) -> None:
        """From here on it counts. Nothing is awaited, so nothing comes between what is told and what counts."""
        self._link, self._slow = link, False
        owed = [*self._owed, *((name, 0, here, 0, 0) for name, here in self._local.under_way().items())]
        self._owed.clear()
        if owed:
            link.correct(owed)
        if self._failures:
            self._log.info("the store of limits is back: limits hold across nodes again")
        else:
            self._log.info("limits hold across nodes")
        self._failures = 0

    def _lost(self, lost: StoreUnavailable) -> None:
        self._failures += 1
        if self._failures == 1:
            self._log.warning(
                "the store of limits is away: requests are held to this node's share of each limit",
                why=str(lost),
                nodes=self._known(),
            )


class SharedTaken:
    """See `ports.Taken`: taken from the server."""

    __slots__ = ("_ended", "_limits", "gauges", "lines")

    def __init__(self, limits: SharedLimits) -> None:
        self._limits = limits
        self._ended = False
        self.lines: list[tuple[Pace, int, int, int, int]] = []
        """Limit, number, serial, amount, window."""
        self.gauges: list[tuple[str, Gauge]] = []

    def end(self, attempts: Sequence[Attempt], counts: bool, now: float) -> None:  # noqa: ARG002 - see the port
        """See `ports.Taken`."""
        if self._ended:
            return
        self._ended = True
        corrections: list[Correction] = []
        for name, gauge in self.gauges:
            gauge.open -= 1
            corrections.append((name, 0, -1, 0, 0))
        for pace, number, serial, amount, window in self.lines:
            used = used_of(pace, attempts) if counts else 0
            if used != number:
                corrections.append((pace.counter, serial, number - used, amount, window))
        if corrections:
            self._limits.correct(corrections)

    def used(self, input_tokens: int, output_tokens: int, now: float) -> None:  # noqa: ARG002 - see the port
        """See `ports.Taken`."""
        so_far: dict[LimitUnit, int] = {
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "tokens": input_tokens + output_tokens,
        }
        corrections: list[Correction] = []
        for index, (pace, number, serial, amount, window) in enumerate(self.lines):
            more = so_far.get(pace.limit.unit, 0) - number
            if more > 0:
                corrections.append((pace.counter, serial, -more, amount, window))
                self.lines[index] = (pace, number + more, serial, amount, window)
        if corrections:
            self._limits.correct(corrections)


class OwnTaken:
    """See `ports.Taken`: taken here, exchanges under way among it."""

    __slots__ = ("_ended", "_limits", "_names", "_taken")

    def __init__(self, limits: SharedLimits, taken: Taken, names: Sequence[str]) -> None:
        self._limits = limits
        self._taken = taken
        self._names = names
        self._ended = False
        limits.correct([(name, 0, 1, 0, 0) for name in names])

    def end(self, attempts: Sequence[Attempt], counts: bool, now: float) -> None:
        """See `ports.Taken`."""
        if not self._ended:
            self._ended = True
            self._taken.end(attempts, counts, now)
            self._limits.correct([(name, 0, -1, 0, 0) for name in self._names])

    def used(self, input_tokens: int, output_tokens: int, now: float) -> None:
        """See `ports.Taken`."""
        self._taken.used(input_tokens, output_tokens, now)


def _wanted(pace: Pace, need: Need) -> Wanted:
    limit = pace.limit
    if limit.amount < 1:
        raise nothing_in(pace)
    if limit.unit == "concurrent":
        return pace.counter, 0, limit.amount, 0
    return pace.counter, number_of(pace, need), limit.amount, window_ns(limit) // 1000
