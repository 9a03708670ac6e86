from __future__ import annotations

import pytest

from routing.boards import AT, FixedBoard, FixedStanding, named, some
from waypost.config.nodes import Canary, Fallback, Leaf
from waypost.routing.canary import Canaries, RolledBack, worse

S, C, D = some("scd")
NODE = Canary(Leaf(S), Fallback((Leaf(C), Leaf(D))), 5, "next", errors=0.05, slower=2.0, least=20)


def fast(seconds: float, **more: int) -> FixedStanding:
    return FixedStanding(measures={("first_token", 50): seconds}, **more)


@pytest.mark.parametrize(
    ("standings", "why"),
    [
        ({}, None),
        ({"c": FixedStanding(requests=19, failures=19)}, None),
        ({"c": FixedStanding(requests=20, failures=1)}, None),
        (
            {"c": FixedStanding(requests=20, failures=2)},
            "10.0% of its 20 requests failed, 0.0% of stable's 0",
        ),
        (
            {"c": FixedStanding(requests=10, failures=1), "d": FixedStanding(requests=10, failures=1)},
            "10.0% of its 20 requests failed, 0.0% of stable's 0",
        ),
        (
            {
                "c": FixedStanding(requests=20, failures=2),
                "s": FixedStanding(requests=1000, failures=60),
            },
            None,
        ),
        ({"c": fast(1.01, requests=20), "s": fast(0.5)}, "its first token takes 1.01 s, stable's 0.5 s"),
        ({"d": fast(1.01, requests=20), "s": fast(0.5)}, "its first token takes 1.01 s, stable's 0.5 s"),
        ({"c": fast(1.0, requests=20), "s": fast(0.5)}, None),
        ({"c": fast(9.0, requests=20)}, None),
        ({"c": fast(9.0, requests=19), "s": fast(0.5)}, None),
    ],
)
def test_what_is_worse(standings: dict[str, FixedStanding], why: str | None) -> None:
    assert worse(NODE, FixedBoard(standings), 1000.0, 500) == why


def test_the_figures_are_looked_at_once_a_second() -> None:
    board, canaries = FixedBoard({"c": FixedStanding(requests=20)}), Canaries()
    assert canaries.look(NODE, board, AT, 1000.0, 500) is None
    board.of(C).failures = 20
    assert canaries.look(NODE, board, AT, 1000.9, 500) is None
    back = canaries.look(NODE, board, AT + 1, 1001.0, 500)
    assert back == RolledBack("next", "100.0% of its 20 requests failed, 0.0% of stable's 0", AT + 1)
    board.of(C).failures = 0
    assert canaries.look(NODE, board, AT + 9, 1009.0, 500) is back
    assert canaries.rolled_back() == [back]


def rolled_back(canaries: Canaries, node: Canary) -> bool:
    return canaries.look(node, FixedBoard(), AT, 2000.0, 500) is not None


def test_it_stays_so_for_new_nodes_of_the_same_canary_until_a_new_configuration() -> None:
    canaries = Canaries()
    board = FixedBoard({"c": FixedStanding(requests=20, failures=20)})
    assert canaries.look(NODE, board, AT, 1000.0, 500)
    refreshed = Canary(Leaf(named("s")), Fallback((Leaf(named("c")), Leaf(named("d")))), 5, "next")
    assert rolled_back(canaries, refreshed)
    assert not rolled_back(canaries, Canary(Leaf(S), Leaf(D), 5, "next"))
    assert not rolled_back(canaries, Canary(Leaf(S), Fallback((Leaf(C), Leaf(D))), 5, "other"))
    canaries.begin_anew()
    assert canaries.rolled_back() == []
    assert not rolled_back(canaries, refreshed)


def test_the_oldest_are_forgotten() -> None:
    canaries = Canaries()
    assert canaries.look(NODE, FixedBoard({"c": FixedStanding(requests=20, failures=20)}), AT, 1000.0, 500)
    others = [Canary(Leaf(S), Leaf(C), 5, f"n{number}") for number in range(1024)]
    assert not any(rolled_back(canaries, node) for node in others)
    assert not rolled_back(canaries, NODE)
