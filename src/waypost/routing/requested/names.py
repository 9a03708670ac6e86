"""Names of models as clients write them, with suffixes and pins.

What is known by exactly the name that was written always wins: ids have colons (`qwen3:4b`) and signs of their own.
`provider/model` is taken as it is. In what is left, `:floor`, `:nitro`, `:free`, `:exacto` and `@provider`, `@region`
are taken off the end, one after the other, until what remains is known.

Suffixes: https://openrouter.ai/docs/features/model-variants; pins: https://docs.requesty.ai (2026-08-22).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from waypost.config.nodes import MaxPrice, Need, SortBy
from waypost.config.snapshot import OrgRoutes, Route, Snapshot
from waypost.core.rules import Standing
from waypost.errors import InvalidRequest, ModelNotFound
from waypost.routing.requested.offers import Offers
from waypost.routing.requested.openrouter import NO_EXACTO, is_openrouter
from waypost.routing.requested.trees import all_of

PREFIX: Final = "route/"
#: Requesty's word for the same.
_PREFIXES: Final = (PREFIX, "policy/")
_SORTS: Final[dict[str, SortBy]] = {"floor": "price", "nitro": "throughput"}
_SUFFIXES: Final = frozenset((*_SORTS, "free", "exacto", "online"))
_MARKS_MAX: Final = 4
_FREE: Final = MaxPrice(input=0, output=0)


def is_configured(route: Route) -> bool:
    """Whether its targets were chosen by the operator: they are narrowed, never added to."""
    return route.kind not in ("discovered", "direct")


class Named(msgspec.Struct, frozen=True):
    """A route that a name leads to, and what the name asks of it."""

    route: Route
    model: str
    """The name without suffixes and pins."""
    sort: SortBy | None = None
    need: Need | None = None
    notes: tuple[str, ...] = ()


class _Marks(msgspec.Struct):
    """What was taken off the end of a name: the last first."""

    suffixes: list[str] = []
    pin: str | None = None


class Names:
    """Resolves names for one request."""

    def __init__(self, snapshot: Snapshot, standing: Standing, offers: Callable[[], Offers]) -> None:
        self._snapshot = snapshot
        self._standing = standing
        self._offers = offers

    def route(self, name: str, param: str) -> Route:
        """A route by its name, with or without `route/` before it, or by a model's.

        Raises ModelNotFound and NoTarget."""
        bare = name
        for prefix in _PREFIXES:
            bare = bare.removeprefix(prefix)
        found = self._snapshot.routes.get(PREFIX + bare)
        if found is None:  # whatever the configuration calls so is meant before what an organization does
            found = self._known(name, wide=False) or self.own(PREFIX + bare)
        if found is not None:
            return found
        try:
            return self._snapshot.find(name)
        except ModelNotFound:
            raise ModelNotFound(
                f"There is no route {name[:200]!r}. GET /v1/models lists what this key can use.", param=param
            ) from None

    def own(self, name: str) -> Route | None:
        """A route that the key's organization made, by `route/name` or `policy/name`. Raises NoTarget for one that
        leads nowhere now."""
        return self._snapshot.find_own(self.organization, name)

    def find(self, name: str, *, wide: bool = False) -> Named:
        """`wide`: a bare id means everyone who lists it, as far as the key may use them, and not the first one alone.

        Raises ModelNotFound, NoTarget, and InvalidRequest for a suffix that nobody here can serve.
        """
        known = self._known(name, wide) or self.own(name)
        if known is not None:
            return Named(known, name)
        if name.partition("/")[0] not in self._snapshot.providers:
            marked = self._marked(name)
            if marked is not None:
                return marked
        return Named(self._snapshot.find(name), name)

    def at(self, provider: str, name: str) -> Named:
        """The same name at one provider: of a configured route, and of one that the organization made, only its targets
        there, of everything else its model of that id. Raises InvalidRequest when there is no such provider, and
        NoTarget."""
        if provider not in self._snapshot.providers:
            raise InvalidRequest(
                f"There is no provider {provider[:64]!r} here. Credentials and hosts are the operator's: name one of "
                "the configured providers.",
                param="x-portkey-provider",
            )
        known = self._known(name, wide=False)
        own = self.own(name) if known is None else known
        if own is not None and is_configured(own):
            return Named(own, name, need=Need(only=(provider,)))
        full = name if name.startswith(f"{provider}/") else f"{provider}/{name}"
        return Named(self._snapshot.find(full), name)

    @property
    def organization(self) -> str:
        """The id of the key's."""
        return self._standing.key.organization_id

    @property
    def owned(self) -> OrgRoutes | None:
        """What the key's organization made, all together: another object whenever something of it is another one."""
        return self._snapshot.own.get(self.organization)

    def saved(self, slug: str) -> Route:
        """A named route, and nothing else. Raises ModelNotFound and NoTarget."""
        found = self._snapshot.routes.get(PREFIX + slug) or self.own(PREFIX + slug)
        if found is None:
            raise ModelNotFound(f"There is no route {slug[:200]!r}.")
        return found

    def plain(self, name: str) -> Route:
        """What is known by this name, without suffixes and pins; the same for every key of the organization. Raises
        ModelNotFound and NoTarget."""
        return self._known(name, wide=False) or self.own(name) or self._snapshot.find(name)

    def _known(self, name: str, wide: bool) -> Route | None:
        snapshot = self._snapshot
        found = snapshot.routes.get(name)
        if found is not None:
            return found
        canonical = snapshot.aliases.get(name)
        if canonical is not None:
            return self._everyone(name, snapshot.routes[canonical]) if wide else snapshot.routes[canonical]
        for prefix in _PREFIXES:
            if name.startswith(prefix):
                return snapshot.routes.get(PREFIX + name.removeprefix(prefix))
        if name.startswith("@") and name[1:].partition("/")[0] in snapshot.providers:
            return snapshot.find(name[1:])
        return None

    def _everyone(self, model: str, first: Route, region: str | None = None) -> Route:
        """What a limited key may not use is not opened by asking for more of it, and what a budget can not be held
        to makes the rest no less usable."""
        standing = self._standing
        priced = standing.rules.hard and not self._snapshot.settings.allow_unpriced
        if region is None and not priced and not (standing.key.models or standing.models):
            return self._offers().everyone(model) or first
        offers = [
            route
            for route in self._offers().of(model)
            if standing.may_use(route.name)
            and (region is None or route.targets[0].provider.region == region)
            and not (priced and any(target.tariff is None for target in route.targets))
        ]
        return all_of(offers) if offers else first

    def _marked(self, name: str) -> Named | None:
        marks, stem = _Marks(), name
        for _ in range(_MARKS_MAX):
            at = max(stem.rfind(":"), stem.rfind("@"))
            if at < 1 or not self._take(marks, stem[at], stem[at + 1 :]):
                break
            stem = stem[:at]
            known = self._known(stem, wide=True) or self.own(stem)
            if marks.pin is not None:
                known = self._snapshot.routes.get(f"{marks.pin}/{stem}", known)
            if known is not None:
                return self._apply(marks, stem, known, name)
        if marks.pin in self._snapshot.providers:
            # Nobody lists it, and `provider/anything` always works.
            return self._apply(marks, stem, self._snapshot.find(f"{marks.pin}/{stem}"), name)
        return None

    def _take(self, marks: _Marks, mark: str, word: str) -> bool:
        if mark == ":" and word in _SUFFIXES:
            marks.suffixes.append(word)
            return True
        if mark != "@" or marks.pin is not None:
            return False
        if word not in self._snapshot.providers and word not in self._offers().regions:
            return False
        marks.pin = word
        return True

    def _apply(self, marks: _Marks, stem: str, route: Route, name: str) -> Named:
        need = Need()
        if marks.pin is not None:
            route, need = self._pin(stem, route, marks.pin)
        elif marks.suffixes and all(is_openrouter(target.provider) for target in route.targets):
            return Named(self._snapshot.find(f"{route.targets[0].provider.name}/{name}"), name)
        if "online" in marks.suffixes:
            raise InvalidRequest(
                f"{name[:200]!r} asks for search in the web by `:online`, which is not offered here. Leave the suffix "
                "out, and use a tool or a model that searches.",
                param="model",
            )
        if "free" in marks.suffixes:
            need = msgspec.structs.replace(need, max_price=_FREE)
        notes = (NO_EXACTO,) if "exacto" in marks.suffixes else ()
        sorts = [_SORTS[word] for word in marks.suffixes if word in _SORTS]
        return Named(route, stem, sorts[0] if sorts else None, None if need == Need() else need, notes)

    def _pin(self, stem: str, route: Route, pin: str) -> tuple[Route, Need]:
        provider = pin in self._snapshot.providers
        if is_configured(route):  # its targets are the operator's choice: nothing is added to them
            return route, Need(only=(pin,)) if provider else Need(regions=frozenset((pin,)))
        if provider:
            return self._snapshot.find(f"{pin}/{stem}"), Need()
        return self._everyone(stem, route, pin), Need(regions=frozenset((pin,)))
