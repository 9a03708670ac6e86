"""What the control API is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from waypost.config.problems import ConfigProblem
from waypost.config.route_schema import RouteConfig
from waypost.config.targets import Provider
from waypost.core.budget import Budget
from waypost.core.credentials import Credential
from waypost.core.deed import Deed
from waypost.core.keytext import Randomness
from waypost.core.objects import Kind, Object
from waypost.core.org_route import OrgRoute
from waypost.core.people import Organization
from waypost.policy.directory import Directory
from waypost.ports import Clock, Objects
from waypost.ports.audit import AuditLog
from waypost.ports.credits import Credits
from waypost.ports.people import KeyStore, Passwords, Sessions
from waypost.ports.sealing import Sealing
from waypost.ports.usage import UsageBook


class Live(Protocol):
    """The directory in memory, and how it is made to know what was just changed."""

    @property
    def directory(self) -> Directory:
        """As it is known now."""
        ...

    async def put(self, found: Object, *, revision: int | None = None, by: Deed | None = None) -> Object:
        """See `ports.Objects`. What was written is in force here when it returns."""
        ...

    async def delete(
        self, kind: Kind, object_id: str, *, revision: int | None = None, by: Deed | None = None
    ) -> bool:
        """See `ports.Objects`. What was deleted is not in force here any more when it returns."""
        ...


class Figure(msgspec.Struct, frozen=True):
    """How a budget stands now. Nano-dollars."""

    spent_nusd: int
    held_nusd: int
    left_nusd: int
    resets_at: float | None = None
    """When its window ends."""


class Figures(Protocol):
    """Who knows how budgets stand."""

    async def of(self, budget: Budget) -> Figure | None:
        """None where it is not known, such as for a budget that each one of a kind has by itself."""
        ...


class OrgTrees(Protocol):
    """Who knows the configuration that routes of organizations build on."""

    def faults(self, route: OrgRoute) -> tuple[str, ...]:
        """What is wrong with a route under the configuration in force; each with its place in the tree."""
        ...

    def shadowed(self, name: str) -> bool:
        """Whether the configuration has a route of this name, which is then what the name means."""
        ...

    def find_problems(
        self, organization: Organization, new: RouteConfig, others: Sequence[OrgRoute]
    ) -> Sequence[ConfigProblem]:
        """Why a route can not be made, or changed to this, beside the organization's others. Blocking."""
        ...


class Hashes(Protocol):
    """How passwords are kept. Blocking, and slow on purpose."""

    def make(self, password: str) -> str:
        """The hash to keep."""
        ...

    def matches(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one. None takes as long, and is never."""
        ...

    def outdated(self, kept: str) -> bool:
        """Whether it was made with other parameters than today's."""
        ...


class Audited(msgspec.Struct, frozen=True):
    """One change, for the gateway's own log. It holds no secret."""

    at: float
    request_id: str
    who: str
    via: str
    """`token:<id>`, `session`, `machine`, `sign-in`, or `invitation`."""
    address: str
    action: str
    """The route's name."""
    organization_id: str
    kind: str
    object_id: str
    name: str
    before: int | None
    """The revision before; None when it was not there."""
    after: int | None
    """The revision after; None when it is gone."""


class Parts(msgspec.Struct, frozen=True):
    """The ports and what stands behind them."""

    objects: Objects
    keys: KeyStore
    passwords: Passwords
    sessions: Sessions
    live: Live
    credits: Credits
    trail: AuditLog
    usage: UsageBook
    hashes: Hashes
    clock: Clock
    randomness: Randomness
    audit: Callable[[Audited], None]
    seals: Sealing
    """For the secrets of credentials."""
    control_token: str = ""
    """What the command line of this machine shows."""
    providers: Callable[[], Mapping[str, Provider]] = dict
    """Those of the configuration in force."""
    readable: Callable[[Credential], bool] = lambda _: True
    """Whether the secret of a credential could be opened here."""
    figures: Figures | None = None
    trees: OrgTrees | None = None
    """None where there is no configuration: then only the shape of routes is looked at."""
    blocking: Callable[..., Awaitable[Any]] = asyncio.to_thread
    version: str = ""
    workers: int = 1
    """Processes that answer as this one does."""

    def by(self, deed: Deed) -> Parts:
        """The same, for somebody whom the audit log tells of."""
        return msgspec.structs.replace(
            self,
            keys=self.keys.by(deed),
            passwords=self.passwords.by(deed),
            sessions=self.sessions.by(deed),
            credits=self.credits.by(deed),
            trail=self.trail.by(deed),
        )

    def __repr__(self) -> str:
        return "Parts()"
