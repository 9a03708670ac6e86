from __future__ import annotations

from typing import Any

import pytest

from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, Sampling
from waypost.dialects.bedrock_converse.families import UNKNOWN, family_of, put_top_k, thinking

OLD = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NEW = "global.anthropic.claude-opus-4-6-v1"
MYTHOS = "anthropic.claude-mythos-5"
NOVA = "us.amazon.nova-2-lite-v1:0"
OSS = "openai.gpt-oss-120b-1:0"
DEEP = "deepseek.v3-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2"


@pytest.mark.parametrize(
    ("model", "thinks"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", ""),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", "budget"),
        ("anthropic.claude-sonnet-4-20250514-v1:0", "budget"),
        ("anthropic.claude-opus-4-20250514-v1:0", "budget"),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "budget"),
        (OLD, "budget"),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", "budget"),
        ("anthropic.claude-opus-4-5-20251101-v1:0", "budget"),
        (NEW, "adaptive"),
        ("anthropic.claude-sonnet-4-6", "adaptive"),
        ("anthropic.claude-opus-5", "adaptive"),
        (MYTHOS, "adaptive"),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-7", "adaptive"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-2-lite-v1:0", "nova"),
        ("amazon.nova-pro-v1:0", ""),
        (OSS, "word"),
        ("openai.gpt-5.6", "word"),
        (DEEP, "word"),
        ("us.deepseek.r1-v1:0", ""),
        ("moonshotai.kimi-k2.5", "word"),
        ("meta.llama3-70b-instruct-v1:0", ""),
        (PROFILE, ""),
    ],
)
def test_models_are_known_by_their_ids(model: str, thinks: str) -> None:
    assert family_of(model).thinks == thinks


@pytest.mark.parametrize(
    ("model", "asked", "told"),
    [
        (
            OLD,
            {"effort": "medium", "max_output": 8000},
            {"thinking": {"type": "enabled", "budget_tokens": 4000}},
        ),
        (OLD, {"thinking_budget": 3000}, {"thinking": {"type": "enabled", "budget_tokens": 3000}}),
        (
            OLD,
            {"thinking_budget": -1, "max_output": 8000},
            {"thinking": {"type": "enabled", "budget_tokens": 4000}},
        ),
        (OLD, {"effort": "none"}, {"thinking": {"type": "disabled"}}),
        (
            OLD,
            {"thinking_budget": 2000, "show_thinking": False},
            {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}},
        ),
        (NEW, {"effort": "high"}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        (NEW, {"effort": "minimal"}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (NEW, {"effort": "xhigh"}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        (NEW, {"thinking_budget": -1}, {"thinking": {"type": "adaptive"}}),
        (
            NEW,
            {"thinking_budget": 4000, "max_output": 8000, "show_thinking": True},
            {
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "medium"},
            },
        ),
        (NEW, {"effort": "none"}, {"thinking": {"type": "disabled"}}),
        (NOVA, {"effort": "low"}, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        (NOVA, {"effort": "max"}, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}),
        (
            NOVA,
            {"effort": "max", "max_output": 100},
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}},
        ),
        (NOVA, {"thinking_budget": 0}, {"reasoningConfig": {"type": "disabled"}}),
        (OSS, {"effort": "xhigh"}, {"reasoning_effort": "high"}),
        ("openai.gpt-5.6", {"effort": "none"}, {"reasoning_effort": "none"}),
        (DEEP, {"effort": "high"}, {"reasoning_effort": "high"}),
        (DEEP, {"effort": "none"}, {}),
        (DEEP, {"thinking_budget": -1}, {}),
        ("amazon.nova-pro-v1:0", {"effort": "none"}, {}),
        (OLD, {}, {}),
    ],
)
def test_how_each_is_told(model: str, asked: dict[str, Any], told: Any) -> None:
    loss = Loss()
    assert thinking(ChatRequest(model, (), **asked), family_of(model), loss).fields == told
    assert loss.names == ()


@pytest.mark.parametrize(
    ("model", "asked", "named"),
    [
        ("amazon.nova-pro-v1:0", {"effort": "low"}, ("effort",)),
        (PROFILE, {"thinking_budget": 2000, "effort": "low"}, ("effort", "thinking_budget")),
        (OLD, {"effort": "high", "max_output": 500}, ("effort",)),
        (OSS, {"effort": "none"}, ("effort",)),
        (MYTHOS, {"thinking_budget": 0}, ("thinking_budget",)),
        (OSS, {"effort": "low", "show_thinking": False}, ("show_thinking",)),
        (OLD, {"show_thinking": True}, ("show_thinking",)),
    ],
)
def test_what_can_not_be_told_is_named(model: str, asked: dict[str, Any], named: tuple[str, ...]) -> None:
    loss = Loss()
    thinking(ChatRequest(model, (), **asked), family_of(model), loss)
    assert loss.names == named


@pytest.mark.parametrize(
    ("asked", "told"),
    [({"thinking_budget": 10}, 1024), ({"thinking_budget": 9000, "max_output": 4000}, 3999)],
)
def test_a_budget_that_is_made_to_fit_is_named(asked: dict[str, Any], told: int) -> None:
    loss = Loss()
    found = thinking(ChatRequest(OLD, (), **asked), family_of(OLD), loss)
    assert found.fields == {"thinking": {"type": "enabled", "budget_tokens": told}}
    assert loss.names == ("thinking_budget",)


@pytest.mark.parametrize(
    ("model", "top_k"),
    [
        (OLD, {"top_k": 5}),
        (NOVA, {"inferenceConfig": {"topK": 5}}),
        ("cohere.command-r-v1:0", {"k": 5}),
        ("mistral.mistral-large-2402-v1:0", {"top_k": 5}),
    ],
)
def test_top_k(model: str, top_k: Any) -> None:
    out: dict[str, object] = {}
    assert put_top_k(out, 5, family_of(model))
    assert out == top_k


def test_no_top_k() -> None:
    assert not put_top_k({}, 5, UNKNOWN)


def test_what_thinking_bars() -> None:
    request = ChatRequest(NOVA, (), effort="high", sampling=Sampling(temperature=0.1))
    assert thinking(request, family_of(NOVA), Loss()).barred == ("temperature", "top_p")
    assert thinking(ChatRequest(NOVA, (), effort="low"), family_of(NOVA), Loss()).barred == ()
