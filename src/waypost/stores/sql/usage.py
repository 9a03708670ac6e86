"""Reads the sums of usage: `ports.usage.UsageBook`. What a key belongs to is looked up in the keys as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, func, literal_column, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from waypost.core.spend import PARTS, By, Group, Spend, Wanted
from waypost.stores.sql.engine import Database
from waypost.stores.sql.rollup import SUMS
from waypost.stores.sql.tables import KEYS, USAGE

_NOTHING: Final[ColumnElement[str]] = literal_column("''")


def _of_key(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(column, _NOTHING)


_OF: Final[dict[By, ColumnElement[Any]]] = {
    "key": USAGE.c.key_id,
    "user": _of_key(KEYS.c.user_id),
    "service_account": _of_key(KEYS.c.service_id),
    "team": _of_key(KEYS.c.team_id),
    "project": _of_key(KEYS.c.project_id),
    "organization": _of_key(KEYS.c.organization_id),
    "model": USAGE.c.model,
    "provider": USAGE.c.provider,
    "tag": USAGE.c.scope_id,
    "end_user": USAGE.c.scope_id,
    "day": USAGE.c.hour // literal_column("24"),
    "hour": USAGE.c.hour,
}


class UsageRows:
    """Blocking. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, wanted: Wanted, after: tuple[str | int, ...] | None, limit: int) -> Sequence[Group]:
        """See `UsageBook`."""
        query = _query(wanted)
        of = [_OF[each] for each in wanted.by]
        if after is not None:
            query = query.where(tuple_(*of) > tuple_(*after))
        if of:
            query = query.group_by(*of).order_by(*of)
        size = len(of)
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [
            Group(
                ids=tuple(row[:size]),
                spend=Spend(*(int(each or 0) for each in row[size : size + len(SUMS)])),
                key_name=(row[-1] or "") if "key" in wanted.by else "",
            )
            for row in rows
        ]


def _query(wanted: Wanted) -> Select[Any]:
    sums = [func.sum(USAGE.c[name]) for name in SUMS]
    columns = [*(_OF[each] for each in wanted.by), *sums]
    if "key" in wanted.by:
        columns.append(func.min(KEYS.c.name))
    scope = next((each for each in wanted.by if each in PARTS), "")
    told: list[ColumnElement[bool]] = [USAGE.c.scope == scope]
    for column, value in (
        (KEYS.c.organization_id, wanted.organization_id),
        (KEYS.c.user_id, wanted.user_id),
        (KEYS.c.service_id, wanted.service_id),
    ):
        if value is not None:
            told.append(column == value)
    if wanted.since_hour is not None:
        told.append(USAGE.c.hour >= wanted.since_hour)
    if wanted.until_hour is not None:
        told.append(USAGE.c.hour < wanted.until_hour)
    source = USAGE.outerjoin(KEYS, KEYS.c.key_id == USAGE.c.key_id)
    return select(*columns).select_from(source).where(*told)
