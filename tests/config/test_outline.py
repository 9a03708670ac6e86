from __future__ import annotations

from transcript import provider, target
from waypost.config.nodes import Cheapest, Hedge, Keys, Leaf, LeastBusy, MaxPrice, Need, Overlay
from waypost.config.outline import outline

A = target(provider("a"), "m")


def test_what_is_below_is_deeper() -> None:
    need = Need(features=frozenset(("tools",)), max_price=MaxPrice(input=250_000_000), only=("a", "b"))
    node = Hedge(LeastBusy((Leaf(A), Cheapest((Leaf(A),), need))), 0.5)
    assert outline(node) == [
        "hedge after 0.5 s",
        "  least busy",
        "    a/m",
        "    cheapest, input at most $0.25, with tools, only a or b",
        "      a/m",
    ]


def test_keys_are_told_by_their_names() -> None:
    keys = tuple(target(provider("a", key_name=name), "m") for name in ("x", "y"))
    assert outline(Keys(keys, None, Overlay(retry_on=frozenset((503, 429)), fallback_on=frozenset()))) == [
        "a/m with the keys x, y",
        "  retry on 429, 503",
        "  fallback on nothing",
    ]
