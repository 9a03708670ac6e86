"""Who serves a model id: the providers that list it, by the id without a provider before it."""

from __future__ import annotations

from waypost.config.snapshot import Route, Snapshot
from waypost.routing.requested.trees import all_of

#: Of one id; as many candidates as a plan should have.
OFFERS_MAX = 64


class Offers:
    """An index over one snapshot's discovered routes; as large as they are at most. Made when it is first needed: a
    request that asks for nothing but a model does not."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.version = snapshot.version
        self.regions = frozenset(each.region for each in snapshot.providers.values() if each.region)
        gathered: dict[str, list[Route]] = {}
        for route in snapshot.routes.values():
            if route.kind == "discovered":
                gathered.setdefault(route.targets[0].model, []).append(route)
        self._all: dict[str, Route] = {}
        self._found = {model: tuple(routes[:OFFERS_MAX]) for model, routes in gathered.items()}

    def of(self, model: str) -> tuple[Route, ...]:
        """The routes `provider/model` of everyone who lists this id, in the order of the configuration."""
        return self._found.get(model, ())

    def everyone(self, model: str) -> Route | None:
        """One route over all of them, the same one each time; None where nobody lists it."""
        route = self._all.get(model)
        if route is None and model in self._found:
            route = self._all[model] = all_of(self._found[model])
        return route
