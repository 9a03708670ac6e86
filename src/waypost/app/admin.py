"""Puts the control API together, and keeps what it knows true."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Final

import msgspec

from waypost import __version__
from waypost.admin.api import Admin
from waypost.admin.parts import Audited, Figures, Parts
from waypost.admin.passwords import Argon2Hashes
from waypost.admin.signin import IDLE_S
from waypost.app.ending import end_all
from waypost.app.figures import BookFigures
from waypost.app.live_credentials import LiveCredentials
from waypost.app.live_credit import LiveCredit
from waypost.app.live_directory import LiveDirectory
from waypost.app.org_routes import OrgRouting
from waypost.config.credits_schema import CreditsConfig
from waypost.config.targets import Provider
from waypost.core.deed import Deed
from waypost.errors import GatewayError, StoreUnavailable
from waypost.ledger.purse import Purse
from waypost.policy.directory import Directory
from waypost.ports import Clock
from waypost.ports.control import Said, Visit
from waypost.routing.own import OwnKeys
from waypost.stores.sealing import Seals
from waypost.stores.sql.account_rows import AccountRows
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.credentials import reseal_credentials
from waypost.stores.sql.credits import CreditRows
from waypost.stores.sql.engine import Database
from waypost.stores.sql.key_store import KeyStore
from waypost.stores.sql.keys import KeyRows
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.people import PasswordRows, SessionRows
from waypost.stores.sql.usage import UsageRows
from waypost.telemetry.logs import Log

_TIDY_S: Final = 3600.0

Providers = Callable[[], Mapping[str, Provider]]
"""Those of the configuration in force, by their names."""


def _no_providers() -> Mapping[str, Provider]:
    return {}


_READ = frozenset(("GET", "HEAD", "OPTIONS"))


class AdminSide:
    """`ports.control.ControlApi`: answers once the directory has been read, and follows what other processes change.

    Owns its tasks.
    """

    spread: Callable[[], Awaitable[None]] | None = None
    """Called before an answer that tells of a change, so that it is in force wherever its asker asks next."""

    def __init__(
        self,
        database: Database,
        keys: KeyRows,
        clock: Clock,
        log: Log,
        token: str,
        seals: Seals,
        *,
        directory: Directory | None = None,
        figures: Figures | None = None,
        live: LiveDirectory | None = None,
        credits: Callable[[], CreditsConfig] = CreditsConfig,
        workers: int = 1,
        own: OwnKeys | None = None,
        providers: Providers = _no_providers,
        trees: OrgRouting | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`token`: what the command line of this machine shows. `seals`: for secrets at rest. `directory`: the one that
        is kept true, where others look at it too; `live`: one that somebody else keeps true. `credits`: what new
        organizations are given. `own`: where the credentials go that people bring, and `providers`: for which ones that
        may be. `trees`: what keeps routes of organizations ready."""
        database.wall = clock.wall
        rows = ObjectRows(database, clock.wall)
        entries = CreditRows(database.by(Deed(action="enter_credit")))
        self._rows, self._seals = rows.by(Deed(action="reseal")), seals
        self.live = live or LiveDirectory(rows, directory)
        self._foreign = live is not None
        self._credit = LiveCredit(entries, self.live.directory, clock, credits)
        self._credentials = LiveCredentials(self.live.directory, seals, own or OwnKeys(), log)
        if not self._foreign:
            self.live.then = self._follow
        self._trees = trees
        self._sessions = SessionRows(database)
        self._passwords = PasswordRows(database.by(Deed(action="reseal")), seals)
        self._trail = AuditRows(database)
        self._clock, self._log, self._sleep = clock, log, sleep
        self._admin = Admin(
            Parts(
                objects=rows, keys=KeyStore(keys, os.urandom), passwords=self._passwords,
                sessions=self._sessions, live=self.live, credits=entries, trail=self._trail,
                usage=UsageRows(database), hashes=Argon2Hashes(os.urandom), clock=clock, randomness=os.urandom,
                audit=self._audit,
                control_token=token,
                figures=figures,
                seals=seals,
                providers=providers,
                readable=self._credentials.readable,
                trees=trees,
                version=__version__,
                workers=workers,
            )
        )  # fmt: skip
        self._tasks: tuple[asyncio.Future[None], ...] = ()

    def start(self) -> None:
        """Begin to follow."""
        work = [self._keep(self._tidy), self._keep(self._credentials.watch)]
        if not self._foreign:
            work += [self._keep(self.live.watch), self._keep(self._credit.watch)]
        self._tasks = tuple(map(asyncio.ensure_future, work))

    async def stop(self) -> None:
        """End it."""
        await end_all(self._tasks)
        self._credit.close()
        if not self._foreign:
            self.live.close()

    async def load(self) -> None:
        """Read everything, before anybody is served. Raises StoreUnavailable."""
        await self.live.refresh()
        await self._follow()

    def methods(self, path: str) -> frozenset[str] | None:
        """See `ControlApi`."""
        return self._admin.methods(path)

    def refuse(self, error: GatewayError, visit_path: str, request_id: str) -> Said:
        """See `ControlApi`."""
        return self._admin.refuse(error, visit_path, request_id)

    async def answer(self, visit: Visit) -> Said:
        """See `ControlApi`."""
        try:
            if not self.live.directory.version:
                # Not read yet, or there is nothing in it.
                await self.live.refresh()
        except StoreUnavailable as error:
            return self.refuse(error, visit.path, visit.request_id)
        said = await self._admin.answer(visit)
        if self.spread is not None and visit.method not in _READ and said.status < 400:
            await self.spread()
        return said

    async def _follow(self) -> None:
        """What hangs on the directory follows it. Raises StoreUnavailable."""
        if self._trees is not None:
            await self._trees.refresh()
        await self._credentials.refresh()
        await self._credit.refresh()

    def _audit(self, entry: Audited) -> None:
        fields = {name: value for name, value in msgspec.structs.asdict(entry).items() if name != "at"}
        self._log.info("control API", **fields)

    async def _tidy(self) -> None:
        """Forget sessions that have ended, and what was deleted long ago."""
        while True:
            await self._sleep(_TIDY_S)
            with suppress(StoreUnavailable):
                now = self._clock.wall()
                while await asyncio.to_thread(self._sessions.delete_expired, now, idle_s=IDLE_S):
                    pass
                await self.live.tidy(now)
                await asyncio.to_thread(self._passwords.reseal)
                await asyncio.to_thread(reseal_credentials, self._rows, self._seals)

    async def _keep(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - told of, and begun again: it must outlive any one fault
                self._log.fault("background work failed and begins again", error, work="control API")
            await self._sleep(1.0)


def serve_admin(
    stack: AsyncExitStack,
    database: Database,
    keys: KeyRows,
    clock: Clock,
    log: Log,
    token: str,
    seals: Seals,
    directory: Directory,
    purse: Purse | None = None,
    credits: Callable[[], CreditsConfig] = CreditsConfig,
    workers: int = 1,
    own: OwnKeys | None = None,
    providers: Providers = _no_providers,
    trees: OrgRouting | None = None,
) -> AdminSide:
    """The control API of a gateway, until the stack is unwound. `purse`: of the ledger, to tell how budgets stand;
    `credits`: what new organizations are given; `own`, `providers` and `trees`: see `AdminSide`."""
    figures = None if purse is None else BookFigures(purse, AccountRows(database).posted, clock)
    side = AdminSide(
        database, keys, clock, log, token, seals, directory=directory, figures=figures, credits=credits,
        workers=workers, own=own, providers=providers, trees=trees,
    )  # fmt: skip
    if trees is not None:
        stack.push_async_callback(trees.stop)
    side.start()
    stack.push_async_callback(side.stop)
    return side
