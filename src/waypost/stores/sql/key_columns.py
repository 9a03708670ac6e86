"""Keys as rows, and rows as keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from sqlalchemy import Connection, RowMapping, Select, insert, select, update

from waypost.core.budget import BudgetPeriod
from waypost.core.key import Key, Priority
from waypost.core.keytext import IssuedKey
from waypost.errors import NotFound
from waypost.stores.sql.tables import KEY_SECRETS, KEYS, VERSIONS

_VERSION: Final = "keys"
_LISTS: Final = ("models", "tags", "required_tags", "endpoints", "networks")
_TEXTS: Final = msgspec.json.Decoder(tuple[str, ...])

#: Keys with each of their secrets.
KEY: Final[Select[Any]] = select(
    KEYS,
    KEY_SECRETS.c.digest,
    KEY_SECRETS.c.hint,
    KEY_SECRETS.c.created_at.label("issued_at"),
    KEY_SECRETS.c.expires_at.label("secret_expires_at"),
).join(KEY_SECRETS, KEYS.c.key_id == KEY_SECRETS.c.key_id)


def key_of(row: RowMapping) -> Key:
    """The key of a row of `KEY`: it ends when it, or this secret of it, does."""
    ends = [end for end in (row["expires_at"], row["secret_expires_at"]) if end is not None]
    return Key(
        key_id=row["key_id"],
        name=row["name"],
        digest=bytes(row["digest"]),
        hint=row["hint"],
        created_at=row["created_at"],
        expires_at=min(ends, default=None),
        revoked_at=row["revoked_at"],
        models=_TEXTS.decode(row["models"]),
        rpm=row["rpm"],
        budget_nusd=row["budget_nusd"],
        budget_per=cast(BudgetPeriod, row["budget_per"]),
        log_content=row["log_content"],
        route=row["route"],
        priority=cast(Priority, row["priority"]),
        operator=row["operator"],
        organization_id=row["organization_id"],
        team_id=row["team_id"],
        project_id=row["project_id"],
        user_id=row["user_id"],
        service_id=row["service_id"],
        tags=_TEXTS.decode(row["tags"]),
        required_tags=_TEXTS.decode(row["required_tags"]),
        endpoints=_TEXTS.decode(row["endpoints"]),
        networks=_TEXTS.decode(row["networks"]),
        made_by=row["made_by"],
        revision=row["revision"],
    )


def encoded(values: Mapping[str, object]) -> dict[str, object]:
    """Fields of a key as columns."""
    lists = {name: msgspec.json.encode(value).decode() for name, value in values.items() if name in _LISTS}
    return {**values, **lists}


def newest(connection: Connection, query: Select[Any]) -> list[Key]:
    """Each key with the newest of its secrets, oldest key first."""
    # Each rotation gives an end to all secrets but its own, whatever the clock says.
    of_key = (KEY_SECRETS.c.expires_at.is_(None), KEY_SECRETS.c.created_at)
    ordered = query.order_by(KEYS.c.created_at, KEYS.c.key_id, *of_key)
    rows = {row["key_id"]: row for row in connection.execute(ordered).mappings()}
    return [key_of(row) for row in rows.values()]


def by_id(connection: Connection, key_id: str) -> Key:
    """A key with its newest secret. Raises NotFound."""
    found = newest(connection, KEY.where(KEYS.c.key_id == key_id))
    if not found:
        raise NotFound(
            f"There is no key with the id {key_id[:64]!r}. `waypost keys list` shows them.", param="key_id"
        )
    return found[0]


def by_digest(connection: Connection, digest: bytes) -> Key:
    """The key with a secret that is there."""
    return key_of(connection.execute(KEY.where(KEY_SECRETS.c.digest == digest)).mappings().one())


def add_secret(connection: Connection, issued: IssuedKey, at: float) -> None:
    """One more secret of a key."""
    values = {"digest": issued.digest, "key_id": issued.key_id, "hint": issued.hint, "created_at": at}
    connection.execute(insert(KEY_SECRETS).values(values))


def version_of(connection: Connection) -> int:
    """How many changes the keys have seen."""
    return int(connection.scalar(select(VERSIONS.c.value).where(VERSIONS.c.name == _VERSION)) or 0)


def lock_keys(connection: Connection) -> None:
    """Keep others from changing keys until the transaction ends. Who needs the directory too locks that first."""
    connection.execute(select(VERSIONS.c.value).where(VERSIONS.c.name == _VERSION).with_for_update())


def raise_version(connection: Connection) -> int:
    """One change more; the version now."""
    connection.execute(update(VERSIONS).where(VERSIONS.c.name == _VERSION).values(value=VERSIONS.c.value + 1))
    return version_of(connection)
