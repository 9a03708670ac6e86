from __future__ import annotations

import pytest

from waypost.core.budget import Budget
from waypost.core.key import Key
from waypost.core.rules import NO_RULES, Bound, Rules, Standing

KEY = Key("k1", "app", b"", "", 0.0)


def bound(*modes: str) -> Bound:
    budgets = tuple(Budget("b", "org", "b", "team", "t", 1, mode=mode) for mode in modes)  # type: ignore[arg-type]
    return Bound("team", "t", "web", budgets)


def test_only_hard_budgets_may_refuse() -> None:
    assert not NO_RULES.hard
    assert not Rules((bound("soft"),)).hard
    assert Rules((bound("soft"), bound("soft", "hard"))).hard


@pytest.mark.parametrize(
    ("own", "lists", "names", "allowed"),
    [
        ((), (), ("a",), True),
        (("a",), (), ("b",), False),
        ((), (("a", "b"), ("b",)), ("b",), True),
        ((), (("a", "b"), ("b",)), ("a",), False),
        (("a",), (("b",),), ("a",), False),
        (("openai/*",), (("*/gpt-5",),), ("openai/gpt-5",), True),
        (("x",), (("y",),), ("x", "y"), True),
    ],
)
def test_every_list_has_to_allow(
    own: tuple[str, ...], lists: tuple[tuple[str, ...], ...], names: tuple[str, ...], allowed: bool
) -> None:
    key = Key("k1", "app", b"", "", 0.0, models=own)
    assert Standing(key, models=lists, whose=("",) * len(lists)).may_use(*names) is allowed
