"""From what was written and what was found to the one value that requests are served from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from waypost.catalog.override import override
from waypost.config.credentials import SecretStore, read_whole_file
from waypost.config.credits_schema import check_credits
from waypost.config.endpoints import Endpoints, merge_deadlines
from waypost.config.faults import Faults
from waypost.config.load import Loaded, refuse
from waypost.config.nodes import Keys, targets_of
from waypost.config.org_routes import Conditions, OrgGround
from waypost.config.overload_schema import build_overload, check_overload, share
from waypost.config.places import Entry, Listed, Places, changed, tree
from waypost.config.price_schema import PricesConfig
from waypost.config.problems import Path, did_you_mean
from waypost.config.resilience_schema import check_resilience, resolve_resilience
from waypost.config.route_schema import RouteConfig
from waypost.config.routes import ALIAS, PREFIX, Compiler, named_providers
from waypost.config.schema import Config, ModelConfig, ProviderConfig, TargetConfig
from waypost.config.schemes import Schemes
from waypost.config.shared_store import resolve_shared
from waypost.config.snapshot import Catalog, Route, Settings, Snapshot
from waypost.config.storage_schema import check_files, resolve_storage
from waypost.config.targets import Provider
from waypost.config.values import parse_duration, parse_markup, parse_size
from waypost.core.price import Tariff
from waypost.dialects.json_limits import JsonLimits
from waypost.errors import ConfigError
from waypost.providers.auth.authorizer import Authorizer
from waypost.providers.spec import ProviderSpec


class Surroundings(msgspec.Struct, frozen=True):
    """What a configuration is resolved against. All of it is data; nothing here asks the network."""

    environ: Mapping[str, str]
    presets: Mapping[str, ProviderSpec]
    dialects: Mapping[str, object]
    """By name; only the names are read."""
    catalog: Catalog
    found: Sequence[Provider] = ()
    """Providers found in the environment or on this machine, which a configured one of the same name or preset
    replaces."""
    discovered: Mapping[str, Sequence[Listed]] = {}
    """What each provider lists, by its name."""
    read_file: Callable[[str], bytes] = read_whole_file
    conditions: Conditions = msgspec.field(default_factory=Conditions)
    """Those of organizations' routes, which outlive configurations."""
    workers: int = 1
    """How many processes share what the whole gateway may."""
    standing: Mapping[str, Authorizer] = {}
    """The authorizers in force, by `Provider.label`: their tokens outlive a new configuration that does not change
    them."""


def resolve(loaded: Loaded, around: Surroundings, version: int) -> Snapshot:
    """Check everything that the shape alone does not show, and build the snapshot.

    Raises ConfigInvalid with every problem found.
    """
    config, faults = loaded.config, Faults(loaded)
    secrets = SecretStore(around.environ, around.read_file)
    schemes = Schemes(secrets, faults, around.standing)
    endpoints = Endpoints(around.presets, around.dialects, secrets, faults, config.deadlines, schemes)
    pools: dict[str, tuple[Provider, ...]] = {}
    for index, entry in enumerate(config.providers):
        path: Path = ("providers", index)
        built = endpoints.build_pool(entry, path)
        if entry.name in pools:
            faults.add((*path, "name"), f"there are two providers named {entry.name!r}")
        elif f"{entry.name}/" in (PREFIX, ALIAS):
            faults.add(
                (*path, "name"), f"`{entry.name}/…` is what clients ask routes by", hint="Take another name."
            )
        pools.setdefault(entry.name, built)
    taken = {entry.preset for entry in config.providers} | set(pools)
    for found in around.found:
        if found.name not in taken:
            deadlines = merge_deadlines(found.deadlines, config.deadlines)
            pools[found.name] = (msgspec.structs.replace(found, deadlines=deadlines),)
    for name in _named_local_servers(config, around, pools):
        # A server on this machine that a target names may come up later: a configuration is not wrong for that.
        pools[name] = endpoints.build_pool(ProviderConfig(name=name, preset=name), ())
    pools = _with_shares(_with_markups(config, pools), around.workers)
    shared = resolve_shared(config.shared, secrets, faults)
    routes = _Routes(pools, around, faults)
    routes.add_configured(config.models)
    routes.add_routes(config.routes)
    routes.add_listed(_offered(config, pools, around))
    _check_figures(config, faults)
    if faults.found:
        raise refuse(loaded.file, faults.found)
    return Snapshot(
        version=version,
        providers={name: pool[0] for name, pool in pools.items()},
        routes=routes.routes,
        aliases=routes.aliases,
        settings=build_settings(config, around.workers),
        catalog=around.catalog,
        pools={name: pool for name, pool in pools.items() if pool[1:]},
        shared=shared,
        ground=routes.ground(config.routes),
    )


def _with_markups(
    config: Config, pools: Mapping[str, tuple[Provider, ...]]
) -> dict[str, tuple[Provider, ...]]:
    """The operator's mark-up on each provider: its own, else the gateway's."""
    own = {entry.name: entry.markup for entry in config.providers}
    told = {}
    for name, pool in pools.items():
        markup = parse_markup(own.get(name) or config.markup)
        told[name] = tuple(msgspec.structs.replace(one, markup=markup) for one in pool) if markup else pool
    return told


def _with_shares(pools: dict[str, tuple[Provider, ...]], workers: int) -> dict[str, tuple[Provider, ...]]:
    """Of what providers' keys are good for, one worker's share."""
    if workers == 1:
        return pools
    return {name: tuple(_with_share(each, workers) for each in pool) for name, pool in pools.items()}


def _with_share(key: Provider, workers: int) -> Provider:
    return msgspec.structs.replace(
        key,
        key_rpm=None if key.key_rpm is None else share(key.key_rpm, workers),
        key_concurrency=None if key.key_concurrency is None else share(key.key_concurrency, workers),
    )


def _check_figures(config: Config, faults: Faults) -> None:
    for name, message, expected in check_overload(config.overload):
        faults.add(("overload", name), message, expected=expected)
    for name, message, expected in check_files(config.files):
        faults.add(("files", name), message, expected=expected)
    for names, message, expected in check_credits(config.credits):
        faults.add(("credits", *names), message, expected=expected)
    for names, message, expected in check_resilience(config.resilience):
        faults.add(("resilience", *names), message, expected=expected)
    for index, entry in enumerate(config.providers):
        if entry.probe is not None and parse_duration(entry.probe.every) <= 0:
            path = ("providers", index, "probe", "every")
            faults.add(path, "it would be asked without a pause", expected="more than 0s")


def _named_local_servers(
    config: Config, around: Surroundings, pools: Mapping[str, tuple[Provider, ...]]
) -> list[str]:
    if not config.discovery.local:
        return []
    named = dict.fromkeys(target.provider for model in config.models for target in model.targets)
    named.update(dict.fromkeys(named_providers(config.routes)))
    specs = (around.presets.get(name) for name in named if name not in pools)
    return [spec.name for spec in specs if spec is not None and spec.local_ports]


def _offered(
    config: Config, pools: Mapping[str, tuple[Provider, ...]], around: Surroundings
) -> Iterator[tuple[str, Sequence[str]]]:
    explicit = {entry.name: entry.models for entry in config.providers if entry.models is not None}
    for name in pools:
        if name in explicit:
            yield name, explicit[name]
        else:
            yield name, [model.id for model in around.discovered.get(name, ())]


class _Routes:
    """Builds routes and aliases; collects what is wrong with them."""

    def __init__(
        self, pools: Mapping[str, tuple[Provider, ...]], around: Surroundings, faults: Faults
    ) -> None:
        self._around = around
        self._faults = faults
        self._places = Places(pools, around.catalog, around.discovered)
        self._models: dict[str, list[Entry]] = {}
        self.routes: dict[str, Route] = {}
        self.aliases: dict[str, str] = {}

    def add_configured(self, models: Sequence[ModelConfig]) -> None:
        for index, model in enumerate(models):
            path: Path = ("models", index)
            head, slash, _ = model.name.partition("/")
            if model.name in self.routes:
                self._faults.add((*path, "name"), f"there are two models named {model.name!r}")
            elif slash and head in self._places.pools:
                self._faults.add(
                    (*path, "name"),
                    f"the name {model.name!r} would hide a model of the provider {head!r}",
                    hint="Take a name that does not begin with a provider's name and a slash.",
                )
            elif model.name.startswith((PREFIX, ALIAS)):
                self._faults.add(
                    (*path, "name"), "a name that begins like this is a route's", hint="Take another name."
                )
            found = [
                self._entry(model, target, (*path, "targets", place))
                for place, target in enumerate(model.targets)
            ]
            entries = sorted((one for one in found if one is not None), key=lambda entry: entry.priority)
            targets = tuple(target for entry in entries for target in entry.targets)
            several = any(entry.targets[1:] for entry in entries)
            node = tree(model.name, entries) if several else None
            self._models.setdefault(model.name, entries)
            self.routes.setdefault(model.name, Route(name=model.name, targets=targets, node=node))

    def add_routes(self, routes: Sequence[RouteConfig]) -> None:
        compiler = self._compiler = Compiler(
            routes, self._models, self._places, self._tariff, self._no_provider, self._faults
        )
        for name, node in compiler.compile():
            route = Route(name=PREFIX + name, targets=targets_of(node), kind="route", node=node)
            self.routes[route.name] = route
            self.aliases[ALIAS + name] = route.name

    def ground(self, routes: Sequence[RouteConfig]) -> OrgGround:
        """What organizations may build on, once everything is added."""
        names = [route.name for route in routes]
        conditions = self._around.conditions
        return OrgGround(self._compiler, names, self._models, self._places, self._tariff, conditions)

    def _entry(self, model: ModelConfig, target: TargetConfig, path: Path) -> Entry | None:
        prices, at = (
            (target.prices, (*path, "prices")) if target.prices else (model.prices, (*path[:2], "prices"))
        )
        tariff = (
            self._tariff(prices, f"{model.name}:{target.provider}/{target.model}", at) if prices else None
        )
        markup = model.markup if target.markup is None else target.markup
        if target.provider not in self._places.pools:
            self._no_provider(target.provider, (*path, "provider"))
            return None
        targets = changed(
            self._places.at(target.provider, target.model),
            tariff=tariff,
            quantization=target.quantization,
            markup=None if markup is None else parse_markup(markup),
            priority=target.priority,
            weight=target.weight,
        )
        return Entry(target.priority, target.weight, targets)

    def _no_provider(self, name: str, path: Path) -> None:
        hint = did_you_mean(name, self._places.pools)
        spec = self._around.presets.get(name)
        if spec is not None and "{port}" in spec.base_url:
            hint = "Set `discovery: {local_model: on}` to have it started." if name == "local" else None
        elif spec is not None:
            key = f"Set {spec.env[0]}, or add" if spec.env else "Add"
            hint = f"{key} it to `providers`: {{name: {name}, preset: {name}}}."
        names = ", ".join(self._places.pools)
        self._faults.add(
            path,
            f"there is no provider {name!r}",
            expected=f"one of {names}" if names else "a provider; none is configured or was found",
            hint=hint,
        )

    def _tariff(self, prices: PricesConfig, named: str, path: Path) -> Tariff | None:
        given = {
            name: value for name, value in msgspec.structs.asdict(prices).items() if value not in (None, {})
        }
        try:
            return override(given, named)
        except ConfigError as fault:
            self._faults.add((*path, fault.param) if fault.param else path, fault.message)
            return None

    def add_listed(self, offered: Iterator[tuple[str, Sequence[str]]]) -> None:
        for provider, models in offered:
            for model in models:
                name = f"{provider}/{model}"
                targets = self._places.at(provider, model)
                node = Keys(targets) if targets[1:] else None
                self.routes.setdefault(name, Route(name, targets, "discovered", node))
                # A bare id must not capture what `provider/model` would mean.
                if model not in self.routes and model.partition("/")[0] not in self._places.pools:
                    self.aliases.setdefault(model, name)


def build_settings(config: Config, workers: int = 1) -> Settings:
    """The settings that the requests of one of several workers read."""
    return Settings(
        body_max_bytes=parse_size(config.limits.body),
        json=JsonLimits(depth=config.limits.json_depth, nodes=config.limits.json_nodes),
        header_deadline_s=parse_duration(config.server.header_deadline),
        body_deadline_s=parse_duration(config.server.body_deadline),
        write_stall_s=parse_duration(config.server.write_stall),
        drain_s=parse_duration(config.server.drain),
        concurrency_max=share(config.limits.concurrency, workers),
        exchange_s=parse_duration(config.limits.exchange),
        overload=build_overload(config.overload, workers),
        reserve_output_tokens=config.ledger.reserve_output_tokens,
        allow_unpriced=config.ledger.allow_unpriced,
        log_content=config.log.content,
        cors_origins=tuple(config.cors.origins),
        durability=config.ledger.durability,
        retention_days=config.log.retention_days,
        audit_days=config.log.audit_days,
        responses_days=config.responses.retention_days if config.responses.store else 0,
        replay_s=parse_duration(config.idempotency.retention) if config.idempotency.store else 0.0,
        replay_max_bytes=parse_size(config.idempotency.max_body),
        replay_total_bytes=parse_size(config.idempotency.max_total),
        resilience=resolve_resilience(config.resilience),
        storage=resolve_storage(config.files, config.batches),
    )
