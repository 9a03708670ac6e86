"""Tells the audit log who rehearses an outage, and who ends it before its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from waypost.app.ending import end_all
from waypost.core.deed import Deed, Done
from waypost.edge.gate import Errand
from waypost.errors import StoreUnavailable
from waypost.pipeline.plans import OPERATOR
from waypost.pipeline.rehearsal import Scope
from waypost.pipeline.rehearsal_report import Order
from waypost.ports.audit import AuditLog
from waypost.telemetry.logs import Log

KIND: Final = "drill"
_AGAIN_S: Final = 1.0
_PATIENCE_S: Final = 2.0
_ACTIONS: Final = {"POST": "start_drill", "DELETE": "stop_drill"}


class DrillTrail:
    """Owns the rows that wait for a database that is away. Lives on the event loop's thread."""

    def __init__(
        self,
        trail: AuditLog,
        log: Log,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """`patience_s`: how long the end of the process waits for a database."""
        self._trail, self._log, self._sleep, self._patience_s = trail, log, sleep, patience_s
        self._tasks: set[asyncio.Task[None]] = set()

    async def begun(self, deed: Deed, drill_id: str, order: Order, scope: Scope) -> None:
        """One is about to begin. Raises StoreUnavailable, and then it does not."""
        told = {"key_id": scope.key_id, "organization_id": scope.owner or None, **_told(order)}
        done = Done(KIND, drill_id, _name(order), _new(told), scope.owner)
        await asyncio.to_thread(self._trail.by(deed).add, done)

    def stopped(self, deed: Deed, drill_id: str, order: Order, owner: str, left_s: float) -> None:
        """One, on a route of `owner`'s if it has one, was ended `left_s` before its time. That does not wait for a
        database: what it breaks is well again, and the row is written as soon as it can be."""
        done = Done(KIND, drill_id, _name(order), {"left_s": [round(left_s, 3), 0]}, owner)
        task = asyncio.ensure_future(self._keep(deed, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Write what can be written now."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._patience_s)
        await end_all(self._tasks)

    async def _keep(self, deed: Deed, done: Done) -> None:
        try:
            while True:
                try:
                    await asyncio.to_thread(self._trail.by(deed).add, done)
                    return
                except StoreUnavailable:
                    await self._sleep(_AGAIN_S)
        except asyncio.CancelledError:
            self._log.error(
                "the audit log was not told who ended a rehearsal", id=done.object_id, by=deed.actor
            )
            raise


def deed_of(errand: Errand) -> Deed:
    """Who orders: the machine's command line, or whoever an operator's key belongs to."""
    key, action = errand.key, _ACTIONS.get(errand.method, "")
    if key == OPERATOR:
        return Deed("operator", "machine", action, "", errand.request_id, errand.address)
    owner = f"user:{key.user_id}" if key.user_id else f"service:{key.service_id}" if key.service_id else ""
    return Deed(
        owner or f"key:{key.key_id}", f"key:{key.key_id}", action, "", errand.request_id, errand.address
    )


def _name(order: Order) -> str:
    return f"{order.fault.kind} of {', '.join(order.providers)}"


def _told(order: Order) -> dict[str, object]:
    fault = order.fault
    return {
        "providers": list(order.providers),
        "models": list(order.models) or None,
        "region": order.region,
        "key": order.key,
        "route": order.route,
        "share": order.share,
        "fault": fault.kind,
        "duration_s": order.for_s,
    }


def _new(told: dict[str, object]) -> dict[str, object]:
    return {name: [None, value] for name, value in told.items() if value is not None}
