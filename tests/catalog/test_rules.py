"""Match rules and spellings."""

from __future__ import annotations

import pytest

from waypost.catalog.rules import Rule, dash_compact_day, matches, undated


@pytest.mark.parametrize(
    ("raw", "yes", "no"),
    [
        (["equals", "abc"], "abc", "abcd"),
        (["starts", "ab"], "abc", "cab"),
        (["ends", "bc"], "abc", "bca"),
        (["contains", "b"], "abc", "ac"),
        (["regex", "^o[134]"], "o3-mini", "o2"),
        (["and", [["starts", "a"], ["ends", "c"]]], "abc", "abd"),
        (["or", [["starts", "a"], ["ends", "c"]]], "xc", "xd"),
    ],
)
def test_each_kind_of_rule(raw: object, yes: str, no: str) -> None:
    rule = Rule.parse(raw)
    assert matches(rule, yes)
    assert not matches(rule, no)


@pytest.mark.parametrize("raw", [None, [], ["starts"], ["like", "x"], ["and", "x"], ["equals", 3]])
def test_other_shapes_are_refused(raw: object) -> None:
    with pytest.raises(ValueError):
        Rule.parse(raw)


def test_compact_days_are_dashed_only_when_they_are_days() -> None:
    assert dash_compact_day("gpt-5.2-20251211") == "gpt-5.2-2025-12-11"
    assert dash_compact_day("m-20251211:free") == "m-2025-12-11:free"
    assert dash_compact_day("m-20251399") == "m-20251399"
    assert dash_compact_day("m-202512110") == "m-202512110"


def test_the_family_of_a_snapshot() -> None:
    assert undated("gpt-4o-2024-11-20") == "gpt-4o"
    assert undated("claude-x@20250929") == "claude-x"
    assert undated("gpt-4o") is None
    assert undated("gpt-4o-2024-13-20") is None
    assert undated("-2024-11-20") is None
