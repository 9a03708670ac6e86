from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.effort import LEAST, MOST, budget_of, closest, effort_of
from waypost.core.request import ChatRequest, Effort

WORDS: tuple[Effort, ...] = get_args(Effort)


def asked(effort: Effort | None = None, budget: int | None = None, limit: int | None = None) -> ChatRequest:
    return ChatRequest("m", (), effort=effort, thinking_budget=budget, max_output=limit)


def test_nothing_said_is_nothing_meant() -> None:
    assert budget_of(asked()) is None
    assert effort_of(asked()) is None


def test_off_is_off_in_both_words() -> None:
    assert budget_of(asked("none")) == 0
    assert effort_of(asked(budget=0)) == "none"


def test_what_the_client_said_itself_wins() -> None:
    assert budget_of(asked("low", budget=9_000)) == 9_000
    assert effort_of(asked("high")) == "high"
    assert effort_of(asked("high", budget=-1)) is None


@pytest.mark.parametrize(
    ("effort", "limit", "budget"), [("low", 10_000, 2_000), ("high", 100, LEAST), ("max", 10**9, MOST)]
)
def test_a_share_of_the_output_limit(effort: Effort, limit: int, budget: int) -> None:
    assert budget_of(asked(effort, limit=limit)) == budget


@given(st.sampled_from(["minimal", "low", "medium", "high"]), st.integers(20_000, 150_000))
def test_there_and_back(effort: Effort, limit: int) -> None:
    budget = budget_of(asked(effort, limit=limit))
    assert effort_of(asked(budget=budget, limit=limit)) == effort


@given(st.sampled_from(WORDS), st.lists(st.sampled_from(WORDS), min_size=1, unique=True))
def test_the_closest_known_word(effort: Effort, known: list[Effort]) -> None:
    found = closest(effort, tuple(known))
    assert found in known
    assert found == effort or effort not in known
