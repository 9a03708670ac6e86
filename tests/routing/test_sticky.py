from __future__ import annotations

from collections import Counter

import pytest

from routing.boards import named, some, view
from waypost.config.nodes import Fallback, Leaf, Weighted
from waypost.routing.sticky import ChildSeeds, rendezvous, seed, sticky_value, unit

CLIENTS = [seed("route", f"client-{number}") for number in range(6000)]


def seeds(names: str) -> tuple[int, ...]:
    leaves = tuple(Leaf(target) for target in some(names))
    return ChildSeeds().of(Weighted(leaves, (1,) * len(leaves)))


def first(client: int, names: str, weights: dict[str, int]) -> str:
    drawn = rendezvous(client, seeds(names), [weights[name] for name in names])
    return names[min(range(len(names)), key=drawn.__getitem__)]


@pytest.mark.parametrize(
    ("names", "facets", "value"),
    [
        (("user",), {"user": "ann"}, "user\0ann"),
        (("session", "user"), {"user": "ann"}, "user\0ann"),
        (("session", "user"), {"user": "ann", "session": "s"}, "session\0s"),
        (("user",), {"user": ""}, None),
        (("user",), {"user": None}, None),
        (("user",), {}, None),
        (("key",), {"key": {"id": "k2"}}, "key\0k1"),  # the view's own
        (("budget",), {"budget": {}}, None),
        (("header:X-Team",), {"headers": {"x-team": "red"}}, "header:X-Team\0red"),
        (("header:x-team",), {"header:x-team": "red"}, "header:x-team\0red"),
        (("metadata:Team",), {"metadata": {"Team": 7}}, "metadata:Team\x007"),
        (("metadata:team",), {"metadata": {}}, None),
        (("metadata:team",), {"metadata": "no map"}, None),
        (("metadata:team",), {}, None),
        (("else:team",), {"else": {"team": 1}}, None),
    ],
)
def test_the_first_value_that_the_request_has(
    names: tuple[str, ...], facets: dict[str, object], value: str | None
) -> None:
    assert sticky_value(view(facets=facets), names) == value


def test_the_same_on_every_machine_and_in_every_version() -> None:
    assert seed("route", "ann") == 0xD6309F232151E626
    assert unit(seed("route", "ann")) == pytest.approx(0.676812583347022)


def test_shares_follow_the_weights() -> None:
    weights = {"a": 5, "b": 3, "c": 2}
    told = Counter(first(client, "abc", weights) for client in CLIENTS)
    assert [told[name] / len(CLIENTS) for name in "abc"] == pytest.approx([0.5, 0.3, 0.2], abs=0.02)


def test_units_are_even() -> None:
    told = Counter(int(unit(client) * 10) for client in CLIENTS)
    assert all(told[tenth] / len(CLIENTS) == pytest.approx(0.1, abs=0.015) for tenth in range(10))


def test_when_one_goes_only_its_share_moves() -> None:
    weights = {"a": 5, "b": 3, "c": 2}
    moved: Counter[str] = Counter()
    for client in CLIENTS:
        before, after = first(client, "abc", weights), first(client, "ac", weights)
        assert after == before or before == "b"
        moved[after] += before == "b"
    assert moved["a"] / moved.total() == pytest.approx(5 / 7, abs=0.03)


def test_more_weight_only_draws_clients_in() -> None:
    for client in CLIENTS[:1000]:
        before = first(client, "abc", {"a": 1, "b": 1, "c": 1})
        after = first(client, "abc", {"a": 1, "b": 4, "c": 1})
        assert after in (before, "b")


def test_the_order_in_which_children_are_written_does_not_matter() -> None:
    weights = {"a": 5, "b": 3, "c": 2}
    assert all(first(client, "abc", weights) == first(client, "cab", weights) for client in CLIENTS[:500])


def test_weight_0_is_last() -> None:
    assert rendezvous(CLIENTS[0], seeds("ab"), (0, 1))[0] == float("inf")


def test_two_routes_do_not_move_in_step() -> None:
    same = sum(
        first(seed("one", str(user)), "ab", {"a": 1, "b": 1})
        == first(seed("two", str(user)), "ab", {"a": 1, "b": 1})
        for user in range(2000)
    )
    assert same / 2000 == pytest.approx(0.5, abs=0.04)


def test_a_child_that_is_there_twice_counts_twice_and_a_node_by_its_targets() -> None:
    a, b = named("a"), named("b")
    node = Weighted((Leaf(a), Leaf(a), Fallback((Leaf(a), Leaf(b)))), (1, 1, 1))
    assert len(set(ChildSeeds().of(node))) == 3
    kept = ChildSeeds()
    assert kept.of(node) is kept.of(node)


def test_nodes_are_forgotten_when_there_are_too_many() -> None:
    kept, leaves = ChildSeeds(), (Leaf(named("a")),)
    nodes = [Weighted(leaves, (1,)) for _ in range(1025)]
    before = kept.of(nodes[0])
    for node in nodes[1:]:
        kept.of(node)
    assert kept.of(nodes[0]) == before
    assert kept.of(nodes[0]) is not before


def test_the_order_of_a_client_is_worked_out_once_and_is_the_drawing() -> None:
    leaves = tuple(Leaf(named(name)) for name in "abc")
    node, kept = Weighted(leaves, (3, 1, 0), ("user",), "n"), ChildSeeds()
    order = kept.order(node, "user\0ann")
    drawn = rendezvous(seed("n", "user\0ann"), kept.of(node), node.weights)
    assert list(order) == sorted(range(3), key=drawn.__getitem__)
    assert kept.order(node, "user\0ann") is order
    assert {tuple(kept.order(node, f"user\0{number}")) for number in range(40)} == {(0, 1, 2), (1, 0, 2)}


def test_many_children_and_many_clients() -> None:
    leaves = tuple(Leaf(named(f"t{number}")) for number in range(300))
    node, kept = Weighted(leaves, (1,) * 300), ChildSeeds()
    order = kept.order(node, "0")
    assert sorted(order) == list(range(300))
    small = Weighted(leaves[:2], (1, 1))
    for number in range(4096):
        kept.order(small, str(number))
    again = kept.order(node, "0")
    assert (again == order, again is order) == (True, False)
