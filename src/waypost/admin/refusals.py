"""Tries that were refused, for the audit log: as many as one can read, and never as many as would fill a disk.

A network may leave a few at once and then one in half a minute, and all of them together one in five seconds. Of those
that are over that, the next row says how many there were; the gateway's own log and metrics have every one.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import Final

import msgspec

from waypost.admin.ask import Ask
from waypost.admin.rights import NOBODY
from waypost.admin.signin import CODE
from waypost.admin.throttle import network
from waypost.core.deed import Done
from waypost.errors import Forbidden, GatewayError, NotSignedIn, StoreUnavailable

#: Rows at once, and seconds until there may be one more.
_OF_NETWORK: Final = (20, 30.0)
_OF_ALL: Final = (200, 5.0)
_NETWORKS_MOST: Final = 10_000
_PATH_MOST: Final = 300


class _Bucket(msgspec.Struct):
    """Room for so many, which comes back one by one."""

    left: float
    at: float

    def full(self, most: int, every_s: float, now: float) -> bool:
        """Whether there is no room now."""
        self.left = min(float(most), self.left + max(0.0, now - self.at) / every_s)
        self.at = now
        return self.left < 1.0


class Refusals:
    """Counts by network, in memory of one process. Lives on the event loop's thread."""

    def __init__(self) -> None:
        self._all = _Bucket(_OF_ALL[0], 0.0)
        self._networks: OrderedDict[str, _Bucket] = OrderedDict()
        self.unwritten = 0
        """How many were left out since the last row."""

    async def tell(self, ask: Ask, error: GatewayError) -> None:
        """Write a row, if there is room for one. While the database does not answer there is none, and the answer to
        whoever asks is the same."""
        if not _tells(ask, error):
            return
        if not self._room(ask.visit.address, ask.now):
            self.unwritten += 1
            return
        tried = ask.tried or Done("path", name=ask.visit.path[:_PATH_MOST])
        changes: dict[str, object] = {"refused": [None, error.code]}
        if self.unwritten:
            changes["refusals_not_written"] = [0, self.unwritten]
        done = msgspec.structs.replace(tried, changes=changes, outcome="refused")
        with suppress(StoreUnavailable):
            await ask.blocking(ask.parts.trail.add, done)
            self.unwritten = 0

    def _room(self, address: str, now: float) -> bool:
        place = network(address)
        bucket = self._networks.pop(place, None) or _Bucket(_OF_NETWORK[0], now)
        self._networks[place] = bucket
        if len(self._networks) > _NETWORKS_MOST:
            self._networks.popitem(last=False)
        if bucket.full(*_OF_NETWORK, now) or self._all.full(*_OF_ALL, now):
            return False
        bucket.left -= 1.0
        self._all.left -= 1.0
        return True


async def about(ask: Ask, name: str) -> None:
    """Whose sign-in was refused. What nobody is called by may be anything, a password too, and is not kept."""
    user = await ask.named("user", name, "")
    ask.tried = Done("user") if user is None else Done("user", user.id, user.name)


def _tells(ask: Ask, error: GatewayError) -> bool:
    """Whoever may not, and whoever shows what opens nothing. Who shows nothing has only not signed in yet, and so has
    who is asked for the code behind their password."""
    if isinstance(error, Forbidden):
        return True
    shows = ask.route.permission == "public" or ask.caller is not NOBODY
    shows = shows or b"authorization" in ask.visit.headers
    return isinstance(error, NotSignedIn) and error.param != CODE and shows
