"""The audit log, as it is read and as old rows of it are dropped. Writing is in `trail.py`, with what is changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, delete, insert, or_, select

from waypost.core.deed import Deed, Done, Entry, Kept, Wanted
from waypost.stores.sql.engine import Database
from waypost.stores.sql.tables import AUDIT, AUDIT_ANCHORS
from waypost.stores.sql.trail import append

#: What a row is called that tells of rows that were dropped, and what it is about.
DROPPED: Final = "drop_audit"
KIND: Final = "audit"
_SLICE: Final = 1000


class AuditRows:
    """`ports.audit.AuditLog`. Blocking. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by(self, deed: Deed) -> AuditRows:
        """See `AuditLog`."""
        return AuditRows(self._database.by(deed))

    def add(self, done: Done) -> None:
        """See `AuditLog`."""
        with self._database.write() as connection:
            append(connection, done)

    def page(self, wanted: Wanted, before: int | None, limit: int) -> Sequence[Kept]:
        """See `AuditLog`."""
        query = _wanted(wanted)
        if before is not None:
            query = query.where(AUDIT.c.seq < before)
        with self._database.read() as connection:
            return [
                kept_of(row) for row in connection.execute(query.order_by(AUDIT.c.seq.desc()).limit(limit))
            ]

    def oldest_first(self, wanted: Wanted) -> Iterator[Kept]:
        """All of them, in slices: it may take its time, and nobody waits for it."""
        query, after = _wanted(wanted).order_by(AUDIT.c.seq).limit(_SLICE), 0
        while True:
            with self._database.read() as connection:
                rows = connection.execute(query.where(AUDIT.c.seq > after)).all()
            yield from map(kept_of, rows)
            if len(rows) < _SLICE:
                return
            after = rows[-1].seq

    def oldest_us(self) -> int | None:
        """When the oldest row was written; None when there is none."""
        with self._database.read() as connection:
            return connection.scalar(select(AUDIT.c.at_us).order_by(AUDIT.c.seq).limit(1))

    def drop(self, before_us: int, *, slice_rows: int = 5000) -> int:
        """Drop a slice of the rows from before a moment, oldest first; call again until it returns 0.

        What is left begins at an anchor: the number and the hash of the last row that was dropped. A new row names the
        anchor, so that one that somebody else made is found out.
        """
        oldest = select(AUDIT.c.seq, AUDIT.c.at_us, AUDIT.c.hash).order_by(AUDIT.c.seq).limit(slice_rows)
        with self._database.by(Deed(action=DROPPED)).write() as connection:
            last = None
            count = 0
            for row in connection.execute(oldest):
                if row.at_us >= before_us:
                    break
                last, count = row, count + 1
            if last is None:
                return 0
            connection.execute(delete(AUDIT).where(AUDIT.c.seq <= last.seq))
            anchor = {"seq": last.seq, "hash": bytes(last.hash)}
            connection.execute(insert(AUDIT_ANCHORS).values(anchor))
            told = {"rows": [count, 0]}
            append(connection, Done(KIND, str(last.seq), bytes(last.hash).hex(), told, ""))
        return count


def kept_of(row: Row[Any]) -> Kept:
    """A row as it stands there."""
    values = (getattr(row, name) for name in Entry.__struct_fields__)
    return Kept(Entry(*values), bytes(row.hash))


def _wanted(wanted: Wanted) -> Select[Any]:
    exact = {
        AUDIT.c.organization_id: wanted.organization_id,
        AUDIT.c.actor: wanted.actor,
        AUDIT.c.action: wanted.action,
        AUDIT.c.outcome: wanted.outcome,
    }
    told: list[ColumnElement[bool]] = [
        column == value for column, value in exact.items() if value is not None
    ]
    if wanted.since_us is not None:
        told.append(AUDIT.c.at_us >= wanted.since_us)
    if wanted.until_us is not None:
        told.append(AUDIT.c.at_us < wanted.until_us)
    if wanted.of is not None:
        told.append(or_(AUDIT.c.object_id == wanted.of, AUDIT.c.name == wanted.of))
    return select(AUDIT).where(*told)
