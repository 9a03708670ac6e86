from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.openai_chat.saying import say
from waypost.core.request import ChatRequest
from waypost.dialects.openai_chat.own import Taking
from waypost.dialects.openai_chat.reasoning import put_reasoning, take_reasoning
from waypost.dialects.taking import Json


def taking(fields: dict[str, Any]) -> Taking:
    return Taking({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()})


@pytest.mark.parametrize(
    ("wire", "effort", "budget", "show"),
    [
        ({}, None, None, None),
        ({"reasoning_effort": "xhigh"}, "xhigh", None, None),
        ({"reasoning": {"effort": "low", "exclude": True}}, "low", None, False),
        ({"reasoning": {"max_tokens": 2000}}, None, 2000, None),
        ({"reasoning": {"enabled": True}}, "medium", None, None),
        ({"reasoning": {"enabled": False}}, "none", None, None),
        ({"reasoning": {"enabled": True, "max_tokens": 7}}, None, 7, None),
        ({"include_reasoning": False}, None, None, False),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, None, 2048, None),
        ({"thinking": {"type": "disabled"}}, None, 0, None),
        ({"thinking": {"type": "adaptive"}}, None, -1, None),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "max"}, "max", None, None),
    ],
)
def test_every_way_of_saying_it(wire: Json, effort: Any, budget: Any, show: Any) -> None:
    forms: list[str] = []
    found = take_reasoning(given := taking(wire), forms)
    assert (found.effort, found.budget, found.show) == (effort, budget, show)
    assert given.rest == {}
    request = ChatRequest("m", (), effort=effort, thinking_budget=budget, show_thinking=show)
    out: Json = {}
    put_reasoning(out, request, forms, say("reasoning"))
    assert out == wire


@pytest.mark.parametrize(
    "wire",
    [
        {"reasoning_effort": "huge"},
        {"reasoning": {"summary": "auto"}},
        {"reasoning": {"max_tokens": -2}},
        {"include_reasoning": 1},
        {"thinking": {"type": "enabled", "budget_tokens": -5}},
        {"thinking": {"type": "enabled", "level": "high"}},
    ],
)
def test_what_it_does_not_know_stays(wire: Json) -> None:
    given = taking(wire)
    found = take_reasoning(given, [])
    assert (found.effort, found.budget, found.show) == (None, None, None)
    assert given.rest == taking(wire).rest


def test_the_second_of_two_budgets_stays() -> None:
    given = taking({"reasoning": {"max_tokens": 5}, "thinking": {"type": "enabled", "budget_tokens": 9}})
    assert take_reasoning(given, []).budget == 5
    assert "thinking" in given.rest


@pytest.mark.parametrize(
    ("request_", "plain", "router"),
    [
        (ChatRequest("m", (), effort="high"), {"reasoning_effort": "high"}, {"effort": "high"}),
        (
            ChatRequest("m", (), thinking_budget=2000, max_output=10_000),
            {"reasoning_effort": "low"},
            {"max_tokens": 2000},
        ),
        (ChatRequest("m", (), thinking_budget=0), {"reasoning_effort": "none"}, {"effort": "none"}),
        (ChatRequest("m", (), thinking_budget=-1), {}, {"enabled": True}),
        (ChatRequest("m", (), show_thinking=False), {}, {"exclude": True}),
    ],
)
def test_what_a_target_is_told(request_: ChatRequest, plain: Json, router: Json) -> None:
    out: Json = {}
    asked = say()
    put_reasoning(out, request_, (), asked)
    assert out == plain
    assert asked.loss.names == (("show_thinking",) if request_.show_thinking is not None else ())
    out = {}
    put_reasoning(out, request_, (), say("reasoning"))
    assert out == {"reasoning": router}
