"""The hourly audit of the books: in a thread, a twentieth of the time at most, and told by metrics and in the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from waypost.errors import StoreUnavailable
from waypost.ports import Clock
from waypost.stores.sql.audit import Audit, Audited
from waypost.stores.sql.engine import Database
from waypost.telemetry.logs import Log

_EVERY_S: Final = 3600.0
_AWAY_S: Final = 30.0
#: Rows at once: less than a millisecond in which requests may have to wait for the interpreter.
_ROWS: Final = 200
#: For each second of work, so many of rest.
_REST: Final = 19.0
_REST_MIN_S: Final = 0.005
_NAMED: Final = 10


class Auditing:
    """Owns the audit of one gateway. Where nodes share a database, each audits all of it for itself: a node that is
    wrong about the books is found by the others."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        log: Log,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._audit = Audit(database, slice_rows=_ROWS, pause=self._pause)
        self._clock = clock
        self._log = log
        self._sleep = sleep
        self._found: Audited | None = None
        self._at = 0.0
        self._ending = False

    async def watch(self) -> None:
        """Audit at once, and then every hour, until it is cancelled."""
        self._ending = False
        try:
            while True:
                await self._once()
                await self._sleep(_EVERY_S)
        finally:
            self._ending = True

    def gauges(self) -> Mapping[str, float]:
        """For `/metrics`; nothing before the first audit has ended."""
        if self._found is None:
            return {}
        return {
            "waypost_ledger_drift_accounts": self._found.wrong_accounts,
            "waypost_ledger_differences": self._found.wrong,
            "waypost_ledger_audited_at_seconds": self._at,
        }

    async def _once(self) -> None:
        while True:
            began = self._clock.monotonic()
            try:
                found = await asyncio.to_thread(self._audit.step)
            except StoreUnavailable:
                # The ledger tells of it; what was read so far is kept.
                await self._sleep(_AWAY_S)
                continue
            if found is not None:
                return self._tell(found)
            await self._sleep(max(_REST_MIN_S, (self._clock.monotonic() - began) * _REST))

    def _tell(self, found: Audited) -> None:
        self._found, self._at = found, self._clock.wall()
        figures = {"accounts": found.accounts, "lines": found.lines, "cost_nusd": found.cost_nusd}
        if not found.wrong:
            self._log.info("the books are right", **figures)
            return
        named = [
            f"{each.kind} {each.subject}: kept {each.kept}, counted {each.counted}"
            for each in found.differences[:_NAMED]
        ]
        self._log.error(
            "the books are wrong: waypost ledger verify", **figures, wrong=found.wrong, differences=named
        )

    def _pause(self) -> None:
        if self._ending:
            raise StoreUnavailable("The gateway ends.")
        time.sleep(_REST_MIN_S)  # in the audit's thread
