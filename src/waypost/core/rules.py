"""What holds for one request: the budgets and limits of every scope that it belongs to.

Values: they are made once per key and version of the directory, and shared by all of its requests.
"""

from __future__ import annotations

import msgspec

from waypost.core.budget import Budget
from waypost.core.free_tier import FreeTier
from waypost.core.key import Key, matches
from waypost.core.limit import Limit
from waypost.core.scope import ScopeKind


class Bound(msgspec.Struct, frozen=True):
    """One scope that money is counted on."""

    scope: ScopeKind
    scope_id: str
    """As it stands in account ids: at most 64 characters, without `:`."""
    label: str
    """What people call it."""
    budgets: tuple[Budget, ...]
    """At least one, unless it is prepaid."""
    prepaid_nusd: int | None = None
    """Of an organization that pays beforehand: the credit that it was given, less what was taken back. It is counted
    on an account of its own, from its first entry on."""
    free: FreeTier | None = None
    """It is a share of the free tier, and `scope_id` whose: as `FreeTier.share_of` tells."""


class Pace(msgspec.Struct, frozen=True):
    """One limit, at one scope."""

    limit: Limit
    counter: str
    """What it is counted under: the same for everybody who shares it."""
    scope: ScopeKind
    label: str


class Rules(msgspec.Struct, frozen=True):
    """The rules of one request. Compared by identity where something is kept for them."""

    bounds: tuple[Bound, ...] = ()
    paces: tuple[Pace, ...] = ()
    free: FreeShare | None = None
    """What is used in place of prepaid credit, while there is any of it."""

    @property
    def hard(self) -> bool:
        """Some budget, or credit that ends, may refuse."""
        return any(
            bound.prepaid_nusd is not None
            or bound.free is not None
            or any(budget.mode == "hard" for budget in bound.budgets)
            for bound in self.bounds
        )


class FreeShare(msgspec.Struct, frozen=True):
    """A share of the free tier, as a request meets it."""

    tier: FreeTier
    rules: Rules
    """The request's, with this share in the place of prepaid credit."""
    only: Rules
    """This share alone."""
    alone: bool
    """There is no credit behind it: what does not fit is refused."""


NO_RULES = Rules()


class Standing(msgspec.Struct, frozen=True):
    """What a key may do now, by itself and through those it belongs to."""

    key: Key
    rules: Rules = NO_RULES
    """Of all scopes that the key alone tells."""
    models: tuple[tuple[str, ...], ...] = ()
    """Lists of what may be used, of which each has to allow a request: the organization's, team's, project's, member's.
    The key's own is not among them."""
    whose: tuple[str, ...] = ()
    """Of each of these lists, whose it is, for people: `the team 'web'`."""
    refusal: str | None = None
    """Why it may nothing at all, in a sentence for its user."""
    route: str | None = None
    """Of a key without a route of its own: the route of its team, else of its organization."""
    route_of: tuple[ScopeKind, str] = ("organization", "")
    """Whose that is, and what people call it."""
    approved: bool = False
    """The first of `models` is the organization's, which its operator approved."""
    asks: frozenset[ScopeKind] = frozenset()
    """Of the scopes that requests name, those that have rules for it."""

    def may_use(self, *names: str) -> bool:
        """Whether any of a matched route's names is allowed by every list."""
        return self.key.may_use(*names) and all(matches(patterns, names) for patterns in self.models)

    def may_use_own(self, name: str) -> bool:
        """The same for a route that the organization made itself: what is approved for it was held against all that the
        route reaches."""
        below = self.models[1:] if self.approved else self.models
        return self.key.may_use(name) and all(matches(patterns, (name,)) for patterns in below)


class Named(msgspec.Struct, frozen=True):
    """The scopes that a request names."""

    end_user: str | None = None
    tags: tuple[str, ...] = ()
    route: str | None = None
    """The canonical name of the matched route: the same for its aliases."""
    models: tuple[str, ...] = ()
    """Models that may be asked: of every target of the route."""
    providers: tuple[str, ...] = ()
    """Providers that may be asked, likewise."""
