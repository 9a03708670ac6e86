"""Where answers are kept for idempotency keys, and which process makes one where there are several."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TypedDict

from waypost.app.workers.together import Together
from waypost.ports import Claims, Replays
from waypost.stores.sql.claims import ClaimRows, SqlClaims
from waypost.stores.sql.engine import Database
from waypost.stores.sql.replays import ReplayRows, SqlReplays
from waypost.telemetry.logs import Log


class KeptOnce(TypedDict):
    """Of a `Pipeline`'s parts."""

    replays: Replays
    claims: Claims | None


def keep_answers(database: Database, together: Together | None, log: Log, stack: AsyncExitStack) -> KeptOnce:
    """For a process that has just started. Blocking. Raises StoreUnavailable."""
    replays = SqlReplays(ReplayRows(database))
    stack.callback(replays.close)
    if not database.node:  # nobody else answers
        return KeptOnce(replays=replays, claims=None)
    rows = ClaimRows(database)
    rows.begin()
    claims = SqlClaims(rows, log, None if together is None else together.follow)
    stack.callback(claims.close)
    return KeptOnce(replays=replays, claims=claims)
