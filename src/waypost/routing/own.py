"""Routes as those see them who brought credentials of their own: before the operator's keys, after them, or in place of
them.

What is worked out for a route and an owner is kept, so that a request costs two dict hits; and one look at an empty
dict where nobody has brought any.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final

import msgspec

from waypost.config.credentials import render_brought
from waypost.config.nodes import Fallback, Keys, Leaf, Node, targets_of
from waypost.config.places import leaf
from waypost.config.snapshot import Route
from waypost.config.targets import Provider, Target
from waypost.core.credentials import Credential, CredentialOwner, key_name_of
from waypost.core.decision import Decision, Excluded
from waypost.core.key import Key
from waypost.routing.planned import Plan
from waypost.routing.requested.trees import node_of, regrown

_KEPT_MOST: Final = 4096
#: Nearest to who asks first.
_NEAR: Final[dict[CredentialOwner, int]] = {"user": 0, "team": 1, "organization": 2}
_WHY: Final = {
    "expired": "has expired",
    "unbound": "was given for another address than the provider has now: have it set again",
    "unserved": "is for a provider that takes no key",
    "unreadable": "can not be opened on this node",
}


class Brought(msgspec.Struct, frozen=True):
    """A credential with its secret, in memory only. `secret` is empty where it could not be opened."""

    credential: Credential
    secret: str

    def __repr__(self) -> str:
        return f"Brought({self.credential.id})"


class OwnRoute(msgspec.Struct, frozen=True):
    """A route as one owner sees it."""

    route: Route
    excluded: tuple[Excluded, ...] = ()
    """The operator's targets that this owner does not use, and has none of their own in place of."""


_Owner = tuple[str, str | None, str | None]
"""Organization, team and user."""


class OwnKeys:
    """Every credential that was brought. Owned by the event loop's thread."""

    def __init__(self) -> None:
        self.homes: dict[str, tuple[Brought, ...]] = {}
        """By organization; one that has none is not in it."""
        #: With the route itself, so that its identity stays its own; and until when it holds.
        self._kept: dict[tuple[int, _Owner], tuple[Route, float, OwnRoute]] = {}
        self._version = 0

    def give(self, brought: Iterable[Brought]) -> None:
        """From now on these are all there are."""
        homes: dict[str, tuple[Brought, ...]] = {}
        for each in sorted(brought, key=lambda one: one.credential.id):
            home = each.credential.organization_id
            homes[home] = (*homes.get(home, ()), each)
        self.homes = homes
        self._kept.clear()

    def route(self, route: Route, key: Key, at: float, version: int) -> OwnRoute | None:
        """The route as this key sees it at Unix time `at`; None where it is the same. `version`: of the snapshot."""
        home = key.organization_id
        theirs = self.homes.get(home)
        if theirs is None:
            return None
        owner = (home, key.team_id, key.user_id)
        slot = (id(route), owner)
        kept = self._kept.get(slot)
        if kept is None or kept[0] is not route or kept[1] <= at or version != self._version:
            if version != self._version or len(self._kept) >= _KEPT_MOST:
                self._kept.clear()
                self._version = version
            made = _Making([each for each in theirs if _is_of(each.credential, owner)], at)
            kept = self._kept[slot] = (route, made.until, made.whole(route))
        seen = kept[2]
        return None if seen.route is route else seen


def brings(own: OwnRoute | None) -> bool:
    """Whether it leads to a credential that was brought."""
    return own is not None and any(target.provider.own for target in own.route.targets)


def brought_alone(plan: Plan) -> Plan:
    """The plan without the operator's keys, for which nobody pays."""
    left = tuple(each for each in plan.candidates if each.target.provider.own)
    gone = [each.target.label for each in plan.candidates if not each.target.provider.own]
    if not gone:
        return plan
    made = plan.decision or Decision()
    order = tuple(each for each in made.order if each.target not in gone)
    excluded = (*made.excluded, *(Excluded(label, "credit") for label in gone))
    decision = msgspec.structs.replace(made, order=order, excluded=excluded)
    return msgspec.structs.replace(plan, candidates=left, decision=decision)


def _is_of(found: Credential, owner: _Owner) -> bool:
    home, team, user = owner
    if found.organization_id != home or found.disabled:
        return False
    if found.owner == "organization":
        return True
    return found.owner_id == (team if found.owner == "team" else user)


class _Making:
    """One route for one owner."""

    def __init__(self, brought: list[Brought], at: float) -> None:
        self._at = at
        ends = [end for each in brought if (end := each.credential.expires_at) is not None and end > at]
        self.until = min(ends, default=inf)
        """When something of it expires."""
        self._of: dict[str, list[Brought]] = {}
        for each in brought:
            self._of.setdefault(each.credential.provider, []).append(each)
        self._providers: dict[tuple[int, str], Provider | None] = {}
        #: The same target at two places of a tree is one.
        self._targets: dict[tuple[int, str], Target] = {}
        self._excluded: dict[str, Excluded] = {}

    def whole(self, route: Route) -> OwnRoute:
        """The route, with what was brought."""
        if not any(target.provider.name in self._of for target in route.targets):
            return OwnRoute(route)
        node = regrown(node_of(route), self._grown)
        made = msgspec.structs.replace(route, node=node, targets=targets_of(node))
        return OwnRoute(made, tuple(self._excluded.values()))

    def _grown(self, node: Leaf | Keys) -> Node:
        """A leaf with what was brought before, behind, or in place of it."""
        targets = (node.target,) if isinstance(node, Leaf) else node.targets
        found = self._of.get(targets[0].provider.name)
        if found is None:
            return node
        steps = self._steps(targets[0], found)
        children = [leaf(tuple(steps[step]), None, node.overlay) for step in sorted(steps) if not step[0]]
        if not any(each.credential.use == "only" for each in found):
            children.append(node)
        elif not steps:
            self._exclude(targets, found)
        children += [leaf(tuple(steps[step]), None, node.overlay) for step in sorted(steps) if step[0]]
        return children[0] if children == [node] else Fallback(tuple(children), node.need)

    def _steps(self, like: Target, found: list[Brought]) -> dict[tuple[bool, int], list[Target]]:
        """Those that can be used: by whether they are last, and how near their owner is."""
        steps: dict[tuple[bool, int], list[Target]] = {}
        for each in found:
            credential = each.credential
            provider = self._provider(like.provider, each)
            if provider is not None:
                step = (credential.use == "last", _NEAR[credential.owner])
                steps.setdefault(step, []).append(self._target(like, provider, credential))
        return steps

    def _exclude(self, targets: tuple[Target, ...], found: list[Brought]) -> None:
        only = next(each for each in found if each.credential.use == "only")
        why = f"its own credential {only.credential.name!r} {self._why(targets[0].provider, only)}"
        for target in targets:
            self._excluded.setdefault(target.label, Excluded(target.label, "credential", why))

    def _target(self, like: Target, provider: Provider, credential: Credential) -> Target:
        slot = (id(like), credential.id)
        made = self._targets.get(slot)
        if made is None:
            # Whoever pays the provider themselves pays no mark-up.
            made = msgspec.structs.replace(like, provider=provider, weight=credential.weight, own_markup=0)
            self._targets[slot] = made
        return made

    def _provider(self, like: Provider, each: Brought) -> Provider | None:
        """The provider with this credential in place of the operator's; None where it can not be used."""
        slot = (id(like), each.credential.id)
        if slot not in self._providers:
            self._providers[slot] = self._made(like, each)
        return self._providers[slot]

    def _made(self, like: Provider, each: Brought) -> Provider | None:
        credential, keying = each.credential, like.keying
        if self._expired(credential) or keying is None or not each.secret:
            return None
        if like.origin.url != credential.origin:
            return None
        rendered = render_brought(each.secret, keying)
        if rendered is None:
            return None
        return msgspec.structs.replace(
            like,
            credential=rendered[0],
            credentials=rendered[1],
            key_name=key_name_of(credential),
            key_weight=credential.weight,
            key_rpm=None,
            key_concurrency=None,
        )

    def _expired(self, credential: Credential) -> bool:
        return credential.expires_at is not None and credential.expires_at <= self._at

    def _why(self, like: Provider, each: Brought) -> str:
        credential = each.credential
        if self._expired(credential):
            return _WHY["expired"]
        if like.keying is None:
            return _WHY["unserved"]
        return _WHY["unbound" if like.origin.url != credential.origin else "unreadable"]
