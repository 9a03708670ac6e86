from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, Extras
from waypost.dialects.anthropic_messages.own import Taking
from waypost.dialects.anthropic_messages.thinking import Settings, settings, take_effort, take_thinking

OLD, NEW = "claude-sonnet-4-5", "claude-opus-5-5"


def render(model: str, **fields: Any) -> tuple[Settings, tuple[str, ...]]:
    loss = Loss()
    return settings(ChatRequest(model, (), **fields), loss), loss.names


def enabled(budget: int, **more: Any) -> Any:
    return {"type": "enabled", "budget_tokens": budget, **more}


@pytest.mark.parametrize(
    ("fields", "expected", "lost"),
    [
        ({}, Settings(4096), ()),
        ({"max_output": 9}, Settings(9), ()),
        ({"effort": "none"}, Settings(4096, {"type": "disabled"}), ()),
        ({"thinking_budget": 0}, Settings(4096, {"type": "disabled"}), ()),
        ({"effort": "medium"}, Settings(12_288, enabled(8192)), ()),
        ({"effort": "high", "max_output": 10_000}, Settings(10_000, enabled(8000)), ()),
        ({"effort": "low", "max_output": 2000}, Settings(2000, enabled(1024)), ()),
        ({"effort": "low", "max_output": 1024}, Settings(1024), ("effort",)),
        ({"thinking_budget": 2000}, Settings(6096, enabled(2000)), ()),
        ({"thinking_budget": 5000, "max_output": 3000}, Settings(3000, enabled(2999)), ("thinking_budget",)),
        ({"thinking_budget": 500}, Settings(4596), ("thinking_budget",)),
        (
            {"thinking_budget": -1, "show_thinking": True},
            Settings(4096),
            ("thinking_budget", "show_thinking"),
        ),
        (
            {"thinking_budget": 2000, "show_thinking": False},
            Settings(6096, enabled(2000, display="omitted")),
            (),
        ),
        ({"show_thinking": True}, Settings(4096), ("show_thinking",)),
    ],
)
def test_models_that_are_told_tokens(fields: Any, expected: Settings, lost: tuple[str, ...]) -> None:
    assert render(OLD, **fields) == (expected, lost)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"effort": "minimal", "max_output": 9}, Settings(9, {"type": "adaptive"}, "low")),
        ({"effort": "xhigh", "max_output": 9}, Settings(9, {"type": "adaptive"}, "xhigh")),
        ({"effort": "medium"}, Settings(12_288, {"type": "adaptive"}, "medium")),
        ({"thinking_budget": -1}, Settings(12_288, {"type": "adaptive"})),
        ({"thinking_budget": 2000, "max_output": 10_000}, Settings(10_000, {"type": "adaptive"}, "low")),
        ({"effort": "none"}, Settings(4096, {"type": "disabled"})),
        (
            {"effort": "high", "max_output": 9, "show_thinking": True},
            Settings(9, {"type": "adaptive", "display": "summarized"}, "high"),
        ),
    ],
)
def test_models_that_are_told_a_word(fields: Any, expected: Settings) -> None:
    assert render(NEW, **fields) == (expected, ())


def test_a_model_that_does_not_know_the_word() -> None:
    assert render("claude-opus-4-6", effort="xhigh", max_output=9)[0].effort == "high"


def test_what_came_in_this_dialect_stays_as_it_was_said() -> None:
    own = Extras("anthropic_messages", {}, "own adaptive")
    said = render(OLD, effort="xhigh", extras=own)
    assert said == (Settings(None, {"type": "adaptive"}, "xhigh"), ())
    own = Extras("anthropic_messages", {}, "own")
    assert render(OLD, thinking_budget=5, max_output=3, extras=own) == (Settings(3, enabled(5)), ())


@pytest.mark.parametrize(
    ("wire", "budget", "shown"),
    [
        ({"type": "enabled", "budget_tokens": 2000}, 2000, None),
        ({"type": "enabled", "budget_tokens": 2000, "display": "summarized"}, 2000, True),
        ({"type": "disabled"}, 0, None),
        ({"type": "adaptive", "display": "omitted"}, -1, False),
    ],
)
def test_read(wire: Any, budget: int, shown: bool | None) -> None:
    taking = Taking({"thinking": msgspec.Raw(msgspec.json.encode(wire))})
    assert take_thinking(taking, None, []) == (budget, shown)
    assert taking.rest == {}


def test_an_effort_says_more_than_adaptive() -> None:
    forms: list[str] = []
    taking = Taking({"thinking": msgspec.Raw(b'{"type":"adaptive"}')})
    assert take_thinking(taking, "high", forms) == (None, None)
    assert forms == ["adaptive"]


@pytest.mark.parametrize(
    "wire",
    [
        7,
        {"type": "between_tools"},
        {"type": "enabled"},
        {"type": "enabled", "budget_tokens": 0},
        {"type": "adaptive", "x": 1},
    ],
)
def test_what_is_not_known_stays(wire: Any) -> None:
    taking = Taking({"thinking": msgspec.Raw(msgspec.json.encode(wire))})
    assert take_thinking(taking, None, []) == (None, None)
    assert "thinking" in taking.rest


def test_words_that_anthropic_does_not_know_stay() -> None:
    output = Taking({"effort": msgspec.Raw(b'"minimal"')})
    assert take_effort(output) is None
    assert "effort" in output.rest
