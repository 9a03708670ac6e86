"""Routes of organizations, compiled against the configuration in force.

They are what the operator's are, with four differences. They may lead only to what is approved for the organization.
They say nothing of prices, and nothing that lets a provider choose other models. A target that is not there, or not
approved, is a fault that leaves the rest of the route in use: the operator's configuration changes without asking its
organizations. And there are bounds on what is done for every request, since whoever wrote it is not who runs the
gateway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from waypost.config.conditions import CelCondition, compile_condition
from waypost.config.faults import Faults
from waypost.config.leaves import DECIDED
from waypost.config.nodes import Condition, Fallback, Need, Node, targets_of
from waypost.config.org_trees import route_of
from waypost.config.places import Entry, Places
from waypost.config.problems import ConfigProblem, Path, did_you_mean, render_path
from waypost.config.route_schema import NodeConfig, RouteConfig
from waypost.config.routes import ALIAS, PREFIX, Compiler, Price
from waypost.config.snapshot import OrgRoutes, Route
from waypost.core.key import matches
from waypost.core.org_route import DEAR_MAX, DROPS_MAX
from waypost.errors import ConfigInvalid

#: Where a target was that can not be asked: nobody is below it.
_NOBODY: Final = Fallback(())
_CONDITIONS_KEPT: Final = 16_384


class Conditions:
    """Compiled conditions by their text. Compiling one takes up to some 30 ms, and a configuration that is read again
    changes none of them. Keeps at most 16,384, then begins anew."""

    def __init__(self) -> None:
        self._kept: dict[str, CelCondition] = {}

    def compile(self, text: str) -> CelCondition:
        """Raises ConfigError."""
        found = self._kept.get(text)
        if found is None:
            found = compile_condition(text)
            if len(self._kept) >= _CONDITIONS_KEPT:
                self._kept.clear()
            self._kept[text] = found
        return found


class OrgGround:
    """`config.snapshot.Ground`: what one configuration has to build on."""

    def __init__(
        self,
        routes: Compiler,
        names: Sequence[str],
        models: Mapping[str, Sequence[Entry]],
        places: Places,
        price: Price,
        conditions: Conditions,
    ) -> None:
        """`routes` and `names`: the configuration's own routes, compiled."""
        self.routes = routes
        self.names = frozenset(names)
        self.models = models
        self.places = places
        self.price = price
        self.conditions = conditions

    def build(
        self, organization_id: str, models: tuple[str, ...], trees: Sequence[tuple[str, str]]
    ) -> OrgRoutes:
        """See `config.snapshot.Ground`."""
        written, found = _Written(), dict[str, list[str]]()
        for name, text in trees:
            try:
                written.routes.append(route_of(name, text))
            except ConfigInvalid as error:
                found[name] = [f"{each.path}: {each.message}" for each in _problems(error)]
        faults = Faults(written)
        routes: dict[str, Route] = {}
        empty: list[str] = []
        for name, node in _OrgCompiler(self, organization_id, models, written.routes, faults).compile():
            targets = targets_of(node)
            if not targets:
                empty.append(name)
                continue
            full = PREFIX + name
            routes[full] = routes[ALIAS + name] = Route(
                full, targets, "route", node, owner=organization_id, own=(full,)
            )
        for problem in faults.found:
            told = f"{problem.path}: {problem.message}"
            found.setdefault(problem.file, []).append(told)
        for name in empty:
            found.setdefault(name, ["tree: no route that it includes leads to a target"])
        return OrgRoutes(routes, {name: tuple(told) for name, told in found.items()})

    def find_problems(
        self,
        organization_id: str,
        models: tuple[str, ...],
        new: RouteConfig,
        others: Sequence[tuple[str, str]],
    ) -> list[ConfigProblem]:
        """Why a route can not be made, or changed to this, beside the organization's others."""
        if new.name in self.names or new.name in self.models:
            what = "route" if new.name in self.names else "model"
            told = f"the gateway's configuration has a {what} of this name"
            return [ConfigProblem(new.name, None, None, "name", told, hint="Take another name.")]
        written = _Written()
        written.routes.append(new)
        for name, text in others:
            try:
                written.routes.append(route_of(name, text))
            except ConfigInvalid:
                continue  # told of where that route is looked at; naming it is a fault here
        faults = Faults(written)
        _OrgCompiler(self, organization_id, models, written.routes, faults).compile_first()
        return [each for each in faults.found if each.file == new.name]


class _Written:
    """`config.faults.Written`: problems say which route they are of, by its name, and where in it."""

    def __init__(self) -> None:
        self.routes: list[RouteConfig] = []

    def problem(
        self, path: Path, message: str, *, expected: str | None = None, hint: str | None = None
    ) -> ConfigProblem:
        _, index, *inner = path
        name = self.routes[int(index)].name
        return ConfigProblem(name, None, None, render_path(("tree", *inner)), message, expected, hint)


class _OrgCompiler(Compiler):
    """Compiles the routes of one organization."""

    def __init__(
        self,
        ground: OrgGround,
        organization_id: str,
        models: tuple[str, ...],
        routes: Sequence[RouteConfig],
        faults: Faults,
    ) -> None:
        self._owner = organization_id
        self._approved = models
        self._ground = ground
        usable = {name: found for name, found in ground.models.items() if self._may(name)}
        super().__init__(routes, usable, ground.places.beside(), ground.price, self._missing, faults)
        #: Of the route that is being compiled, and of those that are, with what they include: see `DEAR_MAX`.
        self._dear = 0
        self._dear_of: dict[str, int] = {}
        #: Nodes whose own settings are wrong: they lead nowhere.
        self._wrong: set[int] = set()

    def compile_first(self) -> None:
        """Compile the first route alone, with what it includes."""
        self._route(next(iter(self._routes)))

    def _may(self, name: str) -> bool:
        return not self._approved or matches(self._approved, (name,))

    def _missing(self, name: str, path: Path) -> None:
        # What else the operator has is not told where only some of it is approved.
        hint = None if self._approved else did_you_mean(name, self._places.pools)
        self._faults.add(path, f"there is no provider {name!r}", hint=hint)

    def _name(self, path: Path) -> str:
        return f"{self._owner}/{super()._name(path)}"

    def _route(self, name: str) -> Node | None:
        if name in self._done:
            return self._done[name]
        outer, self._dear = self._dear, 0
        node = super()._route(name)
        self._dear_of[name], self._dear = self._dear, outer
        if self._dear_of[name] > DEAR_MAX:
            told = (
                f"the route {name!r} has more than {DEAR_MAX} conditions, and targets that change the body, with the "
                "routes that it includes"
            )
            self._faults.add(("routes", self._routes[name][0]), told)
            self._done[name] = node = None
        return node

    def _node(self, config: NodeConfig, path: Path, depth: int) -> Node | None:
        node = super()._node(config, path, depth)
        return _NOBODY if id(config) in self._wrong else node

    def _check_settings(self, config: NodeConfig, kind: str, path: Path) -> None:
        before = len(self._faults.found)
        super()._check_settings(config, kind, path)
        if len(self._faults.found) > before:
            self._wrong.add(id(config))

    def _condition(self, text: str) -> Condition:
        self._dear += 1
        return self._ground.conditions.compile(text)

    def _target(self, config: NodeConfig, name: str, need: Need | None, path: Path) -> Node | None:
        if config.prices is not None:
            told = "what a target costs is said by the gateway's operator"
            self._faults.add((*path, "prices"), told, hint="Leave it out.")
            return _NOBODY
        if not self._may(name):
            self._unapproved(name, (*path, "target"))
            return _NOBODY
        before = len(self._faults.found)
        self._check_changes(config, path)
        node = super()._target(config, name, need, path)
        return _NOBODY if node is None or len(self._faults.found) > before else node

    def _check_changes(self, config: NodeConfig, path: Path) -> None:
        """What a target changes of a body."""
        self._dear += bool(config.default or config.set or config.drop)
        for field in ("default", "set"):
            for name in getattr(config, field) or ():
                if name.casefold() in DECIDED:
                    told = "who is asked, and for what, is not decided by the body here"
                    self._faults.add((*path, field, name[:64]), told, hint="Leave it out.")
        if len(config.drop or ()) > DROPS_MAX:
            self._faults.add((*path, "drop"), f"these are more than {DROPS_MAX} paths")

    def _include(self, name: str, need: Need | None, path: Path, depth: int) -> Node | None:
        name = name.removeprefix(PREFIX)
        if name in self._ground.names:  # the gateway's are meant, whatever the organization calls its own
            return self._include_gateways(name, need, path, depth)
        if name in self._open:
            self._loop(name)
        elif name not in self._routes:
            known = [*self._routes, *(each for each in self._ground.names if self._may(PREFIX + each))]
            told = f"there is no route {name!r}, neither of the organization nor of the gateway"
            self._faults.add(path, told, hint=did_you_mean(name, known) or "Make that one first.")
            return _NOBODY
        node = super()._include(name, need, path, depth)
        self._dear += self._dear_of.get(name, 0)
        if node is None and name not in self._open:
            self._faults.add(path, f"the route {name!r} can not be used itself")
        return node or _NOBODY

    def _loop(self, name: str) -> None:
        """A circle is told of the route that was begun with, too."""
        if len(self._open) > 1:
            around = " → ".join([*self._open[self._open.index(name) :], name])
            told = f"it would be in itself, or in one that is: {around}"
            self._faults.add(("routes", self._routes[self._open[0]][0]), told)

    def _include_gateways(self, name: str, need: Need | None, path: Path, depth: int) -> Node:
        if not self._may(PREFIX + name):
            self._unapproved(PREFIX + name, path)
            return _NOBODY
        found = self._ground.routes.compiled(name)
        if found is None:
            self._faults.add(path, f"there is no route {name!r}")
            return _NOBODY
        return self._included(*found, need, depth) or _NOBODY

    def _unapproved(self, name: str, path: Path) -> None:
        self._faults.add(
            path,
            f"the organization may not use {name!r}",
            expected=f"what is approved for it: {', '.join(self._approved)}",
            hint="Ask the gateway's operator, or take another one.",
        )


def _problems(error: ConfigInvalid) -> Iterator[ConfigProblem]:
    for each in error.problems:
        if isinstance(each, ConfigProblem):
            yield msgspec.structs.replace(each, path=f"tree.{each.path}" if each.path else "tree")
