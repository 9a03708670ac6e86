"""The operator's mark-up: what is charged above the provider's cost. By itself there is none.

A mark-up is an integer of millionths, so that `2.5%` is exactly 25,000.
"""

from __future__ import annotations

from typing import Final

#: A mark-up of one per cent.
PER_CENT: Final = 10_000
_WHOLE: Final = 1_000_000


class Marked(int):
    """Nano-dollars that are charged, of which `upstream_nusd` are the provider's. It goes wherever an amount goes: what
    shows costs to a client shows both."""

    upstream_nusd: int


def charged(cost_nusd: int, markup: int) -> int:
    """The provider's cost with the mark-up, rounded up once. What costs nothing stays free."""
    return -(-cost_nusd * (_WHOLE + markup) // _WHOLE) if cost_nusd > 0 else cost_nusd


def marked(cost_nusd: int | None, markup: int) -> Marked | None:
    """The same, with what of it is the provider's. None: the cost is not known."""
    if cost_nusd is None:
        return None
    amount = Marked(charged(cost_nusd, markup))
    amount.upstream_nusd = cost_nusd
    return amount


def told(amount_nusd: int | None, markup_nusd: int) -> int | None:
    """An amount that was charged, by what of it is the mark-up."""
    if not markup_nusd or amount_nusd is None:
        return amount_nusd
    amount = Marked(amount_nusd)
    amount.upstream_nusd = amount_nusd - markup_nusd
    return amount


def upstream_of(amount: int) -> int:
    """What of an amount is the provider's: all of it, where there is no mark-up."""
    return amount.upstream_nusd if isinstance(amount, Marked) else amount


def both(one: int | None, other: int | None) -> int | None:
    """The sum of two amounts, which are told apart if either is. None when either is not known."""
    if one is None or other is None:
        return None
    if not isinstance(one, Marked) and not isinstance(other, Marked):
        return one + other
    amount = Marked(one + other)
    amount.upstream_nusd = upstream_of(one) + upstream_of(other)
    return amount


def render_percent(markup: int) -> str:
    """`2.5%`."""
    whole, part = divmod(markup, PER_CENT)
    return f"{whole}.{part:04d}".rstrip("0").rstrip(".") + "%"
