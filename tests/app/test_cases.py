from __future__ import annotations

import msgspec
import pytest

from ledger.books import FakeClock
from transcript import Stage, provider, target
from waypost.app.cases import Difference, Verdict, read_cases, run_cases
from waypost.errors import ConfigError

FIRST = target(provider("p1"), weight=3)
TWIN = target(provider("p2"))
LAST = target(provider("p3", key_name="eu"), priority=2)


def judge(expect: dict[str, object], **case: object) -> Verdict:
    stage = Stage(targets=(FIRST, TWIN, LAST))
    row = {"name": "case", "request": {"model": "quick"}, "expect": expect, **case}
    (verdict,) = run_cases(read_cases({"cases": [row]}).cases, stage.snapshot, FakeClock())
    return verdict


@pytest.mark.parametrize(
    ("expect", "case"),
    [
        ({"first": ["p1/m1", "p2/m1"]}, {}),
        ({"first": "p2/m1"}, {"seed": 1}),
        ({"first": "p1/m1"}, {"seed": 2}),
        ({"order": ["p1/m1", "p2/m1", "p3#eu/m1"], "route": "fast"}, {"seed": 2}),
        ({"order": ["p2/m1", "p3#eu/m1", "p1/m1"], "excluded": {"p1/m1": "ejected"}}, {"down": ["p1"]}),
        ({"order": ["p2/m1", "p3#eu/m1"], "excluded": {"p1/m1": "any"}}, {"parked": ["p1/m1"]}),
        ({"error": "all_targets_down"}, {"parked": ["p1", "p2", "p3#eu/m1"]}),
        ({"error": "model_not_found"}, {"request": {"model": "nothing"}}),
        ({"error": "permission_denied"}, {"key": {"models": ["slow"]}}),
        (
            {"error": "invalid_request"},
            {"dialect": "openai_embeddings", "request": {"model": "fast", "input": "x"}},
        ),
        ({"error": "invalid_request"}, {"dialect": "latin"}),
        ({"error": "invalid_request"}, {"request": {"model": "fast", "messages": []}}),
        ({"first": "p1/m1"}, {"at": "2026-01-31T09:00:00Z", "headers": {"X-Any": "1"}}),
    ],
)
def test_cases_that_are_as_expected(expect: dict[str, object], case: dict[str, object]) -> None:
    if case.get("dialect") == "openai_embeddings":
        stage_providers = {"dialects": ("anthropic_messages",)}
        verdict = _of_other_dialect(expect, case, stage_providers)
    else:
        verdict = judge(expect, **case)
    assert verdict.differences == ()
    assert verdict.passed


def _of_other_dialect(
    expect: dict[str, object], case: dict[str, object], changes: dict[str, object]
) -> Verdict:
    stage = Stage(targets=(target(provider("p1", **changes)),))
    row = {"name": "case", "expect": expect, **case}
    return run_cases(read_cases([row]).cases, stage.snapshot, FakeClock())[0]


@pytest.mark.parametrize(
    ("expect", "case", "difference"),
    [
        ({"first": "p2/m1"}, {}, Difference("first", "p2/m1", "p1/m1")),
        ({"route": "slow"}, {}, Difference("route", "slow", "fast")),
        ({"order": ["p1/m1"]}, {}, Difference("order", "p1/m1", "p1/m1, p2/m1, p3#eu/m1")),
        ({"excluded": {"p1/m1": "any"}}, {}, Difference("excluded p1/m1", "any", "not excluded")),
        (
            {"excluded": {"p1/m1": "region"}},
            {"parked": ["p1"]},
            Difference("excluded p1/m1", "region", "parked"),
        ),
        ({"error": "permission_denied"}, {}, Difference("error", "permission_denied", "none")),
        (
            {"first": "p1/m1"},
            {"request": {"model": "nothing"}},
            Difference("error", "none", "model_not_found"),
        ),
    ],
)
def test_what_is_not_as_expected_is_told(
    expect: dict[str, object], case: dict[str, object], difference: Difference
) -> None:
    verdict = judge(expect, **case)
    assert not verdict.passed
    assert difference in verdict.differences


def test_a_verdict_says_why() -> None:
    verdict = judge({"first": "p9/m1"}, parked=["p1"])
    assert verdict.order == ("p2/m1", "p3#eu/m1")
    assert verdict.excluded == {"p1/m1": "parked"}
    assert any("parked" in line for line in verdict.why)
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


@pytest.mark.parametrize(
    "table",
    [
        5,
        {"cases": 5},
        {"cases": [{"name": "x"}]},
        {"cases": [], "more": 1},
        [{"name": "x", "request": {}, "expect": {"frist": "a"}}],
        [{"name": "x", "request": {}, "expect": {}, "at": "noon"}],
    ],
)
def test_a_table_that_is_none_is_refused(table: object) -> None:
    with pytest.raises(ConfigError):
        read_cases(table)
