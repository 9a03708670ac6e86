"""How often somebody may try to sign in: after a few failures each further try waits longer; and how many at once.

In memory of one process, and bounded: of very many at once, those that have been quiet longest are forgotten.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from typing import Final

import msgspec

from waypost.errors import Overloaded, RateLimited

_KEPT_MOST: Final = 20_000
#: Failures that cost nothing, the wait after the next one, and the longest wait.
_ACCOUNT: Final = (5, 1.0, 900.0)
_ADDRESS: Final = (20, 1.0, 60.0)
#: Quiet for this long, and it all begins anew.
_FORGOTTEN_S: Final = 3600.0
#: An account with so many failures is slowed by those of its address too.
_FAILING: Final = 2
#: Hashing takes 19 MiB and tens of milliseconds each.
_TURNS: Final = 2
#: A second or two of it.
_WAITING_MOST: Final = 64


class _Failures(msgspec.Struct):
    count: int = 0
    last: float = 0.0
    open_at: float = 0.0


class Throttle:
    """Counts failures by account and by address. A try counts as a failure until it is told that it was none, so that
    many at once gain nothing.

    Behind a proxy everybody has one address, and what headers say of others is anybody's word. So failures of an
    address slow only accounts that fail themselves: nobody who has the right password waits for what others do. Names
    that nobody has are counted as those of accounts are.
    """

    def __init__(self, workers: int = 1) -> None:
        """`workers`: of this gateway. Each counts for itself, so each lets its share through: of failures that cost
        nothing a part, and then waits that are longer by as much."""
        self._workers = workers
        self._kept: OrderedDict[bytes, _Failures] = OrderedDict()
        #: Those past what costs nothing: names that are made up do not push them out.
        self._slowed: OrderedDict[bytes, _Failures] = OrderedDict()

    def begin(self, account: str, address: str, at: float) -> None:
        """A try begins. Raises RateLimited, whether or not there is such an account."""
        (of_account, _), (of_address, _) = marks = _marks(account, address)
        theirs = self._find(of_account)
        failing = theirs is not None and theirs.count >= _FAILING and at - theirs.last <= _FORGOTTEN_S
        counting = (of_account, of_address) if failing else (of_account,)
        waits = [kept.open_at - at for mark in counting if (kept := self._find(mark)) is not None]
        if (wait := max(waits, default=0.0)) > 0:
            raise RateLimited("Too many tries to sign in. Wait, then try again.", retry_after_s=wait)
        for mark, (free, first, most) in marks:
            free, first = max(1, free // self._workers), first * self._workers
            kept = self._drop(mark)
            if kept is None or at - kept.last > _FORGOTTEN_S:
                kept = _Failures()
            kept.count += 1
            kept.last = at
            if kept.count > free and mark in counting:
                kept.open_at = at + min(most, first * 2.0 ** min(kept.count - free - 1, 30))
            self._keep(mark, kept, free)

    def succeed(self, account: str, address: str) -> None:
        """It was no failure: the account begins anew, and the address has one failure less."""
        (of_account, _), (of_address, _) = _marks(account, address)
        self._drop(of_account)
        kept = self._find(of_address)
        if kept is not None:
            kept.count -= 1
            kept.open_at = 0.0

    def undo(self, account: str, address: str) -> None:
        """It was neither: what was shown is right, and something more is needed."""
        for mark, _ in _marks(account, address):
            kept = self._find(mark)
            if kept is not None:
                kept.count -= 1

    def _find(self, mark: bytes) -> _Failures | None:
        return self._slowed.get(mark) or self._kept.get(mark)

    def _drop(self, mark: bytes) -> _Failures | None:
        return self._slowed.pop(mark, None) or self._kept.pop(mark, None)

    def _keep(self, mark: bytes, kept: _Failures, free: int) -> None:
        where = self._slowed if kept.count > free else self._kept
        where[mark] = kept
        if len(where) > _KEPT_MOST:
            where.popitem(last=False)


class _Line(msgspec.Struct):
    turn: asyncio.Semaphore
    waiting: int = 0


class Turns:
    """For what takes memory and time on purpose: a few at once and a bounded number behind them, of which one address
    has half at most. Lives on the event loop's thread."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_TURNS)
        self._waiting = 0
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait for a turn. Raises Overloaded where it would take long."""
        place = network(address)
        line = self._lines.get(place) or _Line(asyncio.Semaphore(_TURNS // 2))
        if self._waiting >= _WAITING_MOST or line.waiting >= _WAITING_MOST // 2:
            raise Overloaded("Too many people sign in at this moment. Try again soon.", retry_after_s=1.0)
        self._lines[place] = line
        self._waiting += 1
        line.waiting += 1
        try:
            async with line.turn, self._turn:
                yield
        finally:
            self._waiting -= 1
            line.waiting -= 1
            if not line.waiting:
                del self._lines[place]


def _marks(account: str, address: str) -> Sequence[tuple[bytes, tuple[int, float, float]]]:
    return ((_mark("account", account), _ACCOUNT), (_mark("address", network(address)), _ADDRESS))


def _mark(kind: str, text: str) -> bytes:
    return sha256(f"{kind}:{text}".encode()).digest()[:16]


def network(address: str) -> str:
    """Who shares a count: of IPv6, a whole /64, for every home has that many addresses."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
    return str(found)
