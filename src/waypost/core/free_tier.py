"""The free tier: what the operator gives everybody for nothing in each window of time, before prepaid credit is used.

It is an account for each window, as a budget's is. A tier of requests is counted in the same unit as money: one request
is `EXCHANGE`, whatever it costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from waypost.core.key import Key, matches
from waypost.core.money import render_usd
from waypost.core.people import DEFAULT, Organization
from waypost.core.scope import COUNTING, EXCHANGE, FREE

FreePeriod = Literal["day", "week", "month"]
FreeEach = Literal["organization", "user", "key"]


class FreeTier(msgspec.Struct, frozen=True):
    """The terms."""

    amount: int
    """Nano-dollars, or so many requests times `EXCHANGE`."""
    requests: bool
    period: FreePeriod = "month"
    each: FreeEach = "organization"
    """Who has so much: each organization, or each person or key in it."""
    models: tuple[str, ...] = ()
    """Patterns of what it is for; empty for everything."""
    without: tuple[str, ...] = ()
    """Names of organizations that have none."""

    @property
    def unit(self) -> str:
        return "requests" if self.requests else "usd"

    @property
    def scope(self) -> str:
        """What its accounts' ids begin with."""
        return COUNTING if self.requests else FREE

    def render(self, amount: int) -> str:
        """An amount in its unit."""
        return str(amount // EXCHANGE) if self.requests else render_usd(amount)

    def show(self, amount: int) -> str:
        """The same for people."""
        return f"{amount // EXCHANGE:,}" if self.requests else f"${render_usd(amount)}"

    def tell(self, amount: int) -> str:
        """The same with its unit."""
        return f"{self.show(amount)} requests" if self.requests else self.show(amount)

    def has(self, organization: Organization) -> bool:
        """Whether an organization has it. The built-in one is the operator's own."""
        return organization.id != DEFAULT and organization.name not in self.without

    def share_of(self, key: Key) -> str:
        """Whose share a key uses, as it stands in account ids. Keys of no person share one, so that nobody gets more
        by making machine accounts."""
        home = key.organization_id
        if self.each == "key":
            return f"key/{home}/{key.key_id}"
        if self.each == "user" and key.user_id is not None:
            return f"user/{home}/{key.user_id}"
        return f"organization/{home}"

    def covers(self, names: tuple[str, ...]) -> bool:
        """Whether it is for all of these models."""
        return not self.models or all(matches(self.models, (name,)) for name in names)


class Share(msgspec.Struct, frozen=True):
    """What one of those who have it has used of it in a window."""

    of: str
    """`organization`, `user:<id>` or `key:<id>`."""
    used: int
    left: int


def shares_of(tier: FreeTier, organization_id: str, used: Mapping[str, int]) -> tuple[Share, ...]:
    """How an organization's shares stand, by their names as of `FreeTier.share_of`: its own, and those of which
    something was used, the most used first."""
    own = f"organization/{organization_id}"
    told = dict(used)
    if tier.each == "organization":
        told = {own: used.get(own, 0)}
    return tuple(
        Share(_holder(name), amount, max(0, tier.amount - amount))
        for name, amount in sorted(told.items(), key=lambda each: (-each[1], each[0]))
    )


def _holder(name: str) -> str:
    kind, _, rest = name.partition("/")
    _, _, holder = rest.partition("/")
    return f"{kind}:{holder}" if holder else kind
