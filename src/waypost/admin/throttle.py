"""How often somebody may try to sign in: after a few failures each further try waits longer.

In memory of one process, and bounded: of very many at once, those that have been quiet longest are forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from typing import Final

import msgspec

from waypost.errors import RateLimited

_KEPT_MOST: Final = 20_000
#: Failures that cost nothing, the wait after the next one, and the longest wait.
_ACCOUNT: Final = (5, 1.0, 900.0)
_ADDRESS: Final = (20, 1.0, 60.0)
#: Quiet for this long, and it all begins anew.
_FORGOTTEN_S: Final = 3600.0


class _Failures(msgspec.Struct):
    count: int = 0
    last: float = 0.0
    open_at: float = 0.0


class Throttle:
    """Counts failures by account and by address. A try counts as a failure until it is told that it was none, so that
    many at once gain nothing."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, _Failures] = OrderedDict()

    def begin(self, account: str, address: str, at: float) -> None:
        """A try begins. Raises RateLimited, whether or not there is such an account."""
        marks = _marks(account, address)
        waits = [kept.open_at - at for mark, _ in marks if (kept := self._kept.get(mark)) is not None]
        if (wait := max(waits, default=0.0)) > 0:
            raise RateLimited("Too many tries to sign in. Wait, then try again.", retry_after_s=wait)
        for mark, (free, first, most) in marks:
            kept = self._kept.pop(mark, None)
            if kept is None or at - kept.last > _FORGOTTEN_S:
                kept = _Failures()
            kept.count += 1
            kept.last = at
            if kept.count > free:
                kept.open_at = at + min(most, first * 2.0 ** min(kept.count - free - 1, 30))
            self._kept[mark] = kept
        while len(self._kept) > _KEPT_MOST:
            self._kept.popitem(last=False)

    def succeed(self, account: str, address: str) -> None:
        """It was no failure: the account begins anew, and the address has one failure less."""
        (of_account, _), (of_address, _) = _marks(account, address)
        self._kept.pop(of_account, None)
        kept = self._kept.get(of_address)
        if kept is not None:
            kept.count -= 1
            kept.open_at = 0.0

    def undo(self, account: str, address: str) -> None:
        """It was neither: what was shown is right, and something more is needed."""
        for mark, _ in _marks(account, address):
            kept = self._kept.get(mark)
            if kept is not None:
                kept.count -= 1


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
