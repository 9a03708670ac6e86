"""Deletes rows of the request log and of the audit log that are older than the operator wants. Ledger lines are never
deleted."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, select

from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.engine import Database
from waypost.stores.sql.tables import ATTEMPTS, CONTENTS, EXCHANGES

_DAY_US: Final = 86_400 * 1_000_000


def delete_expired(database: Database, now: float, days: int, *, slice_rows: int = 500) -> int:
    """Delete the oldest slice of the log as far as it started more than `days` before Unix time `now`.

    One short transaction, so that the ledger's writer never waits long: call again until it returns 0. Returns the
    number of exchanges deleted. Raises StoreUnavailable.
    """
    before = int(now * 1_000_000) - days * _DAY_US
    with database.write() as connection:
        # By settlement order, which is the primary key and nearly the order of starts: no index on time is needed.
        oldest = select(EXCHANGES.c.seq, EXCHANGES.c.exchange_id, EXCHANGES.c.started_us)
        rows = connection.execute(oldest.order_by(EXCHANGES.c.seq).limit(slice_rows)).all()
        expired = [(row.seq, row.exchange_id) for row in rows if row.started_us < before]
        if not expired:
            return 0
        ids = [exchange_id for _, exchange_id in expired]
        connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.exchange_id.in_(ids)))
        connection.execute(delete(CONTENTS).where(CONTENTS.c.exchange_id.in_(ids)))
        connection.execute(delete(EXCHANGES).where(EXCHANGES.c.seq.in_([seq for seq, _ in expired])))
    return len(expired)


def drop_audit(database: Database, now: float, days: int) -> int:
    """Drop a slice of the audit log as far as it is more than `days` old; call again until it returns 0. It begins when
    the oldest row is a day older than that, for each time leaves a row too. Raises StoreUnavailable."""
    rows = AuditRows(database)
    before, oldest = int(now * 1_000_000) - days * _DAY_US, rows.oldest_us()
    if oldest is None or oldest >= before - _DAY_US:
        return 0
    return rows.drop(before)
