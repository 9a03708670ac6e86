"""The shape of `credits` in `waypost.yaml`. The text under each field is its documentation."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from waypost.config.kinds import Count, Dollars, Duration, Text
from waypost.core.free_tier import FreeEach, FreePeriod, FreeTier
from waypost.core.money import parse_usd
from waypost.core.scope import EXCHANGE


class FreeTierConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What everybody has for nothing in each window of time, used before prepaid credit. Once it is used up and there
    is no credit, requests are refused until the window ends. Windows follow the calendar in UTC. What costs nothing
    takes none of it."""

    requests: Count | None = None
    """So many requests. Either this or `dollars`."""
    dollars: Dollars | None = None
    """So much of what requests cost."""
    per: FreePeriod = "month"
    """How long a window is."""
    each: FreeEach = "organization"
    """Who has so much: each organization, or each person or key in it. Keys of no person share what one person has."""
    models: list[Text] = []
    """Which models it is for, as clients ask for them; `*` stands for any text. Left out: all."""
    without: list[Text] = []
    """Names of organizations that have none, such as those that pay afterwards. The built-in one never has."""


class CreditsConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The credit that new organizations begin with. One that was ever given credit, here or by hand, can spend no more
    than that; others, and the built-in organization `default`, pay afterwards. Put in force on reload."""

    enabled: bool = False
    """Give it to organizations that are made from now on. Those that are there already stay as they are."""
    starter: Dollars = Decimal("10.00")
    """How much. 0 for none."""
    expires_after: Duration | None = None
    """When what is left of it is gone, such as `90d`. Left out: never."""
    free_tier: FreeTierConfig | None = None
    """What organizations have for nothing in each window of time, beside their credit. Independent of `enabled`."""


def check_credits(config: CreditsConfig) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What is wrong beyond the shape: the field, what it is, and what is expected."""
    tier = config.free_tier
    if tier is None:
        return
    if (tier.requests is None) == (tier.dollars is None):
        yield ("free_tier",), "a free tier is of requests or of dollars", "either `requests` or `dollars`"
    if tier.dollars is not None and tier.dollars <= 0:
        yield ("free_tier", "dollars"), "this is nothing", "more than 0; leave `free_tier` out for none"


def build_free_tier(config: CreditsConfig) -> FreeTier | None:
    """The terms, of a configuration that was checked."""
    tier = config.free_tier
    if tier is None:
        return None
    amount = EXCHANGE * tier.requests if tier.requests is not None else parse_usd(tier.dollars or 0)
    return FreeTier(
        amount,
        tier.requests is not None,
        tier.per,
        tier.each,
        tuple(tier.models),
        tuple(tier.without),
    )
