"""Where requests wait for a target that is busy: not for long, not too many, and in a fair order.

Places are given to who waits at the moment they become free, so none is lost and nobody who came later slips in.
Within one priority the keys take turns, whoever of them has how many waiting. A higher priority goes first, and a lower
one is still served now and then.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from waypost.config.overload_schema import OverloadSettings
from waypost.core.key import Key, Priority
from waypost.errors import Overloaded
from waypost.pipeline.pace import Pace
from waypost.routing.aimd import Outcome
from waypost.routing.limiter import Limiter

RANKS: tuple[Priority, ...] = ("high", "normal", "low")
_RANK: dict[Priority, int] = {name: rank for rank, name in enumerate(RANKS)}
_PATIENCE = (0, 4, 16)
"""How often a rank is passed over by higher ones before it is served before them."""
_RETRY_LEAST_S = 1.0
_RETRY_MOST_S = 30.0


class Why(Enum):
    """Why one who wanted to wait was turned away."""

    FULL = "queue_full"
    ESTIMATE = "queue_estimate"
    TIME = "queue_time"


class Timer(Protocol):
    """As `asyncio.TimerHandle`."""

    def cancel(self) -> None: ...


#: As `loop.call_later`.
Later = Callable[[float, Callable[[], None]], Timer]


class _Waiter:
    """One request that waits."""

    __slots__ = ("key_id", "place", "rank", "since", "targets", "timer")

    def __init__(self, key_id: str, rank: int, targets: tuple[str, ...], since: float) -> None:
        self.key_id = key_id
        self.rank = rank
        self.targets = targets
        self.since = since
        #: Resolves to the target whose place was taken for it, or to why it is turned away.
        self.place: asyncio.Future[str | Why] = asyncio.get_running_loop().create_future()
        self.timer: Timer | None = None


class _Turns:
    """Waiters of one rank in the order of their turns: keys in a round, each key's own by arrival."""

    __slots__ = ("keys",)

    def __init__(self) -> None:
        self.keys: OrderedDict[str, OrderedDict[_Waiter, None]] = OrderedDict()

    def add(self, waiter: _Waiter) -> None:
        self.keys.setdefault(waiter.key_id, OrderedDict())[waiter] = None

    def first(self) -> _Waiter:
        return next(iter(next(iter(self.keys.values()))))

    def remove(self, waiter: _Waiter) -> None:
        line = self.keys[waiter.key_id]
        del line[waiter]
        if not line:
            del self.keys[waiter.key_id]

    def turn_over(self, key_id: str) -> None:
        """The key had its turn."""
        if key_id in self.keys:
            self.keys.move_to_end(key_id)


class _Line:
    """Who waits for one target."""

    __slots__ = ("passed", "ranks", "size")

    def __init__(self) -> None:
        self.ranks = tuple(_Turns() for _ in RANKS)
        self.passed = [0] * len(RANKS)
        self.size = 0

    def add(self, waiter: _Waiter) -> None:
        self.ranks[waiter.rank].add(waiter)
        self.size += 1

    def remove(self, waiter: _Waiter) -> None:
        self.ranks[waiter.rank].remove(waiter)
        self.size -= 1

    def next(self) -> _Waiter:
        """Whose turn it is, which is noted."""
        present = [rank for rank, turns in enumerate(self.ranks) if turns.keys]
        owed = [rank for rank in present[1:] if self.passed[rank] >= _PATIENCE[rank]]
        chosen = owed[-1] if owed else present[0]
        for rank in present:
            self.passed[rank] = 0 if rank == chosen else self.passed[rank] + (rank > chosen)
        waiter = self.ranks[chosen].first()
        self.ranks[chosen].turn_over(waiter.key_id)
        return waiter

    def ahead(self, key_id: str, rank: int) -> int:
        """How many are served before one more of this key: its own, and the others' as often as it has turns."""
        own = self.ranks[rank].keys.get(key_id)
        turns = 1 if own is None else len(own) + 1
        count = turns - 1
        for other, line in enumerate(self.ranks):
            for name, waiters in line.keys.items():
                if other < rank:
                    count += len(waiters)
                elif other == rank and name != key_id:
                    count += min(len(waiters), turns)
        return count


class Waiting:
    """The queue before all targets of one process, and the door through which their places are taken."""

    def __init__(
        self,
        limiter: Limiter,
        monotonic: Callable[[], float],
        later: Later,
        bounds: Callable[[], OverloadSettings],
        random: Callable[[], float],
    ) -> None:
        """`later`: as `loop.call_later`. `bounds` are read for each request that has to wait."""
        self._limiter = limiter
        self._monotonic = monotonic
        self._later = later
        self._bounds = bounds
        self._random = random
        self._lines: dict[str, _Line] = {}
        #: By credential: its targets that somebody waits for.
        self._sharing: dict[str, OrderedDict[str, None]] = {}
        self._all: OrderedDict[_Waiter, None] = OrderedDict()
        self._ranks = tuple(_Turns() for _ in RANKS)
        self._pace = Pace()
        self._alarms: dict[str, Timer] = {}
        #: How many were turned away, by why.
        self.turned_away: dict[Why, int] = dict.fromkeys(Why, 0)

    def __len__(self) -> int:
        return len(self._all)

    def oldest_s(self, now: float) -> float:
        """How long the one who came first has waited; 0.0 when nobody waits."""
        return now - next(iter(self._all)).since if self._all else 0.0

    # --- taking and giving back ----------------------------------------------------------------------------------

    def try_take(self, target_id: str, now: float) -> bool:
        """A place at the target, if one is free and nobody waits for it. End it with `give_back`."""
        return target_id not in self._lines and self._limiter.try_take(target_id, now)

    def crowded(self) -> bool:
        """Whether any target may be busy."""
        return bool(self._lines) or not self._limiter.unlimited

    def busy(self, target_id: str, now: float) -> bool:
        """Whether `try_take` would say False; takes nothing."""
        return target_id in self._lines or self._limiter.busy(target_id, now)

    def give_back(
        self, target_id: str, now: float, outcome: Outcome = "other", first_token_s: float | None = None
    ) -> None:
        """An attempt has ended; its place goes to who waits for it. Once for each place taken."""
        if self._pace.watched:
            self._pace.ended(target_id, now, self._limiter.busy(target_id, now))
        self._limiter.give_back(target_id, now, outcome, first_token_s)
        if self._lines:
            self._pass_on(target_id, now)

    def undo(self, target_id: str, now: float) -> None:
        """A place was taken, and nothing began there. In place of `give_back`."""
        self._limiter.undo(target_id)
        if self._lines:
            self._pass_on(target_id, now)

    # --- waiting -------------------------------------------------------------------------------------------------

    async def enter(self, key: Key, target_ids: Sequence[str], deadline: float | None = None) -> str:
        """Wait for a place at one of the targets, all of which are busy, and take it; returns the target.

        `deadline`: monotonic seconds at which the exchange ends. Raises Overloaded, with when to ask again: at once
        when the wait would be too long or the queue is full of who goes first; else when the time is up. Cancelling it
        gives up the place in the queue, or the one just taken.
        """
        now = self._monotonic()
        for target_id in target_ids:
            if self.try_take(target_id, now):
                return target_id
        bounds = self._bounds()
        limit_s = bounds.wait_s if deadline is None else min(bounds.wait_s, deadline - now)
        waiter = _Waiter(key.key_id, _RANK[key.priority], tuple(dict.fromkeys(target_ids)), now)
        estimate_s = min(self._estimate_s(target_id, waiter, now) for target_id in waiter.targets)
        if estimate_s > limit_s:
            raise self._refusal(Why.ESTIMATE, estimate_s)
        if len(self._all) >= bounds.waiting_max and not self._make_room(waiter):
            raise self._refusal(Why.FULL, 0.0)
        self._add(waiter)
        waiter.timer = self._later(limit_s, lambda: self._turn_away(waiter, Why.TIME))
        for target_id in waiter.targets:
            self._set_alarm(target_id, now)
        try:
            place = await waiter.place
        except asyncio.CancelledError:
            self._remove(waiter)
            if waiter.place.done() and not waiter.place.cancelled():
                taken = waiter.place.result()
                if isinstance(taken, str):
                    self.give_back(taken, self._monotonic())
            raise
        if isinstance(place, Why):
            raise self._refusal(place, 0.0)
        return place

    def _estimate_s(self, target_id: str, waiter: _Waiter, now: float) -> float:
        line = self._lines.get(target_id)
        ahead = 0 if line is None else line.ahead(waiter.key_id, waiter.rank)
        door = self._limiter.door(target_id)
        estimate = self._pace.gap_s(target_id) * (ahead + 1)
        free_at = door.free_at(now)
        if free_at is not None and door.cap is not None and door.cap.rpm is not None:
            estimate = max(estimate, free_at - now + ahead * 60.0 / door.cap.rpm)
        return estimate

    def _make_room(self, waiter: _Waiter) -> bool:
        """Turn away the newest of who goes last, if that is not this one: of the lowest priority, the key with the most
        waiting."""
        rank = max(rank for rank, turns in enumerate(self._ranks) if turns.keys)
        if rank < waiter.rank:
            return False
        keys = self._ranks[rank].keys
        longest = max(keys.values(), key=len)
        if rank == waiter.rank and len(longest) <= len(keys.get(waiter.key_id, ())) + 1:
            return False
        self._turn_away(next(reversed(longest)), Why.FULL)
        return True

    def _refusal(self, why: Why, estimate_s: float) -> Overloaded:
        self.turned_away[why] += 1
        wait = min(max(estimate_s, _RETRY_LEAST_S), _RETRY_MOST_S)
        said = {
            Why.FULL: "and as many requests as may are waiting for one",
            Why.ESTIMATE: "and it would take too long until one is free",
            Why.TIME: "and none became free in time",
        }[why]
        return Overloaded(
            f"Every target that could answer has as many requests as it takes, {said}. Ask again later, or add a "
            "target to the route.",
            retry_after_s=wait * (1.0 + self._random()),
        )

    # --- who waits, where ----------------------------------------------------------------------------------------

    def _add(self, waiter: _Waiter) -> None:
        self._all[waiter] = None
        self._ranks[waiter.rank].add(waiter)
        for target_id in waiter.targets:
            line = self._lines.get(target_id)
            if line is None:
                line = self._lines[target_id] = _Line()
                self._pace.watch(target_id)
                credential = self._limiter.door(target_id).credential
                if credential:
                    self._sharing.setdefault(credential, OrderedDict())[target_id] = None
            line.add(waiter)

    def _remove(self, waiter: _Waiter) -> None:
        """Nothing, when it is not there any more."""
        if waiter not in self._all:
            return
        del self._all[waiter]
        self._ranks[waiter.rank].remove(waiter)
        if waiter.timer is not None:
            waiter.timer.cancel()
        for target_id in waiter.targets:
            line = self._lines[target_id]
            line.remove(waiter)
            if not line.size:
                self._close(target_id)

    def _close(self, target_id: str) -> None:
        """Nobody waits for the target any more."""
        del self._lines[target_id]
        alarm = self._alarms.pop(target_id, None)
        if alarm is not None:
            alarm.cancel()
        credential = self._limiter.door(target_id).credential
        sharing = self._sharing.get(credential)
        if sharing is not None:
            sharing.pop(target_id, None)
            if not sharing:
                del self._sharing[credential]

    def _turn_away(self, waiter: _Waiter, why: Why) -> None:
        self._remove(waiter)
        if not waiter.place.done():
            waiter.place.set_result(why)

    def _pass_on(self, target_id: str, now: float) -> None:
        """Give what is free at the target, or by its credential's cap at another one, to who waits for it."""
        sharing = self._sharing.get(self._limiter.door(target_id).credential)
        if sharing is None:
            self._serve(target_id, now)
            return
        for shared in tuple(sharing):
            if self._serve(shared, now) and shared in sharing:
                sharing.move_to_end(shared)
        if target_id not in sharing:  # its credential's limits are new
            self._serve(target_id, now)

    def _serve(self, target_id: str, now: float) -> bool:
        served = False
        while (line := self._lines.get(target_id)) is not None and not self._limiter.busy(target_id, now):
            waiter = line.next()
            self._remove(waiter)
            if waiter.place.done():
                continue  # cancelled, and its task has not run yet
            self._limiter.try_take(target_id, now)
            served = True
            waiter.place.set_result(target_id)
        self._set_alarm(target_id, now)
        return served

    def _set_alarm(self, target_id: str, now: float) -> None:
        """What becomes free by the clock alone wakes nobody by itself."""
        if target_id not in self._lines or target_id in self._alarms:
            return
        free_at = self._limiter.door(target_id).free_at(now)
        if free_at is not None:
            self._alarms[target_id] = self._later(max(0.0, free_at - now), lambda: self._ring(target_id))

    def _ring(self, target_id: str) -> None:
        self._alarms.pop(target_id, None)
        self._pass_on(target_id, self._monotonic())
