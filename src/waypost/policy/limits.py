"""Limits on how fast scopes may go: requests, tokens, and exchanges at once.

Requests and tokens are counted by the generic cell rate algorithm, in whole numbers: a backlog grows with what is
taken and shrinks evenly with time, and nothing is admitted that would lift it over a whole window's worth. All limits
of a request are taken, or none. What a request turns out not to have used is given back as if it had never been taken:
no more than of it time has not worked off since then. What it used beyond is a debt.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from waypost.core.limit import Limit, LimitUnit, Need, Shown
from waypost.core.record import Attempt
from waypost.core.rules import Pace
from waypost.policy.limit_terms import (
    CONCURRENT_WAIT_S,
    NANO,
    nothing_in,
    number_of,
    refused,
    used_of,
    window_ns,
)

#: Counters kept; beyond, the oldest are forgotten, whose scopes begin with a whole allowance.
COUNTERS_MAX: Final = 262_144
_LOWS_MAX: Final = 64
#: As near as a clock of floating seconds comes to a moment, after years: who waited until then is let in.
_CLOCK_NS: Final = 32


class Counter:
    """The backlog of one limit at one scope. Its unit of time is a nanosecond divided by the limit's amount, in which
    everything is a whole number."""

    __slots__ = ("_due", "_lows", "_serial", "amount", "full", "limit", "most", "open", "per")

    def __init__(self, amount: int, window_ns: int, limit: Limit | None = None) -> None:
        self.limit = limit
        self.amount = amount
        self.per = window_ns
        """What one of its unit comes to."""
        self.full = amount * window_ns
        self.most = self.full + amount * _CLOCK_NS
        """What the backlog may come to with what is taken."""
        self.open = 0
        """Requests under way that took of it."""
        self._due = 0
        self._serial = 0
        #: The lowest backlogs that a take after some other one met, with its serial: both rise from one to the next.
        self._lows: list[tuple[int, int]] = []

    def backlog(self, now_ns: int) -> int:
        """What is not worked off yet; 0 when the allowance is whole."""
        backlog = self._due - now_ns * self.amount
        return backlog if backlog > 0 else 0

    def take(self, number: int, now_ns: int) -> int:
        """Add to the backlog. Returns by what it can be given back."""
        worked, lows = now_ns * self.amount, self._lows
        backlog = self._due - worked
        if backlog < 0:
            backlog = 0
        self._serial = serial = self._serial + 1
        if backlog:
            while lows and lows[-1][1] >= backlog:
                lows.pop()
            lows.append((serial, backlog))
            if len(lows) > _LOWS_MAX:
                self._merge()
        else:
            lows[:] = ((serial, 0),)  # none is lower
        self._due = worked + backlog + number * self.per
        return serial

    def give_back(self, serial: int, number: int, now_ns: int) -> None:
        """As if so much of what was taken then had never been: the backlog falls by it, but not by what time has worked
        off since, or would have."""
        lows, wanted = self._lows, number * self.per
        place = bisect_right(lows, serial, key=_serial_of)
        if place < len(lows):
            lowest = lows[place][1]
            wanted = min(wanted, lowest)
            lows[place:] = [(each, low - wanted) for each, low in lows[place:]]
            lowest -= wanted
            while place and lows[place - 1][1] >= lowest:
                place -= 1
                del lows[place]
        self._due -= min(wanted, self.backlog(now_ns))

    def set(self, backlog: float, now_ns: int) -> None:
        """It stands so, as somebody else counted, in what was asked for."""
        self._lows.clear()
        self._due = now_ns * self.amount + int(backlog * self.per)

    def _merge(self) -> None:
        """Of each two the lower: less is given back than could be."""
        lows = self._lows
        last = [] if len(lows) % 2 == 0 else lows[-1:]
        lows[:] = [(later[0], one[1]) for one, later in zip(lows[::2], lows[1::2], strict=False)] + last


class Gauge:
    """Exchanges under way at one scope."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = 0


Line = tuple[Pace, Counter, int, int]
"""A limit, its counter, how much was taken, and by what it can be given back."""


class Taken:
    """What one request took of its limits. Belongs to its exchange, which ends it once."""

    __slots__ = ("_ended", "_gauges", "_lines")

    def __init__(self, lines: list[Line], gauges: list[Gauge]) -> None:
        self._lines = lines
        self._gauges = gauges
        self._ended = False

    def end(self, attempts: Sequence[Attempt], counts: bool, now: float) -> None:
        """Correct what was taken by what was used. `counts`: False for a request that was refused, which leaves no
        trace. The second call does nothing."""
        if self._ended:
            return
        self._ended = True
        for gauge in self._gauges:
            gauge.open -= 1
        for pace, counter, number, serial in self._lines:
            counter.open -= 1
            used = used_of(pace, attempts) if counts else 0
            if used < number:
                counter.give_back(serial, number - used, round(now * NANO))
            elif used > number:
                counter.take(used - number, round(now * NANO))

    def used(self, input_tokens: int, output_tokens: int, now: float) -> None:
        """An exchange that goes on has used so much in all: what is over is counted at once."""
        now_ns = round(now * NANO)
        so_far: dict[LimitUnit, int] = {
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "tokens": input_tokens + output_tokens,
        }
        for index, (pace, counter, number, serial) in enumerate(self._lines):
            more = so_far.get(pace.limit.unit, 0) - number
            if more > 0:
                counter.take(more, now_ns)
                self._lines[index] = (pace, counter, number + more, serial)


class Limits:
    """Every counter of this process. Lives on the event loop's thread; times are monotonic seconds."""

    __slots__ = ("_counters", "_gauges", "_prune_at")

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._prune_at = 1024

    def take(self, paces: Sequence[Pace], need: Need, now: float) -> Taken:
        """See `ports.Limits`. It never has to ask."""
        now_ns = round(now * NANO)
        wanted: list[tuple[Pace, Counter, int]] = []
        gauges: list[Gauge] = []
        counters = self._counters
        for pace in paces:
            limit = pace.limit
            unit = limit.unit
            if limit.amount < 1:
                raise nothing_in(pace)
            if unit == "concurrent":
                gauge = self.gauge(pace.counter)
                if gauge.open >= limit.amount:
                    raise refused(pace, CONCURRENT_WAIT_S)
                gauges.append(gauge)
                continue
            counter = counters.get(pace.counter)
            if counter is None or counter.limit is not limit:
                counter = self._counter(pace, now_ns)
                counters = self._counters
            number = 1 if unit == "requests" else number_of(pace, need)
            amount = counter.amount
            backlog = counter._due - now_ns * amount
            after = number * counter.per
            if backlog > 0:
                after += backlog
            if after > counter.most:
                raise refused(pace, -(-(after - counter.full) // (amount * 1000)) / 1e6)
            wanted.append((pace, counter, number))
        lines = []
        for pace, counter, number in wanted:
            counter.open += 1
            lines.append((pace, counter, number, counter.take(number, now_ns)))
        for gauge in gauges:
            gauge.open += 1
        return Taken(lines, gauges)

    def shown(self, paces: Iterable[Pace], now: float) -> dict[LimitUnit, Shown]:
        """Of each unit but `concurrent`, the limit that has the least left."""
        now_ns = round(now * NANO)
        found: dict[LimitUnit, Shown] = {}
        counters = self._counters
        for pace in paces:
            limit = pace.limit
            unit = limit.unit
            if unit == "concurrent" or limit.amount < 1:
                continue
            counter = counters.get(pace.counter)
            if counter is None or counter.limit is not limit:
                counter = self._counter(pace, now_ns)
                counters = self._counters
            amount = counter.amount
            backlog = counter._due - now_ns * amount
            if backlog < 0:
                backlog = 0
            remaining = (counter.full - backlog) // counter.per
            if remaining < 0:
                remaining = 0
            if unit not in found or remaining < found[unit].remaining:
                found[unit] = Shown(unit, amount, remaining, backlog / amount / NANO)
        return found

    async def ask(self, paces: Sequence[Pace], need: Need, now: float) -> Taken:
        """See `ports.Limits`."""
        return self.take(paces, need, now)

    def see(self, pace: Pace, backlog: float, now: float) -> None:
        """This limit is counted elsewhere, and stands so."""
        now_ns = round(now * NANO)
        counter = self._counters.get(pace.counter)
        if counter is None or counter.limit is not pace.limit:
            counter = self._counter(pace, now_ns)
        counter.set(backlog, now_ns)

    def gauge(self, name: str) -> Gauge:
        """Exchanges under way under this name."""
        return self._gauges.get(name) or self._fresh_gauge(name)

    def under_way(self) -> dict[str, int]:
        """How many there are, wherever there are any."""
        return {name: gauge.open for name, gauge in self._gauges.items() if gauge.open}

    def prune(self, now: float) -> int:
        """Forget scopes whose allowance is whole and that nothing is under way at; returns how many are left."""
        now_ns = round(now * NANO)
        self._counters = {
            name: counter
            for name, counter in self._counters.items()
            if counter.open or counter.backlog(now_ns)
        }
        self._gauges = {name: gauge for name, gauge in self._gauges.items() if gauge.open}
        return len(self._counters) + len(self._gauges)

    def _counter(self, pace: Pace, now_ns: int) -> Counter:
        limit = pace.limit
        counter = self._counters.get(pace.counter)
        if counter is None:
            return self._fresh(pace.counter, limit, now_ns)
        counter.limit = limit
        if counter.amount != limit.amount or counter.per != window_ns(limit):
            # Another limit by now: its allowance is as empty, in parts of the whole, as the old one's was.
            before = counter
            counter = self._fresh(pace.counter, limit, now_ns)
            share = before.backlog(now_ns) * counter.full // before.full
            counter.take(-(-share // counter.per), now_ns)
        return counter

    def _fresh(self, name: str, limit: Limit, now_ns: int) -> Counter:
        self._make_room(now_ns / NANO)
        counter = self._counters[name] = Counter(limit.amount, window_ns(limit), limit)
        return counter

    def _fresh_gauge(self, name: str) -> Gauge:
        self._make_room(0.0)
        gauge = self._gauges[name] = Gauge()
        return gauge

    def _make_room(self, now: float) -> None:
        """Prune whenever there are twice as many as the last time: its cost per counter is constant on average."""
        if len(self._counters) + len(self._gauges) < self._prune_at:
            return
        left = self.prune(now)
        if left >= COUNTERS_MAX:
            self._counters = dict(list(self._counters.items())[len(self._counters) // 2 :])
        self._prune_at = min(COUNTERS_MAX, max(1024, 2 * left))


def _serial_of(low: tuple[int, int]) -> int:
    return low[0]
