"""Who makes the answer for an idempotency key, in SQL: one row per answer that is being made by one of several nodes.

A row whose node has ended holds nothing. A node that starts forgets its own; of one that does not come back it is told
by its not having been seen (`nodes`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

import msgspec
from sqlalchemy import ColumnElement, and_, delete, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from waypost.core.replay import Claim
from waypost.errors import GatewayError
from waypost.ports import Telling
from waypost.stores.sql.engine import Database
from waypost.stores.sql.kept_tables import CLAIMS
from waypost.stores.sql.tables import NODES
from waypost.telemetry.logs import Log

T = TypeVar("T")
Follow = Callable[[Claim], Awaitable[Telling | None]]

#: A node tells every five seconds that it is alive.
ALIVE_S: Final = 30.0
_SLICE: Final = 500


class ClaimRows:
    """Blocking reads and writes of one node. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: What could not be released is once more with the next one.
        self._releasing: list[Claim] = []
        self._insert = postgresql.insert if database.engine.dialect.name == "postgresql" else sqlite.insert

    def begin(self) -> None:
        """This node has just started: what it made before is lost."""
        with self._database.write(shared=True) as connection:
            connection.execute(delete(CLAIMS).where(CLAIMS.c.node == self._database.node))

    def take(self, claim: Claim, void: str | None = None) -> Claim | None:
        """See `ports.Claims`."""
        mine = msgspec.structs.replace(claim, node=self._database.node)
        values = msgspec.structs.asdict(mine)
        added = self._insert(CLAIMS).values(values).on_conflict_do_nothing()
        nothing = or_(CLAIMS.c.node == mine.node, CLAIMS.c.exchange_id == void, _ended(claim.made_at))
        while True:
            with self._database.write(shared=True) as connection:
                connection.execute(delete(CLAIMS).where(_scope(claim), nothing))
                if connection.execute(added).rowcount:
                    return None
                row = connection.execute(select(CLAIMS).where(_scope(claim))).one_or_none()
                if row is not None:
                    return Claim(**row._asdict())  # else it was released just now

    def held(self, claim: Claim, at: float) -> bool:
        """See `ports.Claims`."""
        query = select(CLAIMS.c.exchange_id).where(
            _scope(claim), CLAIMS.c.exchange_id == claim.exchange_id, ~_ended(at)
        )
        with self._database.read() as connection:
            return connection.scalar(query) is not None

    def release(self, claim: Claim) -> None:
        """See `ports.Claims`. From one thread."""
        self._releasing.append(claim)
        with self._database.write(shared=True) as connection:
            for each in self._releasing:
                mine = CLAIMS.c.exchange_id == each.exchange_id
                connection.execute(delete(CLAIMS).where(_scope(each), mine))
        self._releasing.clear()

    def delete_expired(self, at: float) -> int:
        """Forget what nobody released. Returns how many."""
        with self._database.write(shared=True) as connection:
            return connection.execute(delete(CLAIMS).where(CLAIMS.c.expires_at <= at)).rowcount


def _scope(claim: Claim) -> ColumnElement[bool]:
    return and_(CLAIMS.c.key_id == claim.key_id, CLAIMS.c.digest == claim.digest)


def _ended(at: float) -> ColumnElement[bool]:
    """It has expired, or its node has ended. A node is known from a moment after its start."""
    seen = exists().where(NODES.c.node == CLAIMS.c.node, NODES.c.seen_at > at - ALIVE_S)
    return or_(CLAIMS.c.expires_at <= at, and_(CLAIMS.c.made_at <= at - ALIVE_S, ~seen))


class SqlClaims:
    """`ports.Claims`, on a thread of its own."""

    def __init__(self, rows: ClaimRows, log: Log, follow: Follow | None = None) -> None:
        """`follow`: see `ports.Claims`; None: nobody is near enough."""
        self._rows = rows
        self._log = log
        self._follow = follow
        self._thread = ThreadPoolExecutor(1, "waypost-claims")

    async def take(self, claim: Claim, *, void: str | None = None) -> Claim | None:
        """See `ports.Claims`."""
        return await self._run(partial(self._rows.take, claim, void))

    async def held(self, claim: Claim, at: float) -> bool:
        """See `ports.Claims`."""
        return await self._run(partial(self._rows.held, claim, at))

    def release(self, claim: Claim) -> None:
        """See `ports.Claims`. After a `take` of the same claim that is still under way."""
        self._thread.submit(self._rows.release, claim).add_done_callback(self._released)

    async def follow(self, claim: Claim) -> Telling | None:
        """See `ports.Claims`."""
        return None if self._follow is None else await self._follow(claim)

    def close(self) -> None:
        """Release what is to be released, and end the thread."""
        self._thread.shutdown()

    def _released(self, done: Future[None]) -> None:
        error = done.exception()
        if isinstance(error, GatewayError):
            # Other nodes wait until it is, or has expired; this gateway's processes do not.
            self._log.warning("an idempotency key could not be let go", why=error.message)
        elif error is not None:
            self._log.fault("an idempotency key could not be let go", error)

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
