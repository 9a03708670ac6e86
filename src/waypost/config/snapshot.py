"""What the request path reads: one immutable value, swapped whole on every reload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from waypost.config.nodes import Keys, Node
from waypost.config.overload_schema import OverloadSettings
from waypost.config.problems import ConfigProblem
from waypost.config.route_schema import RouteConfig
from waypost.config.shared_store import SharedStore
from waypost.config.storage import Storage
from waypost.config.targets import Provider, Target
from waypost.config.tuning import Resilience
from waypost.core.facts import ModelFacts
from waypost.core.price import Tariff
from waypost.dialects.json_limits import JsonLimits
from waypost.errors import ModelNotFound, NoTarget


class Route(msgspec.Struct, frozen=True):
    """What a client may ask for: a name and the targets behind it, in order of priority."""

    name: str
    """The canonical name: permissions are checked against it, never against what the client wrote."""
    targets: tuple[Target, ...]
    """Every target an answer can come from, each once."""
    kind: Literal["config", "route", "discovered", "direct"] = "config"
    """`config`: a name of `models`; `route`: one of `routes`."""
    node: Node | None = None
    """How they are ordered; None: by priority, and within one by weight."""
    requires: tuple[str, ...] = ()
    """Names that a key has to be allowed beside `name`: the models that a request listed for itself."""
    owner: str = ""
    """The id of the organization that made it; empty: the operator."""
    own: tuple[str, ...] = ()
    """Of these names, those of routes that an organization made. What is approved for the organization was held
    against all that they reach when they were built, so it need not name them."""


class Settings(msgspec.Struct, frozen=True):
    """Limits and switches of the whole gateway."""

    body_max_bytes: int = 32 * 1024 * 1024
    json: JsonLimits = JsonLimits()
    header_deadline_s: float = 10.0
    body_deadline_s: float = 60.0
    write_stall_s: float = 60.0
    drain_s: float = 30.0
    """How long running streams may go on after SIGTERM."""
    concurrency_max: int = 4096
    """Exchanges under way at once; more are answered 503."""
    exchange_s: float = 900.0
    """The longest that an exchange may take, all of its attempts together."""
    overload: OverloadSettings = OverloadSettings()
    reserve_output_tokens: int = 4096
    """Held per answer when the client sets no limit and the model's own is larger."""
    allow_unpriced: bool = False
    """Let keys with a budget use models without a known price (their cost is then null, not 0)."""
    log_content: bool = False
    cors_origins: tuple[str, ...] = ()
    durability: Literal["process", "fsync"] = "process"
    retention_days: int = 90
    audit_days: int | None = None
    """How long rows of the audit log are kept; None: for ever."""
    responses_days: int = 30
    """How long answers of the Responses dialect are kept; 0: they are not."""
    replay_s: float = 86_400.0
    """How long answers are kept for requests that come again under their idempotency key; 0: they are not."""
    replay_max_bytes: int = 1024 * 1024
    """Of one answer; a larger one is not kept."""
    replay_total_bytes: int = 1024 * 1024 * 1024
    """Of all that are kept; those that expire first give way."""
    resilience: Resilience = Resilience()
    storage: Storage = Storage()
    """Clients' files, and batches."""


class Catalog(Protocol):
    """Where prices and facts of a model come from. Lookups are dict hits."""

    def find(self, provider: str, model: str) -> tuple[Tariff | None, ModelFacts]:
        """Prices and facts of a provider's own model id; (None, empty facts) when it is unknown."""
        ...


class OrgRoutes(msgspec.Struct, frozen=True):
    """The routes that one organization made, as far as they can be followed under one configuration."""

    routes: Mapping[str, Route] = {}
    """By `route/name` and by `policy/name`. Each has a target."""
    faults: Mapping[str, tuple[str, ...]] = {}
    """By the bare name, what is wrong with it now. Its other targets are asked all the same."""


class Ground(Protocol):
    """A configuration, as far as routes of organizations build on it."""

    def build(
        self, organization_id: str, models: tuple[str, ...], trees: Sequence[tuple[str, str]]
    ) -> OrgRoutes:
        """The routes of one organization: `models` is what is approved for it, `trees` are names and texts. Raises
        nothing for what is wrong with them."""
        ...

    def find_problems(
        self,
        organization_id: str,
        models: tuple[str, ...],
        new: RouteConfig,
        others: Sequence[tuple[str, str]],
    ) -> list[ConfigProblem]:
        """Why a route can not be made, or changed to this, beside the organization's others."""
        ...


class Snapshot(msgspec.Struct, frozen=True):
    """Everything that was configured and discovered, at one moment."""

    version: int
    providers: dict[str, Provider]
    routes: dict[str, Route]
    """By canonical name: configured models by their name, routes as `route/name`, discovered models as
    `provider/model`."""
    aliases: dict[str, str]
    """Bare model ids and other spellings to canonical names."""
    settings: Settings
    catalog: Catalog
    pools: dict[str, tuple[Provider, ...]] = {}
    """By name, the providers that have several keys: one value for each key, the first of which is in `providers`."""
    shared: SharedStore | None = None
    """Over which health is shared with other nodes."""
    ground: Ground | None = None
    own: Mapping[str, OrgRoutes] = {}
    """By the organization's id, the routes that it made. A name that the configuration has too means the
    configuration's."""

    def every_provider(self) -> tuple[Provider, ...]:
        """Each provider as often as it has keys."""
        return tuple(
            one for name, provider in self.providers.items() for one in self.pools.get(name, (provider,))
        )

    def find(self, model: str) -> Route:
        """The route for what a client asked: a dict hit for known names; `provider/anything` always works.

        Raises ModelNotFound.
        """
        route = self.routes.get(model)
        if route is not None:
            return route
        canonical = self.aliases.get(model)
        if canonical is not None:
            return self.routes[canonical]
        name, slash, rest = model.partition("/")
        provider = self.providers.get(name)
        if not slash or not rest or provider is None:
            raise ModelNotFound(
                f"There is no model {model[:200]!r}. GET /v1/models lists what this key can use.",
                param="model",
            )
        tariff, facts = self.catalog.find(provider.prices or provider.name, rest)
        pool = self.pools.get(name, (provider,))
        targets = tuple(
            Target(
                provider=one, model=rest, tariff=tariff, facts=facts, weight=one.key_weight if pool[1:] else 1
            )
            for one in pool
        )
        return Route(name=model, targets=targets, kind="direct", node=Keys(targets) if targets[1:] else None)

    def find_own(self, organization_id: str, name: str) -> Route | None:
        """A route that the organization made, by `route/name` or `policy/name`; None: it has none of this name.

        Raises NoTarget for one that has no target left, and says why.
        """
        own = self.own.get(organization_id)
        if own is None:
            return None
        route = own.routes.get(name)
        if route is not None:
            return route
        prefix, _, bare = name.partition("/")
        faults = own.faults.get(bare)
        if faults is None or prefix not in ("route", "policy"):
            return None
        raise NoTarget(
            f"The route {name!r} of your organization leads nowhere now: {'; '.join(faults[:3])}. Have it changed, or "
            "name another one.",
            param="model",
        )
