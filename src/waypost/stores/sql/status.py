"""What there is to say of a database: its kind, revision, size, rows, and the nodes that share it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, delete, func, inspect, select, text

from waypost.core.deed import Done
from waypost.errors import ConfigError
from waypost.stores.sql.engine import Database
from waypost.stores.sql.leases import LeaseRows
from waypost.stores.sql.schema import HEAD, revision_of
from waypost.stores.sql.tables import INTENTS_APPLIED, LEASES, METADATA, NODES
from waypost.stores.sql.trail import append

#: A node tells that it is alive every few seconds.
_ALIVE_S: Final = 60.0
#: Where a server's own estimate is above this, it is taken.
_COUNTED: Final = 1_000_000


class NodeState(msgspec.Struct, frozen=True):
    """One of the nodes that share a database, or did."""

    node: str
    name: str
    version: str
    started_at: float
    seen_at: float
    leased_nusd: int


class Status(msgspec.Struct, frozen=True):
    """One database."""

    kind: Literal["sqlite", "postgresql"]
    revision: str | None
    """None: it has no tables yet."""
    newest: str
    """What this version of Waypost brings it to."""
    size: int
    """In bytes, all in all."""
    rows: dict[str, int]
    """Per table; of a very large one what the server estimates."""
    nodes: tuple[NodeState, ...]


def status_of(database: Database) -> Status:
    """Nothing is changed, and tables of an older version are left as they are. Raises StoreUnavailable."""
    shared = database.engine.dialect.name == "postgresql"
    with database.read() as connection:
        there = set(inspect(connection).get_table_names())
        rows = {name: _count(connection, name, shared) for name in METADATA.tables if name in there}
        return Status(
            kind="postgresql" if shared else "sqlite",
            revision=revision_of(connection),
            newest=HEAD,
            size=int(connection.scalar(text(_SIZE[shared])) or 0),
            rows=rows,
            nodes=_nodes(connection) if {"nodes", "leases"} <= there else (),
        )


def forget_node(database: Database, node: str, now: float) -> Mapping[str, int]:
    """Give back what a node had leased that will not come back: per account what it was. What it spent and had not
    posted is in its intents files, and nowhere else.

    Raises ConfigError for a node that is not known or was alive a minute before Unix time `now`, StoreUnavailable.
    """
    with database.read() as connection:
        known = {each.node: each for each in _nodes(connection)}
        leased = connection.scalar(select(func.count()).select_from(LEASES).where(LEASES.c.node == node))
    found = known.get(node)
    if found is None and not leased:
        raise ConfigError(f"There is no node {node!r}. waypost db status names them.")
    if found is not None and found.seen_at > now - _ALIVE_S:
        raise ConfigError(
            f"The node {node} ({found.name}) was alive {max(0.0, now - found.seen_at):.0f} seconds ago. Stop it: then "
            "it gives back everything by itself."
        )
    back = LeaseRows(database, node).end()
    drop_node(database, node, "" if found is None else found.name, sum(back.values()))
    return back


def drop_node(database: Database, node: str, name: str = "", leased_nusd: int = 0) -> None:
    """Forget that there was such a node, which has nothing leased any more: `leased_nusd` is what it had. Raises
    StoreUnavailable."""
    with database.write() as connection:
        connection.execute(delete(NODES).where(NODES.c.node == node))
        of_node = INTENTS_APPLIED.c.segment.startswith(f"{node}/", autoescape=True)
        connection.execute(delete(INTENTS_APPLIED).where(of_node))
        told = {"leased_nusd": [leased_nusd, 0]}
        append(connection, Done("node", node, name, told))


_SIZE: Final = {
    False: "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    True: "SELECT pg_database_size(current_database())",
}


def _count(connection: Connection, name: str, shared: bool) -> int:
    if shared:
        asked = text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)")
        estimate = int(connection.scalar(asked, {"name": f'"{name}"'}) or 0)
        if estimate > _COUNTED:
            return estimate
    return int(connection.scalar(select(func.count()).select_from(METADATA.tables[name])) or 0)


def _nodes(connection: Connection) -> tuple[NodeState, ...]:
    asked = select(LEASES.c.node, func.sum(LEASES.c.amount_nusd)).group_by(LEASES.c.node)
    leased = {row.node: int(row[1]) for row in connection.execute(asked).all()}
    rows = connection.execute(select(NODES).order_by(NODES.c.seen_at.desc())).all()
    return tuple(
        NodeState(row.node, row.name, row.version, row.started_at, row.seen_at, leased.get(row.node, 0))
        for row in rows
    )
