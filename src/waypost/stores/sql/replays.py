"""Answers kept for requests that come again, in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

import msgspec
from sqlalchemy import and_, delete, func, insert, select

from waypost.core.replay import Replay
from waypost.stores.sql.engine import Database
from waypost.stores.sql.kept_tables import CLAIMS, REPLAYS

T = TypeVar("T")
_Headers = tuple[tuple[bytes, bytes], ...]

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Headers)
#: How much may be added before all is added up again: a part of the total, and so the most that it is exceeded by.
_PART: Final = 16
_SLICE: Final = 500


class ReplayRows:
    """Blocking reads and writes, from one thread at a time. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Bytes that may be added until the total is looked at again; None: it never was.
        self._unmeasured: int | None = None

    def put(self, replay: Replay, total_max: int) -> None:
        """Keep an answer, in place of what was kept for its key and digest. Where all bodies together exceed
        `total_max` bytes, those that expire first are forgotten."""
        values = {name: getattr(replay, name) for name in replay.__struct_fields__}
        values |= {"headers": _ENCODER.encode(replay.headers), "size": len(replay.body)}
        mine = and_(REPLAYS.c.key_id == replay.key_id, REPLAYS.c.digest == replay.digest)
        claimed = and_(
            CLAIMS.c.key_id == replay.key_id,
            CLAIMS.c.digest == replay.digest,
            CLAIMS.c.exchange_id == replay.exchange_id,
        )
        with self._database.write() as connection:
            connection.execute(delete(REPLAYS).where(mine))
            if self._database.node:  # in the same transaction: who waits for the claim's end finds the answer
                connection.execute(delete(CLAIMS).where(claimed))
            connection.execute(insert(REPLAYS).values(values))
        left = -1 if self._unmeasured is None else self._unmeasured - len(replay.body)
        self._unmeasured = left if left >= 0 else self._make_room(total_max)

    def get(self, key_id: str, digest: bytes, at: float) -> Replay | None:
        """What is kept for a key and a digest, if it has not expired at Unix time `at`."""
        query = select(REPLAYS).where(
            REPLAYS.c.key_id == key_id, REPLAYS.c.digest == digest, REPLAYS.c.expires_at > at
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return Replay(
            key_id=row.key_id,
            digest=bytes(row.digest),
            fingerprint=bytes(row.fingerprint),
            exchange_id=row.exchange_id,
            status=row.status,
            headers=_DECODER.decode(bytes(row.headers)),
            body=bytes(row.body),
            streamed=row.streamed,
            expires_at=row.expires_at,
        )

    def delete_expired(self, at: float, *, slice_rows: int = _SLICE) -> int:
        """Forget a slice of what has expired at Unix time `at`; call again until it returns 0."""
        query = select(REPLAYS.c.replay_id).where(REPLAYS.c.expires_at <= at).limit(slice_rows)
        with self._database.write() as connection:
            expired = list(connection.scalars(query))
            if expired:
                connection.execute(delete(REPLAYS).where(REPLAYS.c.replay_id.in_(expired)))
        return len(expired)

    def _make_room(self, total_max: int) -> int:
        """Bring the total under its limit; returns what may be added before it has to be looked at again."""
        part = total_max // _PART
        with self._database.write() as connection:
            total = connection.scalar(select(func.coalesce(func.sum(REPLAYS.c.size), 0))) or 0
            surplus = total - (total_max - part) if total > total_max else 0
            while surplus > 0:
                soonest = (
                    select(REPLAYS.c.replay_id, REPLAYS.c.size).order_by(REPLAYS.c.expires_at).limit(_SLICE)
                )
                gone: list[int] = []
                for row in connection.execute(soonest).all():
                    if surplus > 0:
                        gone.append(row.replay_id)
                        surplus -= row.size
                connection.execute(delete(REPLAYS).where(REPLAYS.c.replay_id.in_(gone)))
        return part


class SqlReplays:
    """`ports.Replays`, on a thread of its own."""

    def __init__(self, rows: ReplayRows) -> None:
        self._rows = rows
        self._thread = ThreadPoolExecutor(1, "waypost-replays")

    async def put(self, replay: Replay, total_max: int) -> None:
        """See `ports.Replays`."""
        await self._run(partial(self._rows.put, replay, total_max))

    async def get(self, key_id: str, digest: bytes, at: float) -> Replay | None:
        """See `ports.Replays`."""
        return await self._run(partial(self._rows.get, key_id, digest, at))

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
