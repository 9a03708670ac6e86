"""Work beside the requests: lists of models, changed keys, a changed file, old log rows, health shared with others, the
audit of the books."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from waypost.app.auditing import Auditing
from waypost.app.config_trail import ConfigTrail
from waypost.app.discover import Discovery
from waypost.app.ending import end_all
from waypost.app.live_config import LiveConfig
from waypost.app.probes import Probes
from waypost.app.renew import Renewals
from waypost.app.steering import Steering
from waypost.app.storage import Storage
from waypost.app.surroundings import Finder
from waypost.catalog.discovery import ListedModel
from waypost.config.targets import Provider
from waypost.config.values import parse_duration
from waypost.errors import ConfigError, GatewayError
from waypost.ports import Clock, Limits, Upstream
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.claims import ClaimRows
from waypost.stores.sql.discovered import DiscoveredModels
from waypost.stores.sql.engine import Database
from waypost.stores.sql.keys import SqlKeys
from waypost.stores.sql.replays import ReplayRows
from waypost.stores.sql.responses import ResponseRows
from waypost.stores.sql.retention import delete_expired, drop_audit
from waypost.telemetry.logs import Log
from waypost.upstream.listing import fetch_models

_FILE_POLL_S = 1.0
_RENEW_S = 1.0
_HOURLY_S = 3600.0
_RESTART_S = 5.0


class Background:
    """Owns its tasks. One that fails is told of in the log and begins again."""

    def __init__(
        self,
        *,
        clock: Clock,
        log: Log,
        config: LiveConfig,
        finder: Finder,
        upstream: Upstream,
        listed: DiscoveredModels,
        keys: SqlKeys,
        limits: Limits,
        database: Database,
        renewals: Renewals,
        steering: Steering,
        probes: Probes,
        known: dict[str, Sequence[ListedModel]],
        storage: Storage | None = None,
        auditing: Auditing | None = None,
    ) -> None:
        self._clock = clock
        self._log = log
        self._config = config
        self._finder = finder
        self._upstream = upstream
        self._listed = listed
        self._keys = keys
        self._limits = limits
        self._database = database
        self._renewals = renewals
        self._steering = steering
        self._probes = probes
        self._storage = storage
        self._auditing = auditing
        self._trail = ConfigTrail(AuditRows(database), config)
        self._tasks: set[asyncio.Task[None]] = set()
        self.discovery = Discovery(self._fetch, self._remember, log, known)

    def start(self) -> None:
        """Begin everything."""
        self._own(self._keep("keys", self._keys.watch))
        self._own(self._keep("tokens", self._renew))
        self._own(self._keep("models", self._refresh_models))
        self._own(self._keep("file", self._watch_file))
        self._own(self._keep("retention", self._tidy))
        self._own(self._keep("canaries", lambda: self._steering.watch(self._log)))
        self._own(self._keep("probes", self._probes.watch))
        self._own(self._keep("audit log", self._trail.watch))
        if self._storage is not None:
            self._storage.start()
        self._own(self._keep("sharing", self._steering.sharing.run))
        if self._auditing is not None:
            self._own(self._keep("audit", self._auditing.watch))

    async def stop(self) -> None:
        """Cancel everything and wait for its end."""
        await end_all(self._tasks)

    def reload(self) -> None:
        """Read the configuration again (SIGHUP); new providers are asked for their models at once."""
        if self._config.reload():
            self._own(self._refresh_now())

    def _own(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - told of, and begun again: it must outlive any one fault
                self._log.fault("background work failed and begins again", error, work=name)
            await asyncio.sleep(_RESTART_S)

    async def _renew(self) -> None:
        while True:
            await self._renewals.refresh(self._config.snapshot().every_provider())
            await asyncio.sleep(_RENEW_S)

    async def _refresh_models(self) -> None:
        while True:
            await self._refresh_once()
            await asyncio.sleep(parse_duration(self._config.config.discovery.interval))

    async def _refresh_once(self) -> None:
        found = await self._finder.look(self._config.config)
        configured = self._config.snapshot().providers.values()
        ask = {provider.name: provider for provider in (*found.providers, *configured)}
        await self._renewals.refresh(ask.values())  # or their lists would be refused
        await self.discovery.refresh([each for name, each in ask.items() if name not in found.listed])
        for name, models in found.listed.items():
            await self.discovery.take(name, models)
        self._apply(found.providers)

    async def _refresh_now(self) -> None:
        try:
            await self._refresh_once()
        except Exception as error:  # noqa: BLE001 - told of; the next regular refresh does it again
            self._log.fault("models could not be refreshed after a reload", error)

    def _apply(self, providers: Sequence[Provider]) -> None:
        try:
            self._config.resolve(found=providers, discovered=self.discovery.known)
        except ConfigError as error:
            self._log.error("what was found does not fit the configuration", reason=error.message)

    async def _fetch(self, provider: Provider) -> Sequence[ListedModel]:
        return await fetch_models(self._upstream, provider, self._clock.wall())

    async def _remember(self, provider: str, models: Sequence[ListedModel]) -> None:
        rows = {model.id: model.facts for model in models}
        await asyncio.to_thread(self._listed.put, provider, rows, self._clock.wall())

    async def _watch_file(self) -> None:
        while True:
            await asyncio.sleep(_FILE_POLL_S)
            if self._config.reload_if_changed():
                self._own(self._refresh_now())

    async def _tidy(self) -> None:
        while True:
            self._limits.prune(self._clock.monotonic())
            settings = self._config.snapshot().settings
            days, audit_days = settings.retention_days, settings.audit_days
            try:
                more = True
                while more:  # in slices, so that the ledger's writer gets its turn
                    more = bool(
                        await asyncio.to_thread(delete_expired, self._database, self._clock.wall(), days)
                    )
                more = audit_days is not None
                while more and audit_days is not None:
                    at = self._clock.wall()
                    more = bool(await asyncio.to_thread(drop_audit, self._database, at, audit_days))
                kept = ResponseRows(self._database)
                while await asyncio.to_thread(kept.delete_expired, self._clock.wall()):
                    pass
                replays = ReplayRows(self._database)
                while await asyncio.to_thread(replays.delete_expired, self._clock.wall()):
                    pass
                await asyncio.to_thread(ClaimRows(self._database).delete_expired, self._clock.wall())
                if self._storage is not None:
                    await self._storage.tidy()
            except GatewayError as error:
                self._log.warning("old requests could not be deleted", why=error.message)
            await asyncio.sleep(_HOURLY_S)
