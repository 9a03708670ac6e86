from __future__ import annotations

import pytest

from transcript import provider, target
from waypost.config.nodes import (
    Branch,
    Canary,
    Conditional,
    Facets,
    Fallback,
    Hedge,
    Keys,
    Leaf,
    Node,
    Shadow,
    Weighted,
    targets_of,
)

A, B, C = (target(provider(name), "m") for name in ("a", "b", "c"))


class Always:
    text = "true"

    def holds(self, facets: Facets) -> bool:
        return True


@pytest.mark.parametrize(
    ("node", "names"),
    [
        (Leaf(A), "a"),
        (Fallback((Leaf(A), Leaf(B))), "ab"),
        (Weighted((Leaf(B), Fallback((Leaf(A), Leaf(B)))), (1, 1)), "ba"),
        (Keys((A, B)), "ab"),
        (Conditional((Branch(Always(), Leaf(C)),), Leaf(A)), "ca"),
        (Conditional((Branch(Always(), Leaf(C)),)), "c"),
        (Canary(Leaf(A), Leaf(B), 5, "next"), "ab"),
        (Hedge(Fallback((Leaf(A), Leaf(C)))), "ac"),
    ],
)
def test_every_target_below_a_node_once_and_in_the_order_written(node: Node, names: str) -> None:
    assert [found.provider.name for found in targets_of(node)] == list(names)


def test_no_answer_comes_from_a_shadow() -> None:
    assert targets_of(Shadow(Leaf(A), Leaf(B), 10)) == (A,)
