"""The books of a gateway that shares its database with others: its limits hold by leases."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping

from waypost import __version__
from waypost.app.ending import end_all
from waypost.errors import ConfigError, StoreUnavailable
from waypost.ledger.ledger import BookLedger
from waypost.stores.sql.engine import Database
from waypost.stores.sql.leases import LeaseRows
from waypost.telemetry.logs import Log

_END_S = 10.0
_CHECK_S = 5.0


class SharedBooks:
    """Owns the task that keeps a node's leases, from its start to its end."""

    def __init__(
        self,
        database: Database,
        ledger: BookLedger,
        log: Log,
        check: Callable[[], None] = lambda: None,
        worker: int = 0,
    ) -> None:
        """Does nothing where the database is this gateway's alone. `check`: that nobody else is this node; called now
        and then, on a thread. `worker`: which one of this machine's it is. Raises StoreUnavailable."""
        self._log = log
        self._check = check
        self._leasing = None
        self._task: asyncio.Future[None] | None = None
        if database.node:
            name = f"{socket.gethostname()}/{worker}" if worker else socket.gethostname()
            self._leasing = ledger.share(LeaseRows(database), name, __version__)
            self._task = asyncio.ensure_future(self._watch_both())

    def gauges(self) -> Mapping[str, float]:
        """For `/metrics`."""
        if self._leasing is None:
            return {"waypost_nodes": 1, "waypost_leased_nano_usd": 0}
        return {"waypost_nodes": self._leasing.nodes, "waypost_leased_nano_usd": self._leasing.free_nusd}

    async def _watch_both(self) -> None:
        await asyncio.gather(self._watch(), self._watch_name())

    async def _watch_name(self) -> None:
        while True:
            await asyncio.sleep(_CHECK_S)
            try:
                await asyncio.to_thread(self._check)
            except StoreUnavailable:
                continue  # the ledger's `ready` tells of it
            except ConfigError as error:
                self._log.error("two gateways are one node", why=error.message)

    async def _watch(self) -> None:
        assert self._leasing is not None  # noqa: S101 - there is a task only then
        while True:
            try:
                await self._leasing.watch()
            except Exception as error:  # noqa: BLE001 - told of, and begun again: it must outlive any one fault
                self._log.fault("background work failed and begins again", error, work="leases")
            await asyncio.sleep(1.0)

    async def end(self, left: int) -> None:
        """Give back what is leased, after the ledger has stopped with `left` records unposted: with any left, the next
        start does it."""
        if self._leasing is None or self._task is None:
            return
        await end_all((self._task,))
        if not left:
            try:
                await asyncio.wait_for(self._leasing.end(), _END_S)
            except (StoreUnavailable, TimeoutError):
                self._log.warning("what this node has leased stays set aside until it starts again")
        self._leasing.close()
