"""The directory in memory: who there is, and which rules hold for whom. Every question on the request path is a dict
hit.

It lives on the event loop's thread and is kept true by whoever calls `apply`. What it tells of a key is made once and
kept until something changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, TypeVar, cast

import msgspec

from waypost.core.budget import Budget
from waypost.core.free_tier import FreeTier
from waypost.core.key import Key
from waypost.core.limit import Limit
from waypost.core.objects import KIND_OF, TYPES, Change, Kind, Object
from waypost.core.org_route import OrgRoute
from waypost.core.people import (
    DEFAULT,
    ROLES,
    MachineAccount,
    Member,
    Organization,
    Permission,
    Project,
    Role,
    Team,
    Token,
    User,
)
from waypost.core.rules import Bound, Named, Pace, Rules, Standing
from waypost.core.scope import ASKED, EACH, ScopeKind, asked_id
from waypost.policy.belonging import refusal
from waypost.policy.bounds import Pair, Place, add_own, default_route, merged, pairs_of, with_free

T = TypeVar("T", bound=Object)

_KEPT_MOST: Final = 131_072
_OWN: Final = Organization(id=DEFAULT, name=DEFAULT)
_NOBODY: Final = Organization(id="", name="gateway")
_GATEWAY: Final = Key("gateway", "gateway", b"", "", 0.0, organization_id="")
#: Of requests that name scopes: the rules of so many of them, and of so many scopes.
_NAMED_MOST: Final = 131_072


class Directory:
    """Everything of `core.objects`, with what is looked up by something else than its id."""

    def __init__(self) -> None:
        self.version = 0
        """Of the durable directory, as far as it was applied."""
        self.brought = 0
        """Another number whenever a credential that somebody brought is another one."""
        self._objects: dict[Kind, dict[str, Object]] = {kind: {} for kind in TYPES}
        #: By organization and person, and by person and organization.
        self._members: dict[str, dict[str, Member]] = {}
        self._memberships: dict[str, dict[str, Member]] = {}
        self._roles: dict[tuple[str, str], Role] = {}
        self._tokens: dict[bytes, Token] = {}
        self._budgets: dict[Place, tuple[Budget, ...]] = {}
        self._limits: dict[Place, tuple[Limit, ...]] = {}
        self._asks: dict[str, frozenset[ScopeKind]] = {}
        #: By organization, and there by their ids.
        self._routes: dict[str, dict[str, OrgRoute]] = {}
        self._copying: dict[str, Key] = {}
        self.route_changes = 0
        """How often anything changed that routes of organizations are made of."""
        #: By organization, the credit that it was given. One that is not here pays afterwards.
        self._credit: Mapping[str, int] = {}
        self.free_tier: FreeTier | None = None
        """What is offered; see `offer`."""
        self._standings: dict[tuple[str, bytes, str], Standing] = {}
        #: What holds at a scope, for everybody who is in it.
        self._places: dict[tuple[Place, str], tuple[tuple[Bound, ...], tuple[Pace, ...]]] = {}
        self._named: dict[tuple[str, bytes, str, tuple[Pair, ...]], tuple[Standing, Rules]] = {}

    def apply(self, changes: Iterable[Change], version: int) -> None:
        """Take in what was changed up to `version` of the durable directory."""
        asked = False
        for change in changes:
            asked |= change.kind in ("budget", "limit")
            self.brought += change.kind == "credential"
            self.route_changes += change.kind in ("route", "organization")
            self._forget(change.kind, change.object.id)
            if not change.deleted:
                self._remember(change.kind, change.object)
        self.version = version
        self._anew()
        if asked:
            self._asks = _asked_scopes([*self._budgets, *self._limits])

    def give(self, credit: Mapping[str, int]) -> None:
        """From now on these organizations, and no others, have prepaid credit: nano-dollars by their ids."""
        self._credit = credit
        self._anew()

    def offer(self, tier: FreeTier | None) -> None:
        """From now on every organization that it is for has this free tier; None: there is none."""
        self.free_tier = tier
        self._anew()

    def _anew(self) -> None:
        self._standings.clear()
        self._places.clear()
        self._named.clear()

    # --- who there is -----------------------------------------------------------------------------------------------

    def find(self, kind: type[T], object_id: str | None) -> T | None:
        """An object by its id."""
        if object_id is None:
            return None
        found = self._objects[KIND_OF[kind]].get(object_id)
        if found is None and kind is Organization and object_id == DEFAULT:
            return cast(T, _OWN)
        return cast(T | None, found)

    def all(self, kind: type[T]) -> Iterator[T]:
        """Every object of a kind, in no order."""
        return cast(Iterator[T], iter(self._objects[KIND_OF[kind]].values()))

    def member(self, organization_id: str, user_id: str) -> Member | None:
        """A person's membership of an organization."""
        return self._members.get(organization_id, {}).get(user_id)

    def members(self, organization_id: str) -> Collection[Member]:
        """Everybody in an organization."""
        return self._members.get(organization_id, {}).values()

    def memberships(self, user_id: str) -> Collection[Member]:
        """Everywhere that somebody is."""
        return self._memberships.get(user_id, {}).values()

    def token(self, digest: bytes) -> Token | None:
        """A token of the admin API by the SHA-256 of its text; whether it is still good is not asked."""
        return self._tokens.get(digest)

    def permissions(
        self, owner: Member | MachineAccount, team_id: str | None = None
    ) -> frozenset[Permission]:
        """What somebody may do in their organization, and in one of its teams."""
        told = self.role(owner.organization_id, owner.role)
        for each in owner.teams:
            if each.team_id == team_id:
                told |= self.role(owner.organization_id, each.role)
        return told

    def role(self, organization_id: str, name: str) -> frozenset[Permission]:
        """What a role allows; nothing when there is no such role any more."""
        own = self._roles.get((organization_id, name))
        return ROLES.get(name, frozenset()) if own is None else frozenset(own.permissions)

    def route_homes(self) -> Collection[str]:
        """The ids of the organizations that have routes of their own."""
        return self._routes.keys()

    def org_routes(self, organization_id: str) -> tuple[OrgRoute, ...]:
        """An organization's own routes, in the order of their names."""
        found = self._routes.get(organization_id, {})
        return tuple(sorted(found.values(), key=lambda each: each.name))

    # --- what holds -------------------------------------------------------------------------------------------------

    def standing(self, key: Key) -> Standing:
        """What a key may do now."""
        # Each secret of a key that is being rotated is a value of its own; lines of a batch have a low priority.
        slot = (key.key_id, key.digest, key.priority)
        kept = self._standings.get(slot)
        if kept is not None and kept.key is key:
            return kept
        if len(self._standings) >= _KEPT_MOST:
            self._standings.clear()
        made = self._standings[slot] = self._made(key)
        return made

    def rules(self, standing: Standing, named: Named) -> Rules:
        """The rules of a request of this key; the same object as long as it names the same scopes of those that have
        any."""
        asks = standing.asks
        if not asks:
            return standing.rules
        key = standing.key
        pairs = tuple(pairs_of(asks, named, key.tags))
        if not pairs:
            return standing.rules
        slot = (key.key_id, key.digest, key.priority, pairs)
        kept = self._named.get(slot)
        if kept is not None and kept[0] is standing:
            return kept[1]
        bounds, paces = list(standing.rules.bounds), list(standing.rules.paces)
        for scope, name in pairs:
            for organization_id in dict.fromkeys((key.organization_id, "")):
                place = (scope, asked_id(organization_id, name))
                self._add(bounds, paces, place, (f"{organization_id}/{EACH}",), name)
        made = standing.rules
        if len(bounds) + len(paces) > len(made.bounds) + len(made.paces):
            made = self._with_free(Rules(tuple(bounds), tuple(paces)), key)
        if len(self._named) >= _NAMED_MOST:
            self._named.clear()
        self._named[slot] = (standing, made)
        return made

    def own(self, organization_id: str = "") -> Standing:
        """Of what the gateway asks for itself: copies of requests, and its own questions. Only the rules that the
        operator set for everything hold for it; for copies that a route of an organization asks for, the
        organization's too."""
        if not organization_id:
            return self.standing(_GATEWAY)
        key = self._copying.get(organization_id)
        if key is None:
            key = msgspec.structs.replace(
                _GATEWAY, key_id=organization_id, name="copies of requests", organization_id=organization_id
            )
            if len(self._copying) >= _KEPT_MOST:
                self._copying.clear()
            self._copying[organization_id] = key
        return self.standing(key)

    def _made(self, key: Key) -> Standing:
        home = key.organization_id
        organization = self.find(Organization, home) if home else _NOBODY
        team, project = self.find(Team, key.team_id), self.find(Project, key.project_id)
        user, member = self.find(User, key.user_id), self.member(home, key.user_id or "")
        machine = self.find(MachineAccount, key.service_id)
        bounds: list[Bound] = []
        paces: list[Pace] = []
        add_own(key, bounds, paces)
        told = (
            ("key", key.key_id, key.name),
            ("service", key.service_id, machine.name if machine else ""),
            ("team", key.team_id, team.name if team else ""),
            ("project", key.project_id, project.name if project else ""),
            ("organization", home, organization.name if organization else ""),
            ("gateway", EACH, "gateway"),
        )
        each = (f"{home}/{EACH}", f"/{EACH}")
        if key.user_id is not None:
            # A person may be in several organizations: what one of them sets counts what is done there.
            for one, each_one in zip((home, ""), each, strict=True):
                place: Place = ("user", f"{one}/{key.user_id}")
                self._add(bounds, paces, place, (each_one,), user.name if user else "")
        for scope, scope_id, label in told if home else told[-1:]:
            if scope_id is not None:
                self._add(bounds, paces, (cast(ScopeKind, scope), scope_id), each, label)
        prepaid = self._credit.get(home)
        if prepaid is not None and organization is not None:
            bounds.append(Bound("organization", home, organization.name, (), prepaid))
        lists = [
            (one.models, f"the {kind} {name!r}")
            for kind, one, name in (
                ("organization", organization, organization.name if organization else ""),
                ("team", team, team.name if team else ""),
                ("project", project, project.name if project else ""),
                ("member", member, user.name if user else ""),
            )
            if one is not None and one.models
        ]
        return Standing(
            key,
            self._with_free(Rules(tuple(merged(bounds)), tuple(paces)), key),
            tuple(models for models, _ in lists),
            tuple(whose for _, whose in lists),
            refusal(key, organization, team, user, member, machine),
            *default_route(key, team, organization),
            organization is not None and bool(organization.models),
            self._asks.get(home, frozenset()) | self._asks.get("", frozenset()),
        )

    def _with_free(self, rules: Rules, key: Key) -> Rules:
        organization = self.find(Organization, key.organization_id) if self.free_tier is not None else None
        if self.free_tier is None or organization is None or not self.free_tier.has(organization):
            return rules
        return with_free(rules, key, self.free_tier)

    def _add(
        self, bounds: list[Bound], paces: list[Pace], place: Place, each: tuple[str, ...], label: str
    ) -> None:
        """The rules of one scope: its own, and those that each one of its kind has by itself."""
        known = self._places.get((place, label))
        if known is None:
            known = self._of_place(place, each, label)
            if not (known[0] or known[1]):
                return
            if len(self._places) >= _NAMED_MOST:
                self._places.clear()
            self._places[place, label] = known
        bounds += known[0]
        paces += known[1]

    def _of_place(
        self, place: Place, each: tuple[str, ...], label: str
    ) -> tuple[tuple[Bound, ...], tuple[Pace, ...]]:
        scope, scope_id = place
        places = (place, *((scope, each_id) for each_id in each))
        budgets = tuple(budget for one in places for budget in self._budgets.get(one, ()))
        bounds = (Bound(scope, scope_id, label, budgets),) if budgets else ()
        paces = tuple(
            Pace(limit, f"{limit.id}:{scope_id}", scope, label)
            for one in places
            for limit in self._limits.get(one, ())
        )
        return bounds, paces

    # --- what is kept beside ----------------------------------------------------------------------------------------

    def _remember(self, kind: Kind, found: Object) -> None:
        self._objects[kind][found.id] = found
        if isinstance(found, Member):
            self._members.setdefault(found.organization_id, {})[found.name] = found
            self._memberships.setdefault(found.name, {})[found.organization_id] = found
        elif isinstance(found, Role):
            self._roles[found.organization_id, found.name] = found
        elif isinstance(found, OrgRoute):
            self._routes.setdefault(found.organization_id, {})[found.id] = found
        elif isinstance(found, Token):
            self._tokens[found.digest] = found
        elif isinstance(found, Budget):
            place = place_of(found)
            self._budgets[place] = (*self._budgets.get(place, ()), found)
        elif isinstance(found, Limit):
            place = place_of(found)
            self._limits[place] = (*self._limits.get(place, ()), found)

    def _forget(self, kind: Kind, object_id: str) -> None:
        old = self._objects[kind].pop(object_id, None)
        if isinstance(old, Member):
            _drop_from(self._members, old.organization_id, old.name)
            _drop_from(self._memberships, old.name, old.organization_id)
        elif isinstance(old, Role):
            self._roles.pop((old.organization_id, old.name), None)
        elif isinstance(old, OrgRoute):
            _drop_from(self._routes, old.organization_id, old.id)
        elif isinstance(old, Token):
            self._tokens.pop(old.digest, None)
        elif isinstance(old, Budget):
            _drop(self._budgets, old)
        elif isinstance(old, Limit):
            _drop(self._limits, old)


def place_of(rule: Budget | Limit) -> Place:
    """Where the rules of a scope stand."""
    if rule.scope == "gateway":
        return ("gateway", EACH)
    if rule.scope_id == EACH:
        return (rule.scope, f"{rule.organization_id}/{EACH}")
    if rule.scope == "user":
        return ("user", f"{rule.organization_id}/{rule.scope_id}")
    if rule.scope in ASKED:
        return (rule.scope, asked_id(rule.organization_id, rule.scope_id))
    return (rule.scope, rule.scope_id)


R = TypeVar("R", Budget, Limit)
V = TypeVar("V")


def _drop(places: dict[Place, tuple[R, ...]], old: R) -> None:
    place = place_of(old)
    left = tuple(each for each in places.get(place, ()) if each.id != old.id)
    if left:
        places[place] = left
    else:
        places.pop(place, None)


def _asked_scopes(places: Iterable[Place]) -> dict[str, frozenset[ScopeKind]]:
    """Per organization, the scopes that requests name and that have rules there."""
    told: dict[str, set[ScopeKind]] = {}
    for scope, scope_id in places:
        if scope in ASKED:
            told.setdefault(scope_id.partition("/")[0], set()).add(scope)
    return {organization_id: frozenset(scopes) for organization_id, scopes in told.items()}


def _drop_from(kept: dict[str, dict[str, V]], first: str, second: str) -> None:
    there = kept.get(first)
    if there is not None and there.pop(second, None) is not None and not there:
        del kept[first]
