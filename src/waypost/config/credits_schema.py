"""The shape of `credits` in `waypost.yaml`. The text under each field is its documentation."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from waypost.config.kinds import Dollars, Duration


class CreditsConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The credit that new organizations begin with. One that was ever given credit, here or by hand, can spend no more
    than that; others, and the built-in organization `default`, pay afterwards. Put in force on reload."""

    enabled: bool = False
    """Give it to organizations that are made from now on. Those that are there already stay as they are."""
    starter: Dollars = Decimal("10.00")
    """How much. 0 for none."""
    expires_after: Duration | None = None
    """When what is left of it is gone, such as `90d`. Left out: never."""
