"""Which route a request takes, and what it asks of it.

The first of these that is there decides:

1. the header `x-waypost-route`, 2. the field `waypost.route`, 3. the header `x-portkey-config`,
4. `model`, where it names a route by `route/` or `policy/`,
5. the route of its key, else of the key's team, else of its organization: whatever else `model` (and `models`,
   `fallbacks`, `x-portkey-provider`) names, it is not looked at; the `provider` object still orders and narrows that
   route's targets,
6. `model` (narrowed by `x-portkey-provider`), followed by those that `models` or `fallbacks` lists.

What decides is resolved to canonical names, and those are what permissions are checked against: `Route.name` for a
route that the operator wrote, and `Route.requires` too for models that the request put together itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from waypost.config.nodes import NO_PREFERENCES, Need, Preferences, SortBy
from waypost.config.snapshot import Route, Snapshot
from waypost.core.asked import Asked
from waypost.core.rules import Standing
from waypost.errors import InvalidRequest, ModelNotFound
from waypost.routing.requested.listed import FALLBACKS, MODELS, Listed, take_listed
from waypost.routing.requested.names import Named, Names, is_configured
from waypost.routing.requested.offers import Offers
from waypost.routing.requested.openrouter import FIELD as PROVIDER
from waypost.routing.requested.openrouter import NOTHING, Requested, is_openrouter, parse_provider
from waypost.routing.requested.portkey import Configs
from waypost.routing.requested.trees import in_turn, needing, node_of, sorted_by
from waypost.routing.requested.wishes import NO_WISHES, Wishes

#: OpenRouter's old way to say `provider.sort.partition`; other values are not its, and pass.
ROUTE = "route"
_PARTITIONS = {b'"fallback"': False, b'"sort"': True}
#: Fields of a body that are the gateway's to read.
GATEWAY_FIELDS = (MODELS, FALLBACKS, PROVIDER, ROUTE)
_NAMED = ("route/", "policy/")
_SAYS_NOTHING = (b"null", b"{}")


class Selected(msgspec.Struct, frozen=True):
    """What a request comes to."""

    route: Route
    asked: Asked
    """Without the fields that are the gateway's, and with the model's name as the route knows it."""
    preferences: Preferences = NO_PREFERENCES
    notes: tuple[str, ...] = ()
    """What was taken without having an effect, for the decision that is kept."""


class Selector:
    """Selects. Keeps an index of one snapshot and a bounded number of compiled configs; one per process."""

    def __init__(self) -> None:
        self._offers: Offers | None = None
        self._configs = Configs()

    def select(self, snapshot: Snapshot, asked: Asked, wishes: Wishes, standing: Standing) -> Selected:
        """Raises ModelNotFound, NoTarget, and InvalidRequest naming the field or header. Changes nothing of `asked`."""
        plain = standing.route is None and standing.key.route is None
        if plain and (wishes is NO_WISHES or _names_nothing(wishes)):
            fields = asked.fields
            if not (MODELS in fields or FALLBACKS in fields or PROVIDER in fields or ROUTE in fields):
                route = _known(snapshot, asked.model)
                if route is None and snapshot.own:
                    route = snapshot.find_own(standing.key.organization_id, asked.model)
                if route is not None:
                    return Selected(route, asked)
        made = _Selection(snapshot, asked, wishes, standing, lambda: self._index(snapshot))
        return made.made(self._configs)

    def _index(self, snapshot: Snapshot) -> Offers:
        if self._offers is None or self._offers.version != snapshot.version:
            self._offers = Offers(snapshot)
        return self._offers


def _names_nothing(wishes: Wishes) -> bool:
    return wishes.route is None and wishes.config is None and wishes.provider is None


def _known(snapshot: Snapshot, model: str) -> Route | None:
    """What nearly every request names; None: look closer."""
    route = snapshot.routes.get(model)
    if route is not None:
        return route
    canonical = snapshot.aliases.get(model)
    if canonical is not None:
        return snapshot.routes[canonical]
    provider, _, rest = model.partition("/")
    return snapshot.find(model) if rest and provider in snapshot.providers else None


class _Selection:
    """One request's."""

    def __init__(
        self,
        snapshot: Snapshot,
        asked: Asked,
        wishes: Wishes,
        standing: Standing,
        offers: Callable[[], Offers],
    ) -> None:
        self._snapshot = snapshot
        self._wishes = wishes
        self._standing = standing
        self._names = Names(snapshot, standing, offers)
        self._notes: list[str] = []
        self._asked = asked
        self._fields = asked.fields
        if any(name in asked.fields for name in GATEWAY_FIELDS):
            self._fields = asked.fields.copy()

    def made(self, configs: Configs) -> Selected:
        """Raises as `Selector.select` does."""
        fields = self._fields
        listed = take_listed(fields)
        across = self._take_partition()
        raw = fields.get(PROVIDER)
        asks = raw is not None and bytes(raw) not in _SAYS_NOTHING
        route = self._explicit(configs)
        if route is not None:
            parts = [Named(route, self._asked.model)]
            self._without_effect(listed)
        else:
            parts = self._named(listed, wide=asks)
        requested = NOTHING
        if raw is not None and not _all_openrouter(parts):
            del fields[PROVIDER]
            requested = parse_provider(raw)
        route, preferences = _compose(parts, requested, across)
        notes = (*self._notes, *requested.notes, *(note for part in parts for note in part.notes))
        return Selected(route, self._cleaned(parts[0].model), preferences, tuple(dict.fromkeys(notes)))

    def _take_partition(self) -> bool:
        raw = self._fields.get(ROUTE)
        across = None if raw is None else _PARTITIONS.get(bytes(raw))
        if across is None:
            return False
        del self._fields[ROUTE]
        return across

    def _explicit(self, configs: Configs) -> Route | None:
        """What is named in place of a model; None: `model` decides."""
        wishes, standing = self._wishes, self._standing
        if wishes.route is not None:
            return self._names.route(wishes.route, wishes.route_from)
        if wishes.config is not None:
            compiled = configs.compile(
                wishes.config, self._names, self._snapshot.version, self._asked.model, wishes.provider
            )
            self._notes += compiled.notes
            return compiled.route
        named, (scope, label) = standing.route, standing.route_of
        if standing.key.route is not None:
            named, scope, label = standing.key.route, "key", standing.key.name
        if named is None or self._asked.model.startswith(_NAMED):
            return None
        self._notes.append(f"the {scope}'s own route")
        try:
            return self._names.route(named, "model")
        except ModelNotFound:
            raise ModelNotFound(
                f"The {scope} {label!r} takes the route {named!r}, which is not configured (any more). Have it "
                "configured, or another one set there."
            ) from None

    def _without_effect(self, listed: Listed) -> None:
        if listed.names:
            self._notes.append(f"`{listed.field}`: the route that was taken says what follows a failure")
        if self._wishes.provider is not None and self._wishes.config is None:
            self._notes.append("`x-portkey-provider`: the route that was taken says who is asked")

    def _named(self, listed: Listed, *, wide: bool) -> list[Named]:
        """`model`, then what was listed, each once. A route is another one where the name asks something else of it:
        `x` follows `x:free`."""
        model, pinned = self._asked.model, self._wishes.provider
        first = self._names.find(model, wide=wide) if pinned is None else self._names.at(pinned, model)
        parts = {_key(first): first}
        for place, name in enumerate(listed.names):
            part = self._next(name, first.route, f"{listed.field}[{place}]", wide)
            parts.setdefault(_key(part), part)
        return list(parts.values())

    def _next(self, name: str, first: Route, path: str, wide: bool) -> Named:
        """A listed name: by exactly that name, else as an id that the first model's provider lists, else as any other
        name, and at last as an id that this provider may know all the same."""
        snapshot = self._snapshot
        provider = first.targets[0].provider.name
        beside = all(each.provider.name == provider for each in first.targets)
        if beside and not is_configured(first) and name not in snapshot.routes:
            listed = snapshot.routes.get(f"{provider}/{name}")
            if listed is not None:
                return Named(listed, name)
        try:
            return self._names.find(name, wide=wide)
        except ModelNotFound:
            if beside:
                return Named(snapshot.find(f"{provider}/{name}"), name)
            raise ModelNotFound(
                f"There is no model {name[:200]!r}. GET /v1/models lists what this key can use.", param=path
            ) from None
        except InvalidRequest as fault:
            raise InvalidRequest(fault.message, param=path) from None

    def _cleaned(self, model: str) -> Asked:
        asked = self._asked
        if model == asked.model and self._fields is asked.fields:
            return asked
        return msgspec.structs.replace(asked, model=model, fields=self._fields)


def _key(part: Named) -> tuple[str, Need | None, SortBy | None]:
    return part.route.name, part.need, part.sort


def _all_openrouter(parts: Sequence[Named]) -> bool:
    """Everyone who can answer reads the object itself, and knows more of it than the gateway does."""
    return all(is_openrouter(target.provider) for part in parts for target in part.route.targets)


def _compose(parts: Sequence[Named], requested: Requested, across: bool) -> tuple[Route, Preferences]:
    preferences = requested.preferences
    if len(parts) == 1:
        (part,) = parts
        route = part.route
        if part.need is not None:
            route = msgspec.structs.replace(route, node=needing(node_of(route), part.need))
        if part.sort is not None and preferences.sort is None:
            preferences = msgspec.structs.replace(preferences, sort=part.sort)
        return route, preferences
    by = preferences.sort
    if by is not None and not (across or requested.across):
        preferences = msgspec.structs.replace(preferences, sort=None)
    nodes = []
    for part in parts:
        node, order = node_of(part.route), by or part.sort
        nodes.append(needing(node if order is None else sorted_by(node, order), part.need))
    return in_turn([part.route for part in parts], nodes), preferences


def trimmed(original: Asked, selected: Asked) -> Asked:
    """An earlier form of a request, without the fields of the gateway that were taken out of its last one."""
    gone = [name for name in GATEWAY_FIELDS if name in original.fields and name not in selected.fields]
    if not gone:
        return original
    fields = {name: raw for name, raw in original.fields.items() if name not in gone}
    return msgspec.structs.replace(original, fields=fields)
