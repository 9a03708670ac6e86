"""Writes the audit log: one row for each change, in the transaction of the change.

So a change whose row can not be written does not happen. Rows are a chain (`core.deed`), so whoever writes one locks
the number of the last one first: of several nodes, one after the other. It is the last lock that a transaction takes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Final

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from waypost.core.changed import changed
from waypost.core.deed import GENESIS, Deed, Done, Entry, hash_of
from waypost.core.objects import KIND_OF, Object, home_of
from waypost.core.people import Organization
from waypost.errors import Bug
from waypost.stores.sql.engine import DEED
from waypost.stores.sql.tables import AUDIT, AUDIT_ANCHORS, OBJECTS, VERSIONS

VERSION: Final = "audit"
_PLACE_MOST: Final = 64
_TEXT_MOST: Final = 200
_NAME_MOST: Final = 500


def append(connection: Connection, done: Done) -> None:
    """Tell of a change that this transaction makes, as the deed of its database says who makes it."""
    deed, wall = _deed_of(connection)
    last, previous = last_of(connection, locked=True)
    home = deed.organization_id if done.organization_id is None else done.organization_id
    entry = Entry(
        seq=last + 1,
        at_us=int((_database_time(connection) if wall is None else wall()) * 1_000_000),
        actor=_text(deed.actor),
        via=_text(deed.via),
        organization_id=_text(home, _PLACE_MOST),
        action=_text(deed.action),
        kind=done.kind,
        object_id=_text(done.object_id),
        name=_text(done.name, _NAME_MOST),
        outcome=done.outcome,
        changes=_text(msgspec.json.encode(done.changes).decode(), None),
        request_id=_text(deed.request_id),
        address=_text(deed.address),
    )
    values = {**msgspec.structs.asdict(entry), "hash": hash_of(previous, entry)}
    connection.execute(insert(AUDIT).values(values))
    connection.execute(update(VERSIONS).where(VERSIONS.c.name == VERSION).values(value=entry.seq))


def append_object(connection: Connection, before: Object | None, after: Object | None) -> None:
    """Tell of an object that is made, changed, or deleted."""
    found = after if after is not None else before
    assert found is not None  # noqa: S101 - there is a change only of something
    home = found.id if isinstance(found, Organization) else home_of(found)
    told = Done(KIND_OF[type(found)], found.id, found.name, changed(before, after), home)
    append(connection, told)


def last_of(connection: Connection, *, locked: bool = False) -> tuple[int, bytes]:
    """The number and the hash of the last row. `locked`: nobody adds one before the transaction ends."""
    query = select(VERSIONS.c.value).where(VERSIONS.c.name == VERSION)
    last = connection.scalar(query.with_for_update() if locked else query)
    if last is None:
        raise Bug("The database has no audit log. Its tables are not those of this version.")
    if not last:
        return 0, GENESIS
    for table in (AUDIT, AUDIT_ANCHORS):
        kept = connection.scalar(select(table.c.hash).where(table.c.seq == last))
        if kept is not None:
            return int(last), bytes(kept)
    # Rows were taken out behind the gateway's back. The log goes on, and its verification names the gap.
    kept = connection.execute(select(AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)).scalar()
    highest = int(connection.scalar(select(func.max(AUDIT.c.seq))) or 0)
    return max(int(last), highest), GENESIS if kept is None else bytes(kept)


def name_of_user(connection: Connection, user_id: str) -> str:
    """What a person signs in with; empty when they are not there."""
    mine = (OBJECTS.c.kind == "user", OBJECTS.c.object_id == user_id)
    return str(connection.scalar(select(OBJECTS.c.name).where(*mine)) or "")


def _deed_of(connection: Connection) -> tuple[Deed, Callable[[], float] | None]:
    found: tuple[Deed, Callable[[], float] | None] = connection.get_execution_options()[DEED]
    return found


def _database_time(connection: Connection) -> float:
    now = connection.execute(select(func.now())).scalar_one()
    return (now if now.tzinfo else now.replace(tzinfo=UTC)).timestamp()


def _text(text: str, most: int | None = _TEXT_MOST) -> str:
    """As every database can keep it."""
    kept = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return kept if most is None or len(kept) <= most else kept[: most - 1] + "…"
