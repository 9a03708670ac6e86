from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from waypost.core.decision import Considered, Decision, Excluded, Reason, Rule
from waypost.pipeline.explained import explain_decision, tell_excluded, tell_place


@pytest.mark.parametrize("rule", get_args(Rule))
@pytest.mark.parametrize("score", [None, 0.25, 12.0])
def test_every_rule_has_a_sentence(rule: Rule, score: float | None) -> None:
    told = tell_place(Considered("lab/m", rule, score))
    assert len(told) > 10
    assert "{" not in told


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    assert len(tell_excluded(Excluded("lab/m", reason))) > 10
    assert tell_excluded(Excluded("lab/m", reason, "because")).endswith(": because")


def test_sentences_tell_one_rule_from_another() -> None:
    assert len({tell_place(Considered("m", rule)) for rule in get_args(Rule)}) == len(get_args(Rule))
    assert len({tell_excluded(Excluded("m", reason)) for reason in get_args(Reason)}) == len(get_args(Reason))


def test_a_decision_as_json() -> None:
    decision = Decision(
        (
            Considered("a/m", "latency", 0.5, cost_nusd=1_500, first_token_s=0.4127),
            Considered("b/m", "order"),
        ),
        (Excluded("c/m", "region", "it is in us"),),
        ("All are ejected.",),
    )
    assert msgspec.to_builtins(explain_decision(decision)) == {
        "candidates": (
            {
                "place": 1,
                "target": "a/m",
                "rule": "latency",
                "why": "by its time to first token (0.500 s)",
                "score": 0.5,
                "expected_cost_usd": "0.0000015",
                "median_first_token_ms": 412.7,
            },
            {
                "place": 2,
                "target": "b/m",
                "rule": "order",
                "why": "it stands here in the order of the route",
            },
        ),
        "excluded": (
            {"target": "c/m", "reason": "region", "why": "it is not in an allowed region: it is in us"},
        ),
        "notes": ("All are ejected.",),
    }
