"""The directory in SQL: `ports.Objects`.

One table for all kinds. Writers go one after the other: each locks the version of the directory first, so that what
an object names is still there when it is committed, and versions come in the order of their commits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    Connection,
    LargeBinary,
    Select,
    delete,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from waypost.core.credentials import Credential
from waypost.core.deed import Deed
from waypost.core.objects import KIND_OF, Change, Kind, Object, home_of
from waypost.core.people import DEFAULT, Member, Organization, Role
from waypost.errors import Conflict
from waypost.policy.checks import check
from waypost.stores.sql.engine import Database
from waypost.stores.sql.references import (
    WORDS,
    brought_by,
    decoded,
    living,
    require_another_owner,
    require_named,
    require_role_unused,
    require_room,
    require_unneeded,
)
from waypost.stores.sql.tables import OBJECTS, PASSWORDS, SESSIONS, VERSIONS
from waypost.stores.sql.trail import append_object

T = TypeVar("T")

_VERSION: Final = "directory"
#: The last version at which something was deleted that is forgotten by now.
_FORGOTTEN: Final = "directory_forgotten"
#: The organization that is there without a row.
_OWN: Final = Organization(id=DEFAULT, name=DEFAULT)
_ENCODER: Final = msgspec.msgpack.Encoder()


class ObjectRows:
    """`ports.Objects`. Raises StoreUnavailable, Conflict, and InvalidRequest for values that make no sense.

    The organization `default` is there without a row; one is written when it is changed.
    """

    def __init__(self, database: Database, wall: Callable[[], float], *, owners_stay: bool = True) -> None:
        """`wall` tells Unix time. `owners_stay`: no change of a member takes an organization its last owner, unless it
        is suspended; whoever has the data folder does without."""
        self._database = database
        self._wall = wall
        self._owners_stay = owners_stay

    def by(self, deed: Deed) -> ObjectRows:
        """See `ports.Objects`."""
        return ObjectRows(self._database.by(deed), self._wall, owners_stay=self._owners_stay)

    def put(self, found: Object, *, revision: int | None = None) -> Object:
        """See `ports.Objects`. What is the same as before is not written again, and keeps its revision."""
        check(found)
        kind = KIND_OF[type(found)]
        with self._database.write() as connection:
            version = lock(connection)
            before = _before(connection, kind, found.id)
            _agree(kind, found.id, 0 if before is None else before.revision, revision)
            if before is not None and msgspec.structs.replace(found, revision=before.revision) == before:
                return before
            _require_same_place(connection, found, before)
            _require_free_name(connection, kind, found)
            require_named(connection, found)
            if before is None:
                require_room(connection, found)
            self._require_owner(connection, before, found)
            stored = msgspec.structs.replace(found, revision=version + 1)
            _raise(connection, version)
            _write(connection, kind, stored, known=before is not None)
            append_object(connection, before, stored)
        return stored

    def delete(self, kind: Kind, object_id: str, *, revision: int | None = None) -> bool:
        """See `ports.Objects`."""
        with self._database.write() as connection:
            version = lock(connection)
            found = living(connection, kind, object_id)
            if found is None:
                return False
            _agree(kind, object_id, found.revision, revision)
            if kind == "organization" and object_id == DEFAULT:
                raise Conflict(
                    f"The organization {DEFAULT!r} is built in: keys without an organization belong to it. "
                    "Suspend it instead.",
                    param="id",
                )
            require_unneeded(connection, found)
            self._require_owner(connection, found, None)
            _raise(connection, version)
            self._end(connection, kind, found, version + 1)
            if isinstance(found, Member):  # what they brought goes with them
                for each in list(brought_by(connection, found.organization_id, "user", found.name)):
                    self._end(connection, "credential", each, version + 1)
                    append_object(connection, each, None)
            if kind == "user":  # nobody can sign in, or stay signed in, as somebody who is gone
                for beside in (PASSWORDS, SESSIONS):
                    connection.execute(delete(beside).where(beside.c.user_id == object_id))
            append_object(connection, found, None)
        return True

    def _end(self, connection: Connection, kind: Kind, found: Object, revision: int) -> None:
        ended = msgspec.structs.replace(found, revision=revision)
        if isinstance(ended, Credential):
            ended = msgspec.structs.replace(ended, sealed=b"")  # a secret is not even kept sealed any longer
        record = _ENCODER.encode(ended)
        changes = {"revision": revision, "deleted_at": self._wall(), "record": record}
        connection.execute(update(OBJECTS).where(*_at(kind, found.id)).values(changes))

    def _require_owner(self, connection: Connection, before: Object | None, after: Object | None) -> None:
        stays = isinstance(after, Member) and after.role == "owner"
        if self._owners_stay and isinstance(before, Member) and before.role == "owner" and not stays:
            require_another_owner(connection, before)

    def get(self, kind: Kind, object_id: str) -> Object | None:
        """See `ports.Objects`."""
        with self._database.read() as connection:
            found = living(connection, kind, object_id)
        return _OWN if found is None and (kind, object_id) == ("organization", DEFAULT) else found

    def named(self, kind: Kind, organization_id: str, name: str) -> Object | None:
        """See `ports.Objects`."""
        with self._database.read() as connection:
            found = _named(connection, kind, organization_id, name)
            if found is None and kind == "organization" and name == DEFAULT:
                own = living(connection, kind, DEFAULT)
                return _OWN if own is None else None
        return found

    def page(self, kind: Kind, organization_id: str | None, after: str, limit: int) -> Sequence[Object]:
        """See `ports.Objects`."""
        source: Any = _living(kind)
        if organization_id is not None:
            source = source.where(OBJECTS.c.organization_id == organization_id)
        if kind == "organization" and organization_id in (None, ""):
            source = union_all(source, _built_in())
        rows = source.subquery()
        order = rows.c.object_id if organization_id is None else rows.c.name
        query = select(rows.c.record).where(order > after).order_by(order).limit(limit)
        with self._database.read() as connection:
            return [decoded(kind, bytes(record)) for record in connection.scalars(query)]

    def version(self) -> int:
        """See `ports.Objects`."""
        with self._database.read() as connection:
            return _version(connection)

    def changed(self, since: int) -> tuple[Sequence[Change], int]:
        """See `ports.Objects`. Deletions at or before `forgotten` are not among them."""
        columns = (OBJECTS.c.kind, OBJECTS.c.record, OBJECTS.c.deleted_at)
        query = select(*columns).where(OBJECTS.c.revision > since).order_by(OBJECTS.c.revision)
        with self._database.read() as connection:
            version = _version(connection)
            if version == since:
                return (), version
            rows = connection.execute(query)
            changes = [
                Change(row.kind, decoded(row.kind, bytes(row.record)), row.deleted_at is not None)
                for row in rows
            ]
        return changes, version

    def forget_deleted(self, before: float, *, slice_rows: int = 500) -> int:
        """Forget a slice of what was deleted before a moment; call again until it returns 0."""
        old = (OBJECTS.c.deleted_at.is_not(None), OBJECTS.c.deleted_at < before)
        rows = select(OBJECTS.c.kind, OBJECTS.c.object_id, OBJECTS.c.revision).where(*old)
        with self._database.write() as connection:
            lock(connection)
            found = connection.execute(rows.order_by(OBJECTS.c.revision).limit(slice_rows)).all()
            for row in found:
                connection.execute(delete(OBJECTS).where(*_at(row.kind, row.object_id)))
            if found:
                _set_forgotten(connection, found[-1].revision)
        return len(found)

    def forgotten(self) -> int:
        """The last version at which something was deleted that `changed` does not tell of any more. Who has seen less
        has to begin anew."""
        with self._database.read() as connection:
            return _forgotten(connection) or 0


def lock(connection: Connection, *, shared: bool = False) -> int:
    """Keep others from changing the directory until the transaction ends; its version now. `shared`: for those who
    only rely on what they found in it. In SQLite every write transaction has the whole database to itself."""
    query = select(VERSIONS.c.value).where(VERSIONS.c.name == _VERSION)
    return int(connection.scalar(query.with_for_update(read=shared)) or 0)


def _version(connection: Connection) -> int:
    return int(connection.scalar(select(VERSIONS.c.value).where(VERSIONS.c.name == _VERSION)) or 0)


def _raise(connection: Connection, version: int) -> None:
    connection.execute(update(VERSIONS).where(VERSIONS.c.name == _VERSION).values(value=version + 1))


def _forgotten(connection: Connection) -> int | None:
    return connection.scalar(select(VERSIONS.c.value).where(VERSIONS.c.name == _FORGOTTEN))


def _set_forgotten(connection: Connection, revision: int) -> None:
    known = _forgotten(connection)
    if known is None:
        connection.execute(insert(VERSIONS).values(name=_FORGOTTEN, value=revision))
    elif known < revision:
        connection.execute(update(VERSIONS).where(VERSIONS.c.name == _FORGOTTEN).values(value=revision))


def _at(kind: Kind, object_id: str) -> tuple[Any, Any]:
    return OBJECTS.c.kind == kind, OBJECTS.c.object_id == object_id


def _living(kind: Kind) -> Select[Any]:
    columns = (OBJECTS.c.object_id, OBJECTS.c.name, OBJECTS.c.record)
    return select(*columns).where(OBJECTS.c.kind == kind, OBJECTS.c.deleted_at.is_(None))


def _built_in() -> Any:
    """The built-in organization, as long as it has no row."""
    row = select(func.count()).where(*_at("organization", DEFAULT)).scalar_subquery()
    record = literal(_ENCODER.encode(_OWN), LargeBinary())
    return select(literal(DEFAULT), literal(DEFAULT), record).where(row == literal(0, BigInteger()))


def _named(connection: Connection, kind: Kind, home: str, name: str) -> Object | None:
    mine = (OBJECTS.c.organization_id == home, OBJECTS.c.name == name)
    row = connection.execute(_living(kind).where(*mine)).one_or_none()
    return None if row is None else decoded(kind, bytes(row.record))


def _before(connection: Connection, kind: Kind, object_id: str) -> Object | None:
    """What an object was until now. Ids of deleted ones are not used again: others may still remember them."""
    row = connection.execute(
        select(OBJECTS.c.record, OBJECTS.c.deleted_at).where(*_at(kind, object_id))
    ).one_or_none()
    if row is None:
        return None
    if row.deleted_at is not None:
        raise Conflict(
            f"The {WORDS[kind]} {object_id!r} was deleted, and its id is not used again. Make another one.",
            param="id",
        )
    return decoded(kind, bytes(row.record))


def _agree(kind: Kind, object_id: str, now: int, wanted: int | None) -> None:
    if wanted is None or wanted == now:
        return
    if not now:
        told = "is not there: it was deleted meanwhile, or never made"
    elif not wanted:
        told = "is there already"
    else:
        told = f"was changed meanwhile: it is at revision {now}, not {wanted}"
    raise Conflict(
        f"The {WORDS[kind]} {object_id!r} {told}. Read it again, then repeat the change.", param="revision"
    )


def _require_same_place(connection: Connection, found: Object, before: Object | None) -> None:
    """Nothing moves to another organization, and a membership not to another person: what names it would be wrong."""
    if before is None:
        return
    if home_of(found) != home_of(before):
        raise Conflict(
            f"The {WORDS[KIND_OF[type(found)]]} {before.name!r} belongs to another organization and can not be moved. "
            "Make another one there.",
            param="organization_id",
        )
    if found.name == before.name:
        return
    if isinstance(before, Member):
        raise Conflict(
            "A membership stays with its person. Delete it, and make one for the other person.", param="name"
        )
    if isinstance(before, Role):
        require_role_unused(connection, before, "be renamed")


def _require_free_name(connection: Connection, kind: Kind, found: Object) -> None:
    other = _named(connection, kind, home_of(found), found.name)
    built_in = isinstance(found, Organization) and found.name == DEFAULT and found.id != DEFAULT
    if built_in or (other is not None and other.id != found.id):
        raise Conflict(
            f"There is a {WORDS[kind]} with the name {found.name!r} already. Choose another name, or change that one.",
            param="name",
        )


def _write(connection: Connection, kind: Kind, stored: Object, *, known: bool) -> None:
    values = {
        "organization_id": home_of(stored),
        "name": stored.name,
        "revision": stored.revision,
        "record": _ENCODER.encode(stored),
    }
    if known:
        connection.execute(update(OBJECTS).where(*_at(kind, stored.id)).values(values))
    else:
        connection.execute(insert(OBJECTS).values(kind=kind, object_id=stored.id, **values))
