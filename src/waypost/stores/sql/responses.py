"""Kept answers of the Responses dialect, in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

import msgspec
from sqlalchemy import delete, insert, select

from waypost.core.stored import StoredResponse
from waypost.stores.sql.engine import Database
from waypost.stores.sql.kept_tables import RESPONSES

T = TypeVar("T")

_UNFINISHED: Final = ("queued", "in_progress")
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(StoredResponse)


class ResponseRows:
    """Blocking reads and writes. Raises StoreUnavailable."""

    def __init__(self, database: Database, node: str | None = None) -> None:
        """`node`: who makes answers; None: the node that opened the database."""
        self._database = database
        self._node = database.node if node is None else node

    def put(self, stored: StoredResponse) -> None:
        """Keep an answer, in place of what was kept under its id."""
        values = {
            "response_id": stored.response_id,
            "key_id": stored.key_id,
            "expires_at": stored.expires_at,
            "status": stored.status,
            "record": _ENCODER.encode(stored),
            "node": self._node,
        }
        with self._database.write() as connection:
            connection.execute(delete(RESPONSES).where(RESPONSES.c.response_id == stored.response_id))
            connection.execute(insert(RESPONSES).values(values))

    def get(self, response_id: str, key_id: str, at: float) -> StoredResponse | None:
        """The answer with this id, if it is this key's and has not expired at Unix time `at`."""
        query = select(RESPONSES.c.record).where(
            RESPONSES.c.response_id == response_id, RESPONSES.c.key_id == key_id, RESPONSES.c.expires_at > at
        )
        with self._database.read() as connection:
            record = connection.scalar(query)
        return None if record is None else _DECODER.decode(bytes(record))

    def delete(self, response_id: str, key_id: str) -> bool:
        """Forget an answer of this key; False when there is none."""
        mine = (RESPONSES.c.response_id == response_id, RESPONSES.c.key_id == key_id)
        with self._database.write() as connection:
            return connection.execute(delete(RESPONSES).where(*mine)).rowcount > 0

    def delete_expired(self, at: float, *, slice_rows: int = 500) -> int:
        """Forget a slice of what has expired at Unix time `at`; call again until it returns 0."""
        with self._database.write() as connection:
            query = select(RESPONSES.c.response_id).where(RESPONSES.c.expires_at <= at).limit(slice_rows)
            expired = list(connection.scalars(query))
            if expired:
                connection.execute(delete(RESPONSES).where(RESPONSES.c.response_id.in_(expired)))
        return len(expired)

    def unfinished(self) -> list[StoredResponse]:
        """Answers that were being made when this node last ended."""
        mine = RESPONSES.c.node == self._node
        query = select(RESPONSES.c.record).where(RESPONSES.c.status.in_(_UNFINISHED), mine)
        with self._database.read() as connection:
            return [_DECODER.decode(bytes(record)) for record in connection.scalars(query)]


class SqlResponses:
    """`ports.Responses`, on a thread of its own."""

    def __init__(self, rows: ResponseRows) -> None:
        self._rows = rows
        self._thread = ThreadPoolExecutor(1, "waypost-responses")

    async def put(self, stored: StoredResponse) -> None:
        """See `ports.Responses`."""
        await self._run(partial(self._rows.put, stored))

    async def get(self, response_id: str, key_id: str, at: float) -> StoredResponse | None:
        """See `ports.Responses`."""
        return await self._run(partial(self._rows.get, response_id, key_id, at))

    async def delete(self, response_id: str, key_id: str) -> bool:
        """See `ports.Responses`."""
        return await self._run(partial(self._rows.delete, response_id, key_id))

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
