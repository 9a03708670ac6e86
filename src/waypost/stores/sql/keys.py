"""Client keys in SQL: `ports.Keys` for the request path, and the verbs of the command line.

A key is a row of `keys`; what a client sends is one of its secrets, a row of `key_secrets`. Rotating a key adds a
secret and lets the old one run out, so its budget and its history stay one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar, cast

import msgspec
from sqlalchemy import Connection, RowMapping, Select, insert, select, update

from waypost.core.budget import BudgetPeriod
from waypost.core.key import Key, Priority
from waypost.core.keytext import IssuedKey, Randomness, issue
from waypost.errors import InvalidRequest, NotFound, StoreUnavailable
from waypost.stores.sql.engine import Database
from waypost.stores.sql.tables import KEY_SECRETS, KEYS, VERSIONS

T = TypeVar("T")

_VERSION: Final = "keys"
_PERIODS: Final = ("minute", "hour", "day", "week", "month", "year", "total")
_PRIORITIES: Final = ("high", "normal", "low")


class NewKey(msgspec.Struct, frozen=True):
    """What a new key may do; the same meanings as in `core.key.Key`."""

    name: str
    expires_at: float | None = None
    models: tuple[str, ...] = ()
    rpm: int | None = None
    budget_nusd: int | None = None
    budget_per: BudgetPeriod = "total"
    log_content: bool | None = None
    route: str | None = None
    priority: Priority = "normal"
    operator: bool = False


class KeyRows:
    """Blocking reads and writes. Raises StoreUnavailable, NotFound and InvalidRequest.

    Every change raises the version of the keys in its own transaction, which is how other processes learn of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewKey, at: float, randomness: Randomness) -> tuple[IssuedKey, Key]:
        """Store a new key made at Unix time `at`. The text in the first value is the only copy of it."""
        _check(new)
        issued = issue(randomness)
        with self._database.write() as connection:
            values = msgspec.structs.asdict(new)
            values["models"] = msgspec.json.encode(new.models).decode()
            values.update(key_id=issued.key_id, created_at=at, revision=_raise_version(connection))
            connection.execute(insert(KEYS).values(values))
            _add_secret(connection, issued, at)
            key = _one(connection, issued.digest)
        return issued, key

    def list(self) -> Sequence[Key]:
        """Every key with its newest secret, oldest key first; revoked and expired ones included."""
        with self._database.read() as connection:
            return _newest(connection, _SELECT)

    def find(self, name_or_id: str) -> Sequence[Key]:
        """The key with this id, else every key with this name."""
        with self._database.read() as connection:
            found = _newest(connection, _SELECT.where(KEYS.c.key_id == name_or_id))
            return found or _newest(connection, _SELECT.where(KEYS.c.name == name_or_id))

    def get(self, key_id: str) -> Key:
        """One key by its id. Raises NotFound."""
        with self._database.read() as connection:
            return _by_id(connection, key_id)

    def revoke(self, key_id: str, at: float) -> Key:
        """End a key and all its secrets now; a key that is revoked already keeps its time. Raises NotFound."""
        with self._database.write() as connection:
            key = _by_id(connection, key_id)
            if key.revoked_at is not None:
                return key
            changes = {"revoked_at": at, "revision": _raise_version(connection)}
            connection.execute(update(KEYS).where(KEYS.c.key_id == key_id).values(changes))
            return _by_id(connection, key_id)

    def rotate(
        self, key_id: str, at: float, randomness: Randomness, *, overlap_s: float = 0.0
    ) -> tuple[IssuedKey, Key]:
        """Give a key a new secret; its older ones work for `overlap_s` more. Raises NotFound, InvalidRequest."""
        if not overlap_s >= 0:
            raise InvalidRequest("The overlap can not be negative. Give seconds, 0 or more.", param="overlap")
        with self._database.write() as connection:
            key = _by_id(connection, key_id)
            if key.revoked_at is not None:
                raise InvalidRequest(f"Key {key_id} is revoked. Create a new key instead.", param="key_id")
            ends_at = at + overlap_s
            lasting = KEY_SECRETS.c.expires_at.is_(None) | (KEY_SECRETS.c.expires_at > ends_at)
            of_key = KEY_SECRETS.c.key_id == key_id
            connection.execute(update(KEY_SECRETS).where(of_key, lasting).values(expires_at=ends_at))
            issued = issue(randomness, key_id)
            _add_secret(connection, issued, at)
            changes = {"revision": _raise_version(connection)}
            connection.execute(update(KEYS).where(KEYS.c.key_id == key_id).values(changes))
            return issued, _one(connection, issued.digest)

    def read(self, digest: bytes) -> tuple[Key | None, int]:
        """The key with this digest, and the version of the keys that it was read at."""
        with self._database.read() as connection:
            version = _version(connection)
            row = connection.execute(_SELECT.where(KEY_SECRETS.c.digest == digest)).mappings().first()
        return (None if row is None else _key(row)), version

    def version(self) -> int:
        """How many changes the keys have seen."""
        with self._database.read() as connection:
            return _version(connection)

    def changed(self, since: int) -> tuple[Sequence[Key], int]:
        """Every secret of every key changed after version `since`, and the version now."""
        with self._database.read() as connection:
            version = _version(connection)
            if version == since:
                return (), version
            rows = connection.execute(_SELECT.where(KEYS.c.revision > since)).mappings()
            return [_key(row) for row in rows], version


class SqlKeys:
    """`ports.Keys`: at most `cache_max` keys in memory, kept true by `watch`. Lives on the event loop's thread."""

    def __init__(self, rows: KeyRows, *, cache_max: int = 100_000) -> None:
        self._rows = rows
        self._cache_max = cache_max
        self._cache: OrderedDict[bytes, Key] = OrderedDict()
        self._seen = 0
        self._threads = ThreadPoolExecutor(2, "waypost-keys")
        #: Its own, so that a flood of guessed keys does not hold up a revocation.
        self._watching = ThreadPoolExecutor(1, "waypost-keys-watch")

    def __len__(self) -> int:
        return len(self._cache)

    def cached(self, digest: bytes) -> Key | None:
        """See `ports.Keys`."""
        key = self._cache.get(digest)
        if key is not None:
            self._cache.move_to_end(digest)
        return key

    async def lookup(self, digest: bytes) -> Key | None:
        """See `ports.Keys`. Revoked and expired keys are returned as such; unknown ones are not remembered, so that
        guesses fill no memory and a new key works at once."""
        while True:
            key, version = await self._in(self._threads, partial(self._rows.read, digest))
            if key is None:
                return None
            if version >= self._seen:
                break
            # The key may have changed after it was read and before it got here: `refresh` has passed it by.
        self._cache[digest] = key
        self._cache.move_to_end(digest)
        if len(self._cache) > self._cache_max:
            self._cache.popitem(last=False)
        return key

    async def refresh(self) -> bool:
        """Bring changes made by any process into memory; True when keys in memory may have changed.

        Raises StoreUnavailable.
        """
        if not self._cache:
            # Nothing to bring up to date: after a start this spares reading every key there is. A key that came in
            # meanwhile may be older than the version just read, so then the next round does the work.
            version = await self._in(self._watching, self._rows.version)
            if not self._cache:
                self._seen = version
            return False
        changed, version = await self._in(self._watching, partial(self._rows.changed, self._seen))
        if version == self._seen:
            return False
        self._seen = version
        for key in changed:
            if key.digest in self._cache:
                self._cache[key.digest] = key
        return True

    async def watch(
        self, interval_s: float = 0.5, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """`refresh` for ever, until cancelled. While the database does not answer, the keys in memory go on."""
        while True:
            with suppress(StoreUnavailable):  # the next round asks again; the ledger's `ready` tells of it
                await self.refresh()
            await sleep(interval_s)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()
        self._watching.shutdown()

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, call)


_SELECT: Final[Select[Any]] = select(
    KEYS,
    KEY_SECRETS.c.digest,
    KEY_SECRETS.c.hint,
    KEY_SECRETS.c.created_at.label("issued_at"),
    KEY_SECRETS.c.expires_at.label("secret_expires_at"),
).join(KEY_SECRETS, KEYS.c.key_id == KEY_SECRETS.c.key_id)


def _key(row: RowMapping) -> Key:
    ends = [end for end in (row["expires_at"], row["secret_expires_at"]) if end is not None]
    return Key(
        key_id=row["key_id"],
        name=row["name"],
        digest=bytes(row["digest"]),
        hint=row["hint"],
        created_at=row["created_at"],
        expires_at=min(ends, default=None),
        revoked_at=row["revoked_at"],
        models=msgspec.json.decode(row["models"], type=tuple[str, ...]),
        rpm=row["rpm"],
        budget_nusd=row["budget_nusd"],
        budget_per=cast(BudgetPeriod, row["budget_per"]),
        log_content=row["log_content"],
        route=row["route"],
        priority=cast(Priority, row["priority"]),
        operator=row["operator"],
    )


def _newest(connection: Connection, query: Select[Any]) -> list[Key]:
    ordered = query.order_by(KEYS.c.created_at, KEYS.c.key_id, KEY_SECRETS.c.created_at)
    newest = {row["key_id"]: row for row in connection.execute(ordered).mappings()}
    return [_key(row) for row in newest.values()]


def _by_id(connection: Connection, key_id: str) -> Key:
    found = _newest(connection, _SELECT.where(KEYS.c.key_id == key_id))
    if not found:
        raise NotFound(
            f"There is no key with the id {key_id[:64]!r}. `waypost keys list` shows them.", param="key_id"
        )
    return found[0]


def _one(connection: Connection, digest: bytes) -> Key:
    return _key(connection.execute(_SELECT.where(KEY_SECRETS.c.digest == digest)).mappings().one())


def _add_secret(connection: Connection, issued: IssuedKey, at: float) -> None:
    values = {"digest": issued.digest, "key_id": issued.key_id, "hint": issued.hint, "created_at": at}
    connection.execute(insert(KEY_SECRETS).values(values))


def _version(connection: Connection) -> int:
    found = connection.scalar(select(VERSIONS.c.value).where(VERSIONS.c.name == _VERSION))
    return int(found or 0)


def _raise_version(connection: Connection) -> int:
    connection.execute(update(VERSIONS).where(VERSIONS.c.name == _VERSION).values(value=VERSIONS.c.value + 1))
    return _version(connection)


def _check(new: NewKey) -> None:
    if not new.name or len(new.name) > 200:
        raise InvalidRequest("A key needs a name of 1 to 200 characters.", param="name")
    if new.rpm is not None and new.rpm < 1:
        raise InvalidRequest("Requests per minute must be 1 or more; leave it out for no limit.", param="rpm")
    if new.budget_nusd is not None and new.budget_nusd < 0:
        raise InvalidRequest("A budget can not be negative; leave it out for no limit.", param="budget")
    if new.budget_per not in _PERIODS:
        raise InvalidRequest(f"The budget period must be one of {', '.join(_PERIODS)}.", param="budget_per")
    if new.priority not in _PRIORITIES:
        raise InvalidRequest(f"The priority must be one of {', '.join(_PRIORITIES)}.", param="priority")
    if new.route is not None and not 1 <= len(new.route) <= 200:
        raise InvalidRequest("A route has a name of 1 to 200 characters.", param="route")
