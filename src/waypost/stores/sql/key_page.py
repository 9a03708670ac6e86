"""Lists of keys in pieces."""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, or_, select

from waypost.core.key import Key
from waypost.stores.sql.key_columns import KEY, newest
from waypost.stores.sql.tables import KEYS


class KeyFilter(msgspec.Struct, frozen=True):
    """Which keys: those that agree with all that is not None."""

    organization_id: str | None = None
    team_id: str | None = None
    project_id: str | None = None
    user_id: str | None = None
    service_id: str | None = None
    revoked: bool | None = None


def page_of(connection: Connection, wanted: KeyFilter, after: str, limit: int) -> list[Key]:
    """Keys with their newest secret, newest key first, from behind the key `after`; none behind one that is not
    there."""
    query = select(KEYS.c.key_id).where(*_conditions(wanted))
    if after:
        mark = select(KEYS.c.created_at).where(KEYS.c.key_id == after).scalar_subquery()
        older = KEYS.c.created_at < mark
        query = query.where(or_(older, and_(KEYS.c.created_at == mark, KEYS.c.key_id < after)))
    query = query.order_by(KEYS.c.created_at.desc(), KEYS.c.key_id.desc()).limit(limit)
    ids = list(connection.scalars(query))
    found = {key.key_id: key for key in newest(connection, KEY.where(KEYS.c.key_id.in_(ids)))}
    return [found[key_id] for key_id in ids]


def _conditions(wanted: KeyFilter) -> list[ColumnElement[bool]]:
    told = msgspec.structs.asdict(wanted)
    revoked = told.pop("revoked")
    conditions: list[ColumnElement[bool]] = [
        KEYS.c[name] == value for name, value in told.items() if value is not None
    ]
    if revoked is not None:
        conditions.append(KEYS.c.revoked_at.is_not(None) if revoked else KEYS.c.revoked_at.is_(None))
    return conditions
