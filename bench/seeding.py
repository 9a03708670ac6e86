"""An organization, or many, with teams, a project each, keys, budgets and limits, written as rows.

Through the control API a hundred thousand keys would take hours. What is written is what the stores would write, but
for the audit log, which tells of none of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import msgspec
from sqlalchemy import insert, update

from waypost.core.budget import Budget
from waypost.core.keytext import IssuedKey, issue
from waypost.core.limit import Limit
from waypost.core.objects import KIND_OF, Object, home_of
from waypost.core.people import Organization, Project, Team
from waypost.stores.node import node_of
from waypost.stores.sql.address import parse_address, secret_from
from waypost.stores.sql.key_columns import encoded
from waypost.stores.sql.keys import NewKey
from waypost.stores.sql.moving import STATEMENT_S, copy_rows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.postgres_link import Connector
from waypost.stores.sql.tables import KEY_SECRETS, KEYS, OBJECTS, VERSIONS
from waypost.stores.sql.variables import URL

_AT = 1_790_000_000.0
#: Nobody in the bench can exhaust them.
_NUSD = 10**15
_MUCH = 10**9
_ROWS = 10_000


class Size(msgspec.Struct, frozen=True):
    """How much there is. Each key is in a team and in the project of one organization."""

    keys: int = 1
    teams: int = 1
    budgets: int = 5
    """Of each organization two, of its project one, of each team one; the others are of keys."""
    organizations: int = 1


def objects(size: Size, key_ids: Sequence[str]) -> Iterator[Object]:
    """Everything but the keys."""
    for number in range(size.organizations):
        home = f"org_{number}"
        yield Organization(home, f"org-{number}", created_at=_AT)
        yield Project(f"proj_{number}", home, f"project-{number}", created_at=_AT)
        for unit in ("requests", "tokens"):
            name = f"{unit}-{number}"
            yield Limit(f"lim_{name}", home, name, "organization", home, unit, _MUCH, created_at=_AT)
        each = f"each-{number}"
        yield Limit(f"lim_{each}", home, each, "key", "*", "requests", _MUCH, created_at=_AT)
    for number in range(size.teams):
        home = f"org_{number % size.organizations}"
        yield Team(f"team_{number}", home, f"team-{number}", created_at=_AT)
    yield from islice(_budgets(size, key_ids), size.budgets)


def _budgets(size: Size, key_ids: Sequence[str]) -> Iterator[Budget]:
    for number in range(size.organizations):
        home = f"org_{number}"
        yield _budget(f"day-{number}", home, "organization", home, "day")
        yield _budget(f"month-{number}", home, "organization", home)
        yield _budget(f"project-{number}", home, "project", f"proj_{number}")
    for number in range(size.teams):
        yield _budget(f"team-{number}", f"org_{number % size.organizations}", "team", f"team_{number}")
    for number, key_id in enumerate(key_ids):
        yield _budget(f"key-{number}", f"org_{_team(size, number) % size.organizations}", "key", key_id)


def _budget(name: str, home: str, scope: str, scope_id: str, period: str = "month") -> Budget:
    told = {"id": f"bud_{name}", "organization_id": home, "name": name, "scope": scope, "scope_id": scope_id}
    return msgspec.convert({**told, "limit_nusd": _NUSD, "period": period, "created_at": _AT}, Budget)


def _team(size: Size, number: int) -> int:
    """Whose key it is."""
    return number % size.teams


def _key_rows(size: Size, issued: Sequence[IssuedKey]) -> Iterator[dict[str, object]]:
    for number, key in enumerate(issued):
        team = _team(size, number)
        home = team % size.organizations
        new = NewKey(
            f"key-{number}",
            organization_id=f"org_{home}",
            team_id=f"team_{team}",
            project_id=f"proj_{home}",
        )
        values = encoded(msgspec.structs.asdict(new))
        yield {**values, "key_id": key.key_id, "created_at": _AT, "revision": number + 1}


def _secret_rows(issued: Sequence[IssuedKey]) -> Iterator[dict[str, object]]:
    for key in issued:
        yield {"digest": key.digest, "key_id": key.key_id, "hint": key.hint, "created_at": _AT}


def _object_rows(size: Size, issued: Sequence[IssuedKey]) -> Iterator[dict[str, object]]:
    encode = msgspec.msgpack.Encoder().encode
    for number, found in enumerate(objects(size, [key.key_id for key in issued]), 1):
        stored = msgspec.structs.replace(found, revision=number)
        yield {
            "kind": KIND_OF[type(stored)],
            "object_id": stored.id,
            "organization_id": home_of(stored),
            "name": stored.name,
            "revision": number,
            "record": encode(stored),
        }


def seed(data: Path, size: Size) -> list[str]:
    """Make the SQLite database of a data folder, and write all of it. Returns keys as clients send them: at most 512,
    spread over all."""
    issued = [issue(secrets.token_bytes) for _ in range(size.keys)]
    database = open_database(data, {})
    assert database is not None
    with closing(database), database.write() as connection:
        counts = {"keys": size.keys, "directory": 0}
        for table, rows in (
            (KEYS, _key_rows(size, issued)),
            (KEY_SECRETS, _secret_rows(issued)),
            (OBJECTS, _object_rows(size, issued)),
        ):
            while some := list(islice(rows, _ROWS)):
                connection.execute(insert(table), some)
                counts["directory"] += len(some) if table is OBJECTS else 0
        for name, value in counts.items():
            connection.execute(update(VERSIONS).where(VERSIONS.c.name == name).values(value=value))
    return [key.text for key in issued[:: max(1, size.keys // 512)]][:512]


def move(data: Path, where: dict[str, str]) -> None:
    """Copy the SQLite database of a data folder to the empty PostgreSQL database that the environment names."""
    source, target = open_database(data, {}), open_database(data, where)
    assert source is not None
    assert target is not None
    target.close()
    with closing(source):
        connector = Connector(parse_address(where[URL]), secret_from(where), statement_s=STATEMENT_S)
        copy_rows(source, connector, node_of(data))
