"""What is known of clients' files, in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, delete, func, insert, or_, select

from waypost.core.file import Page, StoredFile
from waypost.stores.sql.batches import UNFINISHED
from waypost.stores.sql.engine import Database
from waypost.stores.sql.kept_tables import BATCHES, FILES

T = TypeVar("T")
_SLICE: Final = 500


class FileRows:
    """Blocking reads and writes of this node's. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._here = FILES.c.node == database.home

    def put(self, file: StoredFile, key_max: int | None = None, total_max: int | None = None) -> bool:
        """See `ports.Files`."""
        with self._database.write() as connection:
            if connection.scalar(select(FILES.c.seq).where(FILES.c.file_id == file.file_id)) is not None:
                return True
            mine, everybodys = self._used(connection, file.key_id)
            if key_max is not None and mine + file.size > key_max:
                return False
            if total_max is not None and everybodys + file.size > total_max:
                return False
            values = {name: getattr(file, name) for name in file.__struct_fields__}
            connection.execute(insert(FILES).values(values | {"node": self._database.home}))
        return True

    def get(self, file_id: str, key_id: str | None, at: float) -> StoredFile | None:
        """See `ports.Files`."""
        query = select(FILES).where(FILES.c.file_id == file_id, _lasting(at), self._here)
        if key_id is not None:
            query = query.where(FILES.c.key_id == key_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _file(row)

    def page(self, page: Page, at: float) -> Sequence[StoredFile]:
        """See `ports.Files`."""
        query = select(FILES).where(_lasting(at), self._here).limit(page.limit)
        query = query.order_by(FILES.c.seq.desc() if page.newest_first else FILES.c.seq)
        if page.key_id is not None:
            query = query.where(FILES.c.key_id == page.key_id)
        if page.purpose is not None:
            query = query.where(FILES.c.purpose == page.purpose)
        if page.after:
            mark = select(FILES.c.seq).where(FILES.c.file_id == page.after)
            if page.key_id is not None:
                mark = mark.where(FILES.c.key_id == page.key_id)
            seq = mark.scalar_subquery()
            query = query.where(FILES.c.seq < seq if page.newest_first else FILES.c.seq > seq)
        with self._database.read() as connection:
            return [_file(row) for row in connection.execute(query)]

    def delete(self, file_id: str) -> bool:
        """See `ports.Files`."""
        with self._database.write() as connection:
            return connection.execute(delete(FILES).where(FILES.c.file_id == file_id)).rowcount > 0

    def used(self, key_id: str) -> tuple[int, int]:
        """See `ports.Files`."""
        with self._database.read() as connection:
            return self._used(connection, key_id)

    def delete_expired(self, at: float, *, slice_rows: int = _SLICE) -> Sequence[str]:
        """Forget a slice of what has expired at Unix time `at`, but no input of a batch that is not over; returns the
        ids. Call again until there are none."""
        read = select(BATCHES.c.input_file_id).where(UNFINISHED)
        query = select(FILES.c.file_id).where(FILES.c.expires_at <= at, FILES.c.file_id.not_in(read))
        query = query.where(self._here).limit(slice_rows)
        with self._database.write() as connection:
            expired = list(connection.scalars(query))
            if expired:
                connection.execute(delete(FILES).where(FILES.c.file_id.in_(expired)))
        return expired

    def known(self, file_ids: Sequence[str]) -> frozenset[str]:
        """Those of some ids that there are files of."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(select(FILES.c.file_id).where(FILES.c.file_id.in_(file_ids))))

    def _used(self, connection: Connection, key_id: str) -> tuple[int, int]:
        total = select(func.coalesce(func.sum(FILES.c.size), 0)).where(self._here)
        mine = connection.scalar(total.where(FILES.c.key_id == key_id)) or 0
        return int(mine), int(connection.scalar(total) or 0)


class SqlFiles:
    """`ports.Files`, on a thread of its own."""

    def __init__(self, rows: FileRows) -> None:
        self._rows = rows
        self._thread = ThreadPoolExecutor(1, "waypost-files")

    async def put(self, file: StoredFile, key_max: int | None = None, total_max: int | None = None) -> bool:
        """See `ports.Files`."""
        return await self._run(partial(self._rows.put, file, key_max, total_max))

    async def get(self, file_id: str, key_id: str | None, at: float) -> StoredFile | None:
        """See `ports.Files`."""
        return await self._run(partial(self._rows.get, file_id, key_id, at))

    async def page(self, page: Page, at: float) -> Sequence[StoredFile]:
        """See `ports.Files`."""
        return await self._run(partial(self._rows.page, page, at))

    async def delete(self, file_id: str) -> bool:
        """See `ports.Files`."""
        return await self._run(partial(self._rows.delete, file_id))

    async def used(self, key_id: str) -> tuple[int, int]:
        """See `ports.Files`."""
        return await self._run(partial(self._rows.used, key_id))

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _lasting(at: float) -> Any:
    return or_(FILES.c.expires_at.is_(None), FILES.c.expires_at > at)


def _file(row: Row[Any]) -> StoredFile:
    return StoredFile(
        file_id=row.file_id,
        key_id=row.key_id,
        purpose=row.purpose,
        filename=row.filename,
        size=row.size,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
