from __future__ import annotations

from math import inf

from routing.boards import named, some
from waypost.config.nodes import Fallback, Leaf, Need, Overlay
from waypost.core.facts import ModelFacts
from waypost.routing.group import Bare, Groups, Leaves

A, B, C = some("abc")


def test_what_a_group_is_good_for() -> None:
    group = Groups().of(
        (
            named("a", facts=ModelFacts(context=100, features=("tools", "vision"))),
            named("b", facts=ModelFacts(context=50, max_output=10, features=("tools",))),
            named("c", facts=ModelFacts()),
        )
    )
    assert (group.least_context, group.least_output, group.features) == (50, 10, {"tools"})
    assert group.suffices(50, 10, frozenset(("tools",)))
    assert group.suffices(50, None, frozenset())
    assert not group.suffices(51, None, frozenset())
    assert not group.suffices(50, 11, frozenset())
    assert not group.suffices(50, None, frozenset(("tools", "vision")))


def test_of_what_is_not_known_nothing_is_said() -> None:
    group = Groups().of((named("a", facts=ModelFacts()),))
    assert (group.least_context, group.least_output, group.features) == (inf, inf, None)
    assert group.suffices(10**9, 10**9, frozenset(("tools",)))


def test_children_that_are_mere_leaves() -> None:
    overlay, leaves = Overlay(retries=3), Leaves()
    bare = (Leaf(A), Leaf(B))
    found = leaves.of(bare)
    assert isinstance(found, Bare)
    assert (found.group.targets, found.group.labels, found.overlays) == ((A, B), ("a/m1", "b/m1"), None)
    assert leaves.of(bare) is found
    others = leaves.of((Leaf(A), Leaf(B, overlay=overlay)))
    assert others is not None
    assert others.overlays == (None, overlay)
    assert leaves.of((Leaf(A), Leaf(B, Need()))) is None
    assert leaves.of((Leaf(A), Fallback(bare))) is None


def test_what_is_kept_is_bounded() -> None:
    leaves = Leaves()
    children = [(Leaf(A), Leaf(B)) for _ in range(1025)]
    first = leaves.of(children[0])
    for each in children:
        leaves.of(each)
    assert leaves.of(children[0]) is not first
    groups = Groups()
    targets = [named("p", model=str(number)) for number in range(16_385)]
    alone = groups.alone(targets[0])
    assert groups.alone(targets[0]) is alone
    for target in targets:
        groups.alone(target)
    assert groups.alone(targets[0]) is not alone
    tuples = [(targets[0], targets[number]) for number in range(1025)]
    before = groups.of(tuples[0])
    assert groups.of(tuples[0]) is before
    for some_of in tuples[1:]:
        groups.of(some_of)
    assert groups.of(tuples[0]) == before
    assert groups.of(tuples[0]) is not before


def test_labels_are_told_apart_by_key() -> None:
    assert Groups().alone(named("p", provider_key_name="k")).labels == ("p#k/m1",)
