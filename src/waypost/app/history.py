"""What the request log tells of the past: one request, and how long requests of a kind took."""

from __future__ import annotations

import asyncio

from waypost.core.record import Exchange
from waypost.pipeline.rehearsal import Scope
from waypost.pipeline.rehearsal_tally import Spread, spread
from waypost.ports import Clock
from waypost.stores.sql.requests import LIMIT_MAX, RequestLog

_BEFORE_US = 3_600_000_000


class History:
    """Reads the log in threads. Raises StoreUnavailable."""

    def __init__(self, log: RequestLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    async def find(self, exchange_id: str) -> Exchange | None:
        """One exchange, with its attempts."""
        return await asyncio.to_thread(self._log.get, exchange_id)

    async def before(self, scope: Scope) -> Spread | None:
        """Total times of the newest answered exchanges that a rehearsal of this scope would have had as a part, at most
        an hour old; None when there was none."""
        recent = await asyncio.to_thread(self._log.recent, LIMIT_MAX, key_id=scope.key_id)
        since = self._clock.wall() * 1e6 - _BEFORE_US
        times = [one.exchange.total_us for one in recent if _counts(one.exchange, scope, since)]
        return spread(times) if times else None


def _counts(exchange: Exchange, scope: Scope, since_us: float) -> bool:
    return (
        exchange.outcome == "ok"
        and exchange.drill is None
        and exchange.started_us >= since_us
        and (scope.route is None or exchange.route == scope.route)
        and any(attempt.provider in scope.providers for attempt in exchange.attempts)
    )
