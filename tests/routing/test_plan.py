from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from transcript import provider, target
from waypost.config.snapshot import Route
from waypost.config.targets import Target
from waypost.routing.plan import plan


def named(name: str, priority: int = 1, weight: int = 1) -> Target:
    return target(provider(name), priority=priority, weight=weight)


@given(
    shape=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9)), min_size=1, max_size=8),
    seed=st.integers(0, 1000),
)
def test_every_target_once_and_priorities_in_order(shape: list[tuple[int, int]], seed: int) -> None:
    targets = sorted(
        (named(f"p{i}", priority, weight) for i, (priority, weight) in enumerate(shape)),
        key=lambda each: each.priority,
    )
    order = plan(Route("r", tuple(targets)), Random(seed).random)
    assert sorted(each.provider.name for each in order) == sorted(each.provider.name for each in targets)
    assert [each.priority for each in order] == [each.priority for each in targets]


def test_weights_decide_how_often_a_target_is_first() -> None:
    route = Route("r", (named("heavy", weight=3), named("light"), named("backup", priority=2, weight=9)))
    random = Random(1).random
    first = Counter(plan(route, random)[0].provider.name for _ in range(4000))
    assert first["backup"] == 0
    assert 0.72 < first["heavy"] / 4000 < 0.78


def test_the_largest_random_number_still_picks_somebody() -> None:
    route = Route("r", (named("a"), named("b")))
    assert {each.provider.name for each in plan(route, lambda: 1.0)} == {"a", "b"}
