"""Routes of organizations, kept ready: built when the directory or the configuration changes, never for a request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from waypost.app.ending import end_all
from waypost.app.live_config import LiveConfig
from waypost.config.problems import ConfigProblem
from waypost.config.route_schema import RouteConfig
from waypost.config.routes import PREFIX
from waypost.config.snapshot import Ground, OrgRoutes
from waypost.core.org_route import OrgRoute
from waypost.core.people import Organization
from waypost.policy.directory import Directory
from waypost.telemetry.logs import Log

#: So many are built anew without a thread, their conditions being compiled already: it takes some milliseconds.
_AT_ONCE: Final = 32


class _Wanted(msgspec.Struct, frozen=True):
    """What the routes of one organization are made of."""

    ground: Ground
    models: tuple[str, ...]
    routes: tuple[OrgRoute, ...]

    def same(self, other: _Wanted | None) -> bool:
        """Whether the same comes of it."""
        if other is None or self.ground is not other.ground:
            return False
        return self.models == other.models and self.routes == other.routes


class OrgRouting:
    """Owns what was built, on the event loop's thread; what is in force stands in the snapshot. Costs nothing while no
    organization has a route."""

    def __init__(self, config: LiveConfig, directory: Directory, log: Log) -> None:
        self._config = config
        self._directory = directory
        self._log = log
        self._built: dict[str, tuple[_Wanted, OrgRoutes]] = {}
        self._seen: tuple[Ground | None, int] = (None, 0)
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        config.then = self._swapped

    async def refresh(self) -> None:
        """Build what changed since the last time, and put it into force."""
        if self._is_same():
            return
        async with self._turn:
            seen, wanted = self._now(), self._wanted()
            changed = self._changed(wanted)
            # Others may have written conditions that nobody here has compiled yet, which takes its time.
            built = await asyncio.to_thread(self._build, changed) if changed else {}
            self._put(seen, wanted, built)

    async def stop(self) -> None:
        """End what is being built."""
        await end_all(self._tasks)

    def faults(self, route: OrgRoute) -> tuple[str, ...]:
        """See `admin.parts.OrgTrees`."""
        own = self._config.snapshot().own.get(route.organization_id)
        return () if own is None else own.faults.get(route.name, ())

    def shadowed(self, name: str) -> bool:
        """See `admin.parts.OrgTrees`."""
        return PREFIX + name in self._config.snapshot().routes

    def find_problems(
        self, organization: Organization, new: RouteConfig, others: Sequence[OrgRoute]
    ) -> list[ConfigProblem]:
        """See `admin.parts.OrgTrees`."""
        ground = self._config.snapshot().ground
        if ground is None:
            return []
        trees = [(each.name, each.tree) for each in others]
        return ground.find_problems(organization.id, organization.models, new, trees)

    def _swapped(self) -> None:
        """There is another configuration. Few routes follow it before anything is served from it; many do in a moment,
        and until then go on as they were under the one before."""
        if self._is_same():
            return
        wanted = self._wanted()
        changed = self._changed(wanted)
        if not self._turn.locked() and sum(len(each.routes) for each in changed.values()) <= _AT_ONCE:
            self._put(self._now(), wanted, self._build(changed))
            return
        task = asyncio.get_running_loop().create_task(self.refresh())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now(self) -> tuple[Ground | None, int]:
        return self._config.snapshot().ground, self._directory.route_changes

    def _is_same(self) -> bool:
        ground, changes = self._now()
        return self._seen[0] is ground and self._seen[1] == changes

    def _wanted(self) -> dict[str, _Wanted]:
        ground, directory = self._config.snapshot().ground, self._directory
        if ground is None:
            return {}
        wanted: dict[str, _Wanted] = {}
        for home in directory.route_homes():
            organization = directory.find(Organization, home)
            if organization is not None:
                wanted[home] = _Wanted(ground, organization.models, directory.org_routes(home))
        return wanted

    def _changed(self, wanted: Mapping[str, _Wanted]) -> dict[str, _Wanted]:
        return {
            home: each
            for home, each in wanted.items()
            if home not in self._built or not each.same(self._built[home][0])
        }

    def _build(self, changed: Mapping[str, _Wanted]) -> dict[str, OrgRoutes]:
        """Blocking, and of any thread."""
        return {home: self._build_one(home, each) for home, each in changed.items()}

    def _build_one(self, home: str, wanted: _Wanted) -> OrgRoutes:
        trees = [(each.name, each.tree) for each in wanted.routes]
        try:
            return wanted.ground.build(home, wanted.models, trees)
        except Exception as error:  # noqa: BLE001 - one organization's routes must not keep others from theirs
            self._log.fault("the routes of an organization could not be built", error, organization_id=home)
            told = ("the gateway failed to build it; its log has the details",)
            return OrgRoutes({}, {name: told for name, _ in trees})

    def _put(
        self, seen: tuple[Ground | None, int], wanted: Mapping[str, _Wanted], built: Mapping[str, OrgRoutes]
    ) -> None:
        self._built = {
            home: (each, built[home] if home in built else self._built[home][1])
            for home, each in wanted.items()
        }
        self._seen = seen
        self._config.put_own({home: routes for home, (_, routes) in self._built.items()})
