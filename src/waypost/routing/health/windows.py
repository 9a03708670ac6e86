"""What happened at one target over the last five minutes, hour and day, in bounded memory.

Things are counted into a slice of ten seconds. When it is over it is added to the sum of five minutes, to a slice of a
minute and to one of a quarter of an hour; so a request costs a few additions, however far back one can look. Times and
speeds go into logarithmic histograms of eight steps per octave: a percentile is right to about 5 %.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from math import ceil, inf, log2
from typing import Final, TypeVar

from waypost.routing.board import Kind
from waypost.routing.health.effects import Counts

#: Input sizes that are told apart: below each of these, and the rest.
SIZES: Final = (1_000, 8_000, 32_000, 128_000)
SIZE_NAMES: Final = ("<1k", "<8k", "<32k", "<128k", ">=128k")
#: Seconds of each window.
WINDOWS: Final = {"5m": 300, "1h": 3600, "1d": 86_400}

_SLICE_S = 10
_RECENT_SLICES = 30
_MINUTE_SLICES = 6
_QUARTER_SLICES = 90
_MINUTES = 60
_QUARTERS = 96
_STEPS = 8
#: A percentile of fewer is a guess.
_LEAST_MEASURED = 5
#: A percentile that was worked out is good for so long.
_FRESH_S = 1.0

_Name = TypeVar("_Name", int, str)

Counted = dict[int, int]
"""Steps of a logarithmic histogram, and how many fell into each."""


class Slice:
    """What was counted within some time."""

    __slots__ = ("apart", "errors", "failures", "ok", "rejected", "speeds", "throttled", "waits")

    def __init__(self) -> None:
        self.ok = 0
        self.failures = 0
        self.throttled = 0
        self.rejected = 0
        self.apart = 0
        self.errors: dict[str, int] = {}
        self.waits: dict[int, Counted] = {}
        """By size: seconds to the first token."""
        self.speeds: dict[int, Counted] = {}
        """By size: output tokens per second."""

    @property
    def empty(self) -> bool:
        return not (self.ok or self.errors)

    def add(self, other: Slice, sign: int = 1) -> None:
        """Add what another one counted, or with -1 take it off."""
        self.ok += sign * other.ok
        self.failures += sign * other.failures
        self.throttled += sign * other.throttled
        self.rejected += sign * other.rejected
        self.apart += sign * other.apart
        _add(self.errors, other.errors, sign)
        for size, counted in other.waits.items():
            _add(self.waits.setdefault(size, {}), counted, sign)
        for size, counted in other.speeds.items():
            _add(self.speeds.setdefault(size, {}), counted, sign)


def _add(into: dict[_Name, int], counts: dict[_Name, int], sign: int) -> None:
    for name, count in counts.items():
        left = into.get(name, 0) + sign * count
        if left:
            into[name] = left
        else:
            del into[name]


class History:
    """One target's. It owns its state; times are monotonic seconds."""

    __slots__ = ("_fine", "_memo", "_minutes", "_open", "_quarters", "_recent", "_slot", "failures")

    def __init__(self) -> None:
        self.failures = 0
        """No fewer than those of the last five minutes: some are older until somebody counts or tells something."""
        self._slot = 0
        self._open = Slice()
        self._recent = Slice()
        """The closed slices of the last five minutes, added up."""
        self._fine: list[tuple[int, Slice]] = []
        self._minutes: list[tuple[int, Slice]] = []
        self._quarters: list[tuple[int, Slice]] = []
        self._memo: dict[tuple[Kind, int, int], tuple[float, float | None]] = {}

    def answered(
        self, now: float, size: int, first_token_s: float | None, tokens_per_s: float | None
    ) -> None:
        """Count a success. `size` as of `size_of`."""
        if int(now) // _SLICE_S != self._slot:
            self._turn(now)
        slice = self._open
        slice.ok += 1
        if first_token_s is not None and first_token_s > 0:
            counted = slice.waits.get(size)
            if counted is None:
                counted = slice.waits[size] = {}
            step = int(log2(first_token_s) * _STEPS + 1024) - 1024
            counted[step] = counted.get(step, 0) + 1
        if tokens_per_s is not None and tokens_per_s > 0:
            counted = slice.speeds.get(size)
            if counted is None:
                counted = slice.speeds[size] = {}
            step = int(log2(tokens_per_s) * _STEPS + 1024) - 1024
            counted[step] = counted.get(step, 0) + 1

    def failed(self, now: float, code: str, counts: Counts) -> None:
        """Count a failure under its error code."""
        if int(now) // _SLICE_S != self._slot:
            self._turn(now)
        slice = self._open
        slice.errors[code] = slice.errors.get(code, 0) + 1
        if counts == "failure":
            slice.failures += 1
            self.failures += 1
        elif counts == "throttled":
            slice.throttled += 1
        elif counts == "rejected":
            slice.rejected += 1
        else:
            slice.apart += 1

    def counts(self, now: float, window_s: float) -> tuple[int, int]:
        """(requests, failures) of the last so many seconds, up to 86,400; rejected and throttled ones apart."""
        if int(now) // _SLICE_S != self._slot:
            self._turn(now)
        ok, failures = self._open.ok, self._open.failures
        if window_s < _RECENT_SLICES * _SLICE_S:
            since = self._slot - ceil(window_s / _SLICE_S)
            for slot, slice in reversed(self._fine):
                if slot <= since:
                    break
                ok += slice.ok
                failures += slice.failures
        elif window_s == _RECENT_SLICES * _SLICE_S:
            ok += self._recent.ok
            failures += self._recent.failures
        else:
            for slice in self._long(window_s):
                ok += slice.ok
                failures += slice.failures
        return ok + failures, failures

    def sum(self, now: float, window_s: float) -> Slice:
        """All that was counted in one of `WINDOWS`."""
        if int(now) // _SLICE_S != self._slot:
            self._turn(now)
        total = Slice()
        total.add(self._open)
        if window_s <= _RECENT_SLICES * _SLICE_S:
            total.add(self._recent)
        else:
            for slice in self._long(window_s):
                total.add(slice)
        return total

    def measured(self, kind: Kind, percentile: int, size: int, now: float) -> float | None:
        """A percentile of the last five minutes; None when fewer than five were measured. As of a second ago."""
        known = self._memo.get((kind, percentile, size))
        if known is not None and 0.0 <= now - known[0] < _FRESH_S:
            return known[1]
        if int(now) // _SLICE_S != self._slot:
            self._turn(now)
        recent, lately = (
            (self._recent.waits, self._open.waits)
            if kind == "first_token"
            else (self._recent.speeds, self._open.speeds)
        )
        counted = dict(recent.get(size, {}))
        _add(counted, lately.get(size, {}), 1)
        value = percentile_of(counted, percentile, kind, _LEAST_MEASURED)
        self._memo[kind, percentile, size] = (now, value)
        return value

    def _long(self, window_s: float) -> Iterable[Slice]:
        if window_s <= _MINUTES * 60:
            since = self._slot // _MINUTE_SLICES - ceil(window_s / 60)
            return [slice for slot, slice in self._minutes if slot > since]
        since = self._slot // _QUARTER_SLICES - ceil(window_s / 900)
        return [slice for slot, slice in self._quarters if slot > since]

    def _turn(self, now: float) -> None:
        """The open slice is over."""
        closed, was = self._open, self._slot
        slot = self._slot = int(now) // _SLICE_S
        if not closed.empty:
            self._open = Slice()
            self._recent.add(closed)
            self._fine.append((was, closed))
            _into(self._minutes, was // _MINUTE_SLICES, closed)
            _into(self._quarters, was // _QUARTER_SLICES, closed)
        for gone in _expire(self._fine, slot - _RECENT_SLICES):
            self._recent.add(gone, -1)
        self.failures = self._recent.failures + self._open.failures
        _expire(self._minutes, slot // _MINUTE_SLICES - _MINUTES)
        _expire(self._quarters, slot // _QUARTER_SLICES - _QUARTERS)


def _into(slices: list[tuple[int, Slice]], slot: int, closed: Slice) -> None:
    if not slices or slices[-1][0] != slot:
        slices.append((slot, Slice()))
    slices[-1][1].add(closed)


def _expire(slices: list[tuple[int, Slice]], last: int) -> list[Slice]:
    gone = 0
    for slot, _ in slices:
        if slot > last:
            break
        gone += 1
    if not gone:
        return []
    expired = [slice for _, slice in slices[:gone]]
    del slices[:gone]
    return expired


def size_of(input_tokens: int) -> int:
    """Which of `SIZE_NAMES` an input of so many tokens belongs to."""
    return bisect_right(SIZES, input_tokens)


def percentile_of(counted: Counted, percentile: int, kind: Kind, least: int = 1) -> float | None:
    """Seconds that `percentile` % of the answers began within, or tokens per second that so many reached; None when
    fewer than `least` were counted."""
    total = sum(counted.values())
    if total < least:
        return None
    rank = max(1, ceil(total * percentile / 100))
    step, seen = -inf, 0
    for step in sorted(counted, reverse=kind == "throughput"):
        seen += counted[step]
        if seen >= rank:
            break
    return float(2.0 ** ((step + 0.5) / _STEPS))
