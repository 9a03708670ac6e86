"""Batches, in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Select, String, delete, insert, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from waypost.core.batch import OVER, Batch, line_of
from waypost.core.file import Page
from waypost.stores.sql.engine import Database
from waypost.stores.sql.kept_tables import BATCHES
from waypost.stores.sql.tables import ATTEMPTS

T = TypeVar("T")

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Batch)
#: Of a row of `batches`: it is not over.
UNFINISHED: Final = BATCHES.c.status.not_in(sorted(OVER))


class _Bytewise(FunctionElement[str]):
    """A text that is compared byte by byte, as SQLite does by itself."""

    type = String()
    inherit_cache = True


@compiles(_Bytewise)
def _as_it_is(element: _Bytewise, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(_Bytewise, "postgresql")
def _in_bytes(element: _Bytewise, compiler: SQLCompiler, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)} COLLATE "C")'


def _dispatched(exchange_id: str) -> Select[str]:
    # A range of the primary key: "." is what comes behind "-".
    of_line = _Bytewise(ATTEMPTS.c.exchange_id)
    mine = (of_line >= f"{exchange_id}-", of_line < f"{exchange_id}.")
    return select(ATTEMPTS.c.exchange_id).where(*mine, ATTEMPTS.c.state != "voided")


class BatchRows:
    """Blocking reads and writes of this data folder's. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._here = BATCHES.c.node == database.home

    def put(self, batch: Batch, kept_until: float | None = None) -> None:
        """See `ports.Batches`."""
        values = {"status": batch.status, "kept_until": kept_until, "record": _ENCODER.encode(batch)}
        fixed = {
            "batch_id": batch.batch_id,
            "key_id": batch.key_id,
            "input_file_id": batch.input_file_id,
            "node": self._database.home,
        }
        with self._database.write() as connection:
            mine = BATCHES.c.batch_id == batch.batch_id
            if not connection.execute(update(BATCHES).where(mine).values(values)).rowcount:
                connection.execute(insert(BATCHES).values(fixed | values))

    def get(self, batch_id: str, key_id: str | None) -> Batch | None:
        """See `ports.Batches`."""
        query = select(BATCHES.c.record).where(BATCHES.c.batch_id == batch_id, self._here)
        if key_id is not None:
            query = query.where(BATCHES.c.key_id == key_id)
        with self._database.read() as connection:
            record = connection.scalar(query)
        return None if record is None else _DECODER.decode(bytes(record))

    def page(self, page: Page) -> Sequence[Batch]:
        """See `ports.Batches`."""
        query = select(BATCHES.c.record).where(self._here).order_by(BATCHES.c.seq.desc()).limit(page.limit)
        mine = () if page.key_id is None else (BATCHES.c.key_id == page.key_id,)
        if page.after:
            mark = select(BATCHES.c.seq).where(BATCHES.c.batch_id == page.after, *mine)
            query = query.where(BATCHES.c.seq < mark.scalar_subquery())
        with self._database.read() as connection:
            return [_DECODER.decode(bytes(one)) for one in connection.scalars(query.where(*mine))]

    def unfinished(self) -> Sequence[Batch]:
        """See `ports.Batches`."""
        query = select(BATCHES.c.record).where(UNFINISHED, self._here).order_by(BATCHES.c.seq)
        with self._database.read() as connection:
            return [_DECODER.decode(bytes(one)) for one in connection.scalars(query)]

    def working_on(self, file_id: str) -> str | None:
        """See `ports.Batches`."""
        query = select(BATCHES.c.batch_id).where(BATCHES.c.input_file_id == file_id, UNFINISHED).limit(1)
        with self._database.read() as connection:
            return connection.scalar(query)

    def dispatched(self, exchange_id: str) -> frozenset[int]:
        """See `ports.Batches`."""
        with self._database.read() as connection:
            lines = {line_of(exchange_id, one) for one in connection.scalars(_dispatched(exchange_id))}
        return frozenset(line for line in lines if line is not None)

    def delete_expired(self, at: float, *, slice_rows: int = 500) -> int:
        """Forget a slice of what has been kept long enough; call again until it returns 0."""
        query = select(BATCHES.c.seq).where(BATCHES.c.kept_until <= at).limit(slice_rows)
        with self._database.write() as connection:
            expired = list(connection.scalars(query))
            if expired:
                connection.execute(delete(BATCHES).where(BATCHES.c.seq.in_(expired)))
        return len(expired)


class SqlBatches:
    """`ports.Batches`, on a thread of its own: changes are written in the order they were asked for."""

    def __init__(self, rows: BatchRows) -> None:
        self._rows = rows
        self._thread = ThreadPoolExecutor(1, "waypost-batches")

    async def put(self, batch: Batch, kept_until: float | None = None) -> None:
        """See `ports.Batches`."""
        await self._run(partial(self._rows.put, batch, kept_until))

    async def get(self, batch_id: str, key_id: str | None) -> Batch | None:
        """See `ports.Batches`."""
        return await self._run(partial(self._rows.get, batch_id, key_id))

    async def page(self, page: Page) -> Sequence[Batch]:
        """See `ports.Batches`."""
        return await self._run(partial(self._rows.page, page))

    async def unfinished(self) -> Sequence[Batch]:
        """See `ports.Batches`."""
        return await self._run(self._rows.unfinished)

    async def working_on(self, file_id: str) -> str | None:
        """See `ports.Batches`."""
        return await self._run(partial(self._rows.working_on, file_id))

    async def dispatched(self, exchange_id: str) -> frozenset[int]:
        """See `ports.Batches`."""
        return await self._run(partial(self._rows.dispatched, exchange_id))

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
