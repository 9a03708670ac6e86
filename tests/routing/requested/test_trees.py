from __future__ import annotations

import msgspec

from routing.requested.rig import AZURE, OLLAMA, OPENAI, ROUTES, TOGETHER, targets
from transcript import target
from waypost.config.nodes import (
    Balanced,
    Branch,
    Canary,
    Cheapest,
    Conditional,
    Facets,
    Fallback,
    Fastest,
    Hedge,
    Keys,
    Leaf,
    Need,
    Node,
    Overlay,
    Shadow,
    Weighted,
)
from waypost.config.snapshot import Route
from waypost.routing.requested.trees import all_of, in_turn, needing, node_of, overlaid, sorted_by

A, B, C, D = (Leaf(target(each)) for each in (OPENAI, AZURE, TOGETHER, OLLAMA))
EU = Need(regions=frozenset(("eu",)))
QUIET = Need(no_training=True)


class Always:
    text = "always"

    def holds(self, facets: Facets) -> bool:
        return True


def test_priorities_and_weights_are_a_tree() -> None:
    first = target(OPENAI, weight=3)
    second, third = target(AZURE), target(TOGETHER, priority=2)
    tree = node_of(Route("r", (first, second, third)))
    assert isinstance(tree, Fallback)
    tier, last = tree.children
    assert isinstance(tier, Weighted)
    assert (tier.weights, tier.name) == ((3, 1), "r")
    assert last == Leaf(third)
    assert node_of(Route("r", (first,))) == Leaf(first)
    assert node_of(ROUTES["route/prod"]) is ROUTES["route/prod"].node


def test_a_need_is_put_over_a_tree() -> None:
    assert needing(A, None) is A
    assert needing(A, EU) == Fallback((A,), EU)


def test_sorting_keeps_needs_and_whatever_decides_itself() -> None:
    hedge = Hedge(Fallback((C, D)))
    tree = Fallback((Weighted((A, B), (1, 1), need=EU), hedge), QUIET)
    made = sorted_by(tree, "price")
    assert made == Cheapest(
        (
            needing(needing(A, EU), QUIET),
            needing(needing(B, EU), QUIET),
            needing(hedge, QUIET),
        )
    )
    assert sorted_by(A, "price") is A
    assert sorted_by(Fallback((A, B)), "latency") == Fastest((A, B))
    assert sorted_by(Fallback((A, B)), "throughput") == Fastest((A, B), by="throughput")


def test_routes_in_turn_require_every_name() -> None:
    made = in_turn([ROUTES["openai/gpt-5"], ROUTES["route/prod"]], [A, B])
    assert made.name == "openai/gpt-5"
    assert made.requires == ("openai/gpt-5", "route/prod")
    assert made.node == Fallback((A, B))
    assert targets(made) == ["openai/m1", "azure/m1"]


def test_everyone_who_serves_a_model_is_drawn_from() -> None:
    one = ROUTES["openai/gpt-5"]
    assert all_of([one]) is one
    made = all_of([one, ROUTES["azure/gpt-5"]])
    assert isinstance(made.node, Balanced)
    assert made.requires == ("openai/gpt-5", "azure/gpt-5")


def test_an_overlay_reaches_every_leaf() -> None:
    overlay = Overlay(retries=2)
    keys = Keys((C.target,))
    tree: Node = Fallback(
        (
            Conditional((Branch(Always(), A),), B),
            Conditional((Branch(Always(), A),)),
            Canary(A, B, 5.0, "c"),
            Shadow(A, B, 5.0),
            Hedge(keys),
            Weighted((A, B), (1, 2)),
        ),
        EU,
    )
    left = msgspec.structs.replace
    a, b = left(A, overlay=overlay), left(B, overlay=overlay)
    branch = tree.children[0].branches[0].when  # type: ignore[union-attr]
    other = tree.children[1].branches[0].when  # type: ignore[union-attr]
    assert overlaid(tree, overlay) == Fallback(
        (
            Conditional((Branch(branch, a),), b),
            Conditional((Branch(other, a),)),
            Canary(a, b, 5.0, "c"),
            Shadow(a, b, 5.0),
            Hedge(left(keys, overlay=overlay)),
            Weighted((a, b), (1, 2)),
        ),
        EU,
    )


def test_the_operators_overlay_wins_over_a_requests() -> None:
    one, two = msgspec.Raw(b"1"), msgspec.Raw(b"2")
    own = Overlay(
        default={"a": one}, override={"b": one}, drop=("x",), timeout_s=5, retry_on=frozenset((500,))
    )
    asked = Overlay(
        default={"a": two, "c": two},
        override={"b": two, "d": two},
        drop=("y",),
        timeout_s=9,
        retries=3,
        retry_on=frozenset((400,)),
        fallback_on=frozenset((401,)),
    )
    made = overlaid(msgspec.structs.replace(A, overlay=own), asked)
    assert isinstance(made, Leaf)
    assert made.overlay == Overlay(
        default={"a": one, "c": two},
        override={"b": one, "d": two},
        drop=("x", "y"),
        timeout_s=5,
        retries=3,
        retry_on=frozenset((500,)),
        fallback_on=frozenset((401,)),
    )
