"""The rules that a key brings itself, the scopes that a request names, and one bound for each scope."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from waypost.core.budget import Budget
from waypost.core.free_tier import FreeTier
from waypost.core.key import Key
from waypost.core.limit import Limit
from waypost.core.people import Organization, Team
from waypost.core.rules import Bound, FreeShare, Named, Pace, Rules
from waypost.core.scope import ScopeKind

#: A scope and the id that its rules stand under.
Place = tuple[ScopeKind, str]
#: A scope that a request names, and its name.
Pair = tuple[ScopeKind, str]


def add_own(key: Key, bounds: list[Bound], paces: list[Pace]) -> None:
    """The budget and the limit that are written on the key itself."""
    if key.budget_nusd is not None:
        budget = Budget(
            id=key.key_id,
            organization_id=key.organization_id,
            name=key.name,
            scope="key",
            scope_id=key.key_id,
            limit_nusd=key.budget_nusd,
            period=key.budget_per,
        )
        bounds.append(Bound("key", key.key_id, key.name, (budget,)))
    if key.rpm is not None:
        limit = Limit(
            id=f"rpm-{key.key_id}",
            organization_id=key.organization_id,
            name=key.name,
            scope="key",
            scope_id=key.key_id,
            unit="requests",
            amount=key.rpm,
        )
        paces.append(Pace(limit, key.key_id, "key", key.name))


def merged(bounds: list[Bound]) -> list[Bound]:
    """One for each scope: a key's own budget and those that stand on it are counted together."""
    told: dict[Place, Bound] = {}
    for bound in bounds:
        place = (bound.scope, bound.scope_id)
        before = told.get(place)
        if before is not None:
            budgets = (*before.budgets, *bound.budgets)
            prepaid = before.prepaid_nusd if bound.prepaid_nusd is None else bound.prepaid_nusd
            bound = Bound(bound.scope, bound.scope_id, bound.label, budgets, prepaid)
        told[place] = bound
    return list(told.values())


def without_given(rules: Rules) -> Rules:
    """Those for requests for which the operator pays nobody: without what it gives."""
    bounds = (
        msgspec.structs.replace(bound, prepaid_nusd=None) if bound.prepaid_nusd is not None else bound
        for bound in rules.bounds
        if bound.budgets or (bound.prepaid_nusd is None and bound.free is None)
    )
    return Rules(tuple(bounds), rules.paces)


def with_free(rules: Rules, key: Key, tier: FreeTier) -> Rules:
    """The same rules, with the key's share of the free tier beside them."""
    bounds = without_given(rules).bounds
    alone = all(bound.prepaid_nusd is None for bound in rules.bounds)
    share = Bound("organization", tier.share_of(key), key.name, (), free=tier)
    free = FreeShare(tier, Rules((*bounds, share), rules.paces), Rules((share,)), alone)
    return msgspec.structs.replace(rules, free=free)


def pairs_of(asks: frozenset[ScopeKind], named: Named, own_tags: tuple[str, ...]) -> Iterator[Pair]:
    """The scopes that a request names, of those that have rules."""
    if "end_user" in asks and named.end_user:
        yield "end_user", named.end_user
    if "tag" in asks:
        for tag in dict.fromkeys((*own_tags, *named.tags)):
            yield "tag", tag
    if "route" in asks and named.route:
        yield "route", named.route
    if "model" in asks:
        for model in dict.fromkeys(named.models):
            yield "model", model
    if "provider" in asks:
        for provider in dict.fromkeys(named.providers):
            yield "provider", provider


def default_route(
    key: Key, team: Team | None, organization: Organization | None
) -> tuple[str | None, tuple[ScopeKind, str]]:
    """The route of a key that has none: its team's, else its organization's; and whose it is."""
    if key.route is None:
        if team is not None and team.route is not None:
            return team.route, ("team", team.name)
        if organization is not None and organization.route is not None:
            return organization.route, ("organization", organization.name)
    return None, ("organization", "")
