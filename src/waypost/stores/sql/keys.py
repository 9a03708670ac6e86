"""Client keys in SQL: `ports.Keys` for the request path, and the verbs of the command line and the admin API.

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
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, func, insert, or_, select, update

from waypost.core.budget import BudgetPeriod
from waypost.core.changed import changed
from waypost.core.deed import CHANGED, Deed, Done
from waypost.core.key import Key, KeyChanges, Priority
from waypost.core.keytext import IssuedKey, Randomness, issue
from waypost.core.people import DEFAULT
from waypost.errors import Conflict, InvalidRequest, StoreUnavailable
from waypost.policy.checks import check_key
from waypost.stores.sql.engine import Database
from waypost.stores.sql.key_columns import (
    KEY,
    add_secret,
    by_digest,
    by_id,
    encoded,
    key_of,
    lock_keys,
    newest,
    raise_version,
    version_of,
)
from waypost.stores.sql.key_page import KeyFilter, page_of
from waypost.stores.sql.objects import lock
from waypost.stores.sql.references import require_owners
from waypost.stores.sql.tables import KEY_SECRETS, KEYS
from waypost.stores.sql.trail import append

T = TypeVar("T")


class NewKey(msgspec.Struct, frozen=True):
    """What a new key may do, and to whom it belongs; the same meanings as in `core.key.Key`."""

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
    organization_id: str = DEFAULT
    team_id: str | None = None
    project_id: str | None = None
    user_id: str | None = None
    service_id: str | None = None
    tags: tuple[str, ...] = ()
    required_tags: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    made_by: str = ""


class KeyRows:
    """Blocking reads and writes. Raises StoreUnavailable, NotFound, Conflict and InvalidRequest.

    Every change raises the version of the keys in its own transaction, which is how other processes learn of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def by(self, deed: Deed) -> KeyRows:
        """The same, for somebody whom the audit log tells of."""
        return KeyRows(self._database.by(deed))

    def create(
        self, new: NewKey, at: float, randomness: Randomness, *, own_most: int | None = None
    ) -> tuple[IssuedKey, Key]:
        """Store a new key made at Unix time `at`. The text in the first value is the only copy of it.

        What it belongs to has to be there, else Conflict is raised; with `own_most`, also when its user has that many
        keys in the organization that still work.
        """
        issued = issue(randomness)
        values = msgspec.structs.asdict(new)
        check_key(Key(key_id=issued.key_id, digest=issued.digest, hint=issued.hint, created_at=at, **values))
        with self._database.write() as connection:
            lock(connection, shared=own_most is None)
            require_owners(
                connection, new.organization_id, new.team_id, new.project_id, new.user_id, new.service_id
            )
            if own_most is not None:
                _require_fewer(connection, new, at, own_most)
            values = encoded(values)
            values.update(key_id=issued.key_id, created_at=at, revision=raise_version(connection))
            connection.execute(insert(KEYS).values(values))
            add_secret(connection, issued, at)
            key = by_digest(connection, issued.digest)
            _tell(connection, None, key)
        return issued, key

    def update(self, key_id: str, changes: KeyChanges, *, revision: int | None = None) -> Key:
        """Change what is set in `changes`. `revision`: the key has to be at it, else Conflict is raised, as when its
        new team or project is not there."""
        told = changes.told()
        with self._database.write() as connection:
            lock(connection, shared=True)
            lock_keys(connection)
            key = by_id(connection, key_id)
            if revision is not None and revision != key.revision:
                raise Conflict(
                    f"The key {key_id!r} was changed meanwhile: it is at revision {key.revision}, not {revision}. "
                    "Read it again, then repeat the change.",
                    param="revision",
                )
            if key.revoked_at is not None:
                raise InvalidRequest(f"Key {key_id} is revoked. Create a new key instead.", param="key_id")
            wanted = msgspec.structs.replace(key, **told)
            if wanted == key and "expires_at" not in told:  # a rotation may hide the key's own end
                return key
            check_key(wanted)
            require_owners(
                connection,
                key.organization_id,
                wanted.team_id if "team_id" in told else None,
                wanted.project_id if "project_id" in told else None,
            )
            values = {**encoded(told), "revision": raise_version(connection)}
            connection.execute(update(KEYS).where(KEYS.c.key_id == key_id).values(values))
            _tell(connection, key, wanted)
            return by_id(connection, key_id)

    def list(self) -> Sequence[Key]:
        """Every key with its newest secret, oldest key first; revoked and expired ones included."""
        with self._database.read() as connection:
            return newest(connection, KEY)

    def count(self) -> int:
        """How many keys there are, revoked and expired ones included."""
        with self._database.read() as connection:
            return int(connection.scalar(select(func.count()).select_from(KEYS)) or 0)

    def page(self, wanted: KeyFilter, after: str, limit: int) -> Sequence[Key]:
        """Keys with their newest secret, newest key first, from behind the key with the id `after` (empty: from the
        first)."""
        with self._database.read() as connection:
            return page_of(connection, wanted, after, limit)

    def find(self, name_or_id: str) -> Sequence[Key]:
        """The key with this id, else every key with this name."""
        with self._database.read() as connection:
            found = newest(connection, KEY.where(KEYS.c.key_id == name_or_id))
            return found or newest(connection, KEY.where(KEYS.c.name == name_or_id))

    def get(self, key_id: str) -> Key:
        """One key by its id. Raises NotFound."""
        with self._database.read() as connection:
            return by_id(connection, key_id)

    def revoke(self, key_id: str, at: float) -> Key:
        """End a key and all its secrets now; a key that is revoked already keeps its time. Raises NotFound."""
        with self._database.write() as connection:
            lock_keys(connection)
            key = by_id(connection, key_id)
            if key.revoked_at is not None:
                return key
            changes = {"revoked_at": at, "revision": raise_version(connection)}
            connection.execute(update(KEYS).where(KEYS.c.key_id == key_id).values(changes))
            ended = by_id(connection, key_id)
            _tell(connection, key, ended)
            return ended

    def rotate(
        self, key_id: str, at: float, randomness: Randomness, *, overlap_s: float = 0.0
    ) -> tuple[IssuedKey, Key]:
        """Give a key a new secret; its older ones work for `overlap_s` more. Raises NotFound, InvalidRequest."""
        if not overlap_s >= 0:
            raise InvalidRequest("The overlap can not be negative. Give seconds, 0 or more.", param="overlap")
        with self._database.write() as connection:
            lock_keys(connection)
            key = by_id(connection, key_id)
            if key.revoked_at is not None:
                raise InvalidRequest(f"Key {key_id} is revoked. Create a new key instead.", param="key_id")
            ends_at = at + overlap_s
            lasting = KEY_SECRETS.c.expires_at.is_(None) | (KEY_SECRETS.c.expires_at > ends_at)
            of_key = KEY_SECRETS.c.key_id == key_id
            connection.execute(update(KEY_SECRETS).where(of_key, lasting).values(expires_at=ends_at))
            issued = issue(randomness, key_id)
            add_secret(connection, issued, at)
            changes = {"revision": raise_version(connection)}
            connection.execute(update(KEYS).where(KEYS.c.key_id == key_id).values(changes))
            _tell(connection, key, key, secret=CHANGED, older_ones_end_at=[None, ends_at])
            return issued, by_digest(connection, issued.digest)

    def read(self, digest: bytes) -> tuple[Key | None, int]:
        """The key with this digest, and the version of the keys that it was read at."""
        with self._database.read() as connection:
            version = version_of(connection)
            row = connection.execute(KEY.where(KEY_SECRETS.c.digest == digest)).mappings().first()
        return (None if row is None else key_of(row)), version

    def version(self) -> int:
        """How many changes the keys have seen."""
        with self._database.read() as connection:
            return version_of(connection)

    def changed(self, since: int) -> tuple[Sequence[Key], int]:
        """Every secret of every key changed after version `since`, and the version now."""
        with self._database.read() as connection:
            version = version_of(connection)
            if version == since:
                return (), version
            rows = connection.execute(KEY.where(KEYS.c.revision > since)).mappings()
            return [key_of(row) for row in rows], version


def _tell(connection: Connection, before: Key | None, after: Key, **more: object) -> None:
    told = {**changed(before, after), **more}
    append(connection, Done("key", after.key_id, after.name, told, after.organization_id))


def _require_fewer(connection: Connection, new: NewKey, at: float, most: int) -> None:
    living = (
        KEYS.c.revoked_at.is_(None),
        or_(KEYS.c.expires_at.is_(None), KEYS.c.expires_at > at),
        KEYS.c.organization_id == new.organization_id,
        KEYS.c.user_id == new.user_id,
    )
    if int(connection.scalar(select(func.count()).select_from(KEYS).where(*living)) or 0) >= most:
        raise Conflict(
            f"There are {most} keys of this person in the organization already, as many as one may make. "
            "Revoke one, or ask an admin of the organization for more.",
            param="user_id",
        )


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
        if version < self._seen:
            self._cache.clear()  # the database was put back to an earlier state
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
