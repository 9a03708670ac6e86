"""Verifies the audit log: every row is what its hash says, behind the row that it says, up to the last one.

Whoever can write to the database can also make a whole new chain that is right in itself. What finds that out is a head
(number and hash of a last row) that was kept elsewhere: it has to be in the chain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, select

from waypost.core.deed import GENESIS, hash_of
from waypost.stores.sql.audit_log import DROPPED, KIND, kept_of
from waypost.stores.sql.engine import Database
from waypost.stores.sql.tables import AUDIT, AUDIT_ANCHORS, VERSIONS
from waypost.stores.sql.trail import VERSION

FaultKind = Literal["altered", "missing", "cut", "anchor", "head", "dropped_head"]
"""`altered`: a row, or the one before it, is not what was written there. `missing`: rows from `seq` on are not there.
`cut`: the last row is not the last that was written. `anchor`: no row names where the log begins. `head`: the head that
was kept elsewhere is not in the log; `dropped_head`: it is of a row that was dropped by now, so it proves nothing."""

_NAMED: Final = 100
_SLICE: Final = 1000


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, and at which number."""

    kind: FaultKind
    seq: int
    count: int = 1


class Head(msgspec.Struct, frozen=True):
    """A row's hash, and its number where that was kept too."""

    hash: bytes
    seq: int | None = None


class Verified(msgspec.Struct, frozen=True):
    """What was found. Without a fault the log is whole."""

    rows: int
    first: int
    """The number of the first row; 0 when there is none."""
    last: int
    head: bytes
    """The hash of the last row: what can be kept elsewhere."""
    anchor: int
    """The number of the last row that was dropped; 0 when none was."""
    faults: tuple[Fault, ...]
    """Of `wrong` ones, the first hundred."""
    wrong: int


class _Walk:
    """What is known on the way along the chain."""

    def __init__(self, anchor: int, previous: bytes, wanted: Head | None) -> None:
        self.anchor, self.previous, self.wanted = anchor, previous, wanted
        self.last = anchor
        self.first = 0
        self.rows = 0
        self.faults: list[Fault] = []
        self.wrong = 0
        self._begin = previous
        self.anchored = not anchor
        self.found = wanted is not None and self._is_head(anchor, previous)

    def fault(self, kind: FaultKind, seq: int, count: int = 1) -> None:
        self.wrong += 1
        if len(self.faults) < _NAMED:
            self.faults.append(Fault(kind, seq, count))

    def step(self, row: Row[Any]) -> None:
        """One row more."""
        kept = kept_of(row)
        entry = kept.entry
        follows = entry.seq == self.last + 1
        if not follows:
            self.fault("missing", self.last + 1, entry.seq - self.last - 1)
        elif hash_of(self.previous, entry) != kept.hash:
            self.fault("altered", entry.seq)
        self.first = self.first or entry.seq
        self.last, self.previous = entry.seq, kept.hash
        self.rows += 1
        about = (entry.action, entry.kind, entry.object_id, entry.name)
        if about == (DROPPED, KIND, str(self.anchor), self._begin.hex()):
            self.anchored = True
        self.found = self.found or self._is_head(entry.seq, kept.hash)

    def _is_head(self, seq: int, kept: bytes) -> bool:
        wanted = self.wanted
        return wanted is not None and wanted.hash == kept and wanted.seq in (None, seq)


def verify(
    database: Database, head: Head | None = None, progress: Callable[[int], object] = lambda _: None
) -> Verified:
    """Walk along the whole log, in one picture of the database. `head`: one that was kept elsewhere.

    `progress` is told how many rows were read. Raises StoreUnavailable.
    """
    with database.read() as connection:
        walk = _begin(connection, head)
        last = int(connection.scalar(select(VERSIONS.c.value).where(VERSIONS.c.name == VERSION)) or 0)
        while rows := connection.execute(
            select(AUDIT).where(AUDIT.c.seq > walk.last).order_by(AUDIT.c.seq).limit(_SLICE)
        ).all():
            for row in rows:
                walk.step(row)
            progress(walk.rows)
        stray = connection.scalar(select(AUDIT.c.seq).where(AUDIT.c.seq <= walk.anchor).limit(1))
    if stray is not None:
        walk.fault("anchor", int(stray))
    if walk.last != last:
        walk.fault("cut", walk.last + 1, abs(last - walk.last))
    if not walk.anchored:
        walk.fault("anchor", walk.anchor)
    if head is not None and not walk.found:
        dropped = head.seq is not None and head.seq < walk.anchor
        walk.fault("dropped_head" if dropped else "head", head.seq or 0)
    return Verified(
        rows=walk.rows,
        first=walk.first,
        last=walk.last,
        head=walk.previous,
        anchor=walk.anchor,
        faults=tuple(walk.faults),
        wrong=walk.wrong,
    )


def _begin(connection: Connection, head: Head | None) -> _Walk:
    newest = select(AUDIT_ANCHORS).order_by(AUDIT_ANCHORS.c.seq.desc()).limit(1)
    anchor = connection.execute(newest).one_or_none()
    if anchor is None:
        return _Walk(0, GENESIS, head)
    return _Walk(int(anchor.seq), bytes(anchor.hash), head)
