from __future__ import annotations

import pytest

from config.golden_view import NoCatalog
from flat_tariff import FlatTariff
from transcript import provider, target
from waypost.config.nodes import Fallback, Keys, Leaf, Need, Overlay, Weighted
from waypost.config.places import Entry, Places, changed, leaf, tree

ONE = provider("one")
POOL = (provider("two", key_name="a", key_weight=3), provider("two", key_name="b"))


def test_a_model_is_there_once_for_each_key() -> None:
    places = Places({"one": (ONE,), "two": POOL}, NoCatalog(), {})
    assert [(each.label, each.weight) for each in places.at("two", "m")] == [("two#a/m", 3), ("two#b/m", 1)]
    assert places.at("one", "m") is places.at("one", "m")
    assert places.at("one", "m")[0].weight == 1


def test_nothing_to_change_makes_no_new_target() -> None:
    targets = (target(ONE),)
    assert changed(targets) is targets
    assert changed(targets, weight=1, priority=1) is targets


def test_a_place_changes_its_targets_and_keys_keep_their_weights() -> None:
    tariff = FlatTariff()
    (one,) = changed((target(ONE),), tariff=tariff, quantization="fp8", priority=2, weight=9)
    assert (one.tariff, one.quantization, one.priority, one.weight) == (tariff, "fp8", 2, 9)
    both = changed((target(POOL[0], weight=3), target(POOL[1])), weight=9)
    assert [each.weight for each in both] == [3, 1]


def test_a_leaf_is_a_target_or_its_keys() -> None:
    overlay = Overlay(retries=0)
    one = target(ONE)
    assert leaf((one,), None, overlay) == Leaf(one, None, overlay)
    assert isinstance(leaf((target(POOL[0]), target(POOL[1]))), Keys)


@pytest.mark.parametrize(
    ("entries", "shape"),
    [
        ([(1, 1)], "leaf"),
        ([(1, 3), (1, 1)], "weighted"),
        ([(2, 1), (1, 1)], "fallback"),
    ],
)
def test_priorities_are_steps_and_weights_are_draws(entries: list[tuple[int, int]], shape: str) -> None:
    made = [
        Entry(priority, weight, (target(ONE, f"m{at}"),)) for at, (priority, weight) in enumerate(entries)
    ]
    node = tree("name", made, Need(context=5))
    assert type(node).__name__.lower() == shape
    assert node.need == Need(context=5)
    if isinstance(node, Weighted):
        assert (node.weights, node.name) == ((3, 1), "name:1")
    if isinstance(node, Fallback):
        assert [each.target.model for each in node.children if isinstance(each, Leaf)] == ["m1", "m0"]
