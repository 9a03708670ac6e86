from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dialects.golden import cases
from waypost.core.asked import PathAsk
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import (
    ChatRequest,
    Message,
    Opaque,
    ResponseFormat,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from waypost.dialects.bedrock_converse.ask import parse_ask
from waypost.dialects.bedrock_converse.request import parse_request, render_request
from waypost.dialects.json_limits import DEFAULT
from waypost.errors import InvalidRequest, Unrepresentable

CLAUDE = "anthropic.claude-3-7-sonnet-20250219-v1:0"
HELLO = (Message("user", (Text("hi"),)),)


def parse(body: Any, model: str = CLAUDE) -> ChatRequest:
    return parse_request(parse_ask(msgspec.json.encode(body), DEFAULT, PathAsk(model)))


def render(request: ChatRequest, quirks: Quirks = Quirks(), loss: Loss | None = None) -> Any:  # noqa: B008 - frozen
    return msgspec.json.decode(render_request(request, quirks, Loss() if loss is None else loss))


@pytest.mark.parametrize("case", cases("bedrock_converse", "requests"))
def test_golden_round_trip(case: Any) -> None:
    request = parse(case["body"], case["model"])
    loss = Loss()
    assert render(request, loss=loss) == case["body"]
    assert loss.names == ()
    assert parse(render(request), case["model"]) == request


json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
words = st.text(min_size=1, max_size=4)
source = st.sampled_from(
    [{"bytes": "AAAA"}, {"s3Location": {"uri": "s3://b/a"}}, {"bytes": 7}, {"text": "x"}, {}]
)
text = st.builds(lambda value: {"text": value}, words)
image = st.builds(
    lambda kind, where, more: {"image": {"format": kind, "source": where, **more}},
    st.sampled_from(["png", "bmp"]),
    source,
    st.sampled_from([{}, {"error": {"message": "x"}}]),
)
document = st.builds(
    lambda where, more: {"document": {"name": "a", "source": where, **more}},
    source,
    st.sampled_from(
        [{}, {"format": "pdf"}, {"format": "odd"}, {"context": "c"}, {"citations": {"enabled": True}}]
    ),
)
call = st.builds(
    lambda i, more: {"toolUse": {"toolUseId": i, "name": "f", **more}},
    words,
    st.sampled_from([{"input": {"a": 1}}, {"input": []}, {}, {"input": {}, "type": "server_tool_use"}]),
)
result = st.builds(
    lambda i, content, more: {"toolResult": {"toolUseId": i, "content": content, **more}},
    words,
    st.lists(text | image | document | st.builds(lambda v: {"json": v}, json), max_size=2),
    st.sampled_from([{}, {"status": "error"}, {"status": "success"}, {"status": "odd"}, {"x": 1}]),
)
point = st.sampled_from(
    [{"cachePoint": {"type": "default"}}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
)
guard = st.sampled_from(
    [
        {"guardContent": {"text": {"text": "g"}}},
        {"guardContent": {"text": {"text": "g", "qualifiers": ["query"]}}},
        {"guardContent": {"text": {"text": "g", "x": 1}}},
        {"guardContent": {"image": {}}},
    ]
)
reasoning = st.sampled_from(
    [
        {"reasoningContent": {"reasoningText": {"text": "t"}}},
        {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "QUJD"}},
        {"reasoningContent": {"redactedContent": "/w=="}},
        {"reasoningContent": {"new": 1}},
    ]
)
odd = st.dictionaries(words, json, min_size=1, max_size=2)
block = st.one_of(text, image, document, call, result, guard, reasoning, odd)
# A cache point that follows another is written as one that hangs on nothing, and that is how it is read again.
content = st.lists(block | point, max_size=4)
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"]), "content": content}, optional={"x": json}
)
tool = st.one_of(
    st.builds(
        lambda name, more: {"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}, **more}},
        words,
        st.sampled_from([{}, {"description": "d"}, {"strict": True}, {"x": 1}]),
    ),
    st.sampled_from([{"systemTool": {"name": "s"}}, {"toolSpec": {}}, {"new": 1}]),
    point,
)
additional = st.fixed_dictionaries(
    {},
    optional={
        "top_k": st.integers(1, 5) | json,
        "thinking": st.sampled_from(
            [
                {"type": "enabled", "budget_tokens": 2048},
                {"type": "adaptive"},
                {"type": "disabled"},
                {"type": "adaptive", "display": "omitted"},
                {"type": "enabled"},
                7,
            ]
        ),
        "output_config": st.sampled_from(
            [{"effort": "high"}, {"effort": "odd"}, {"effort": "low", "format": 1}]
        ),
        "reasoning_effort": st.sampled_from(["low", "odd"]),
        "reasoningConfig": st.sampled_from([{"type": "enabled", "maxReasoningEffort": "low"}, {"type": "x"}]),
        "inferenceConfig": st.sampled_from([{"topK": 3}, {"topK": 3, "x": 1}]),
        "x": json,
    },
)
body = st.fixed_dictionaries(
    {"messages": st.lists(message, min_size=1, max_size=3)},
    optional={
        "system": st.lists(text | guard | point, min_size=1, max_size=3),
        "inferenceConfig": st.fixed_dictionaries(
            {},
            optional={
                "maxTokens": st.integers(1, 9),
                "temperature": st.floats(0, 1),
                "topP": json,
                "stopSequences": st.lists(words, max_size=2) | json,
                "x": json,
            },
        ),
        "toolConfig": st.fixed_dictionaries(
            {"tools": st.lists(tool, min_size=1, max_size=3)},
            optional={
                "toolChoice": st.sampled_from(
                    [{"auto": {}}, {"any": {}}, {"tool": {"name": "f"}}, {"new": {}}]
                ),
                "x": json,
            },
        ),
        "outputConfig": st.sampled_from(
            [
                {"effort": "low"},
                {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}"}}}},
                {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}}},
                {"textFormat": {"type": "new"}},
            ]
        ),
        "additionalModelRequestFields": additional,
        "serviceTier": st.sampled_from([{"type": "flex"}, {"type": "flex", "x": 1}]),
        "requestMetadata": st.dictionaries(words, words, max_size=2),
        "guardrailConfig": json,
    },
)


@settings(deadline=None)
@given(body)
def test_the_round_trip_is_the_identity(value: Any) -> None:
    # Calls without a `toolConfig` are no request that Bedrock takes.
    assume("toolConfig" in value or "toolUse" not in str(value))
    request = parse(value)
    shown = render(request)
    assert parse(shown) == request
    assert shown == value


def test_what_the_core_sees() -> None:
    request = parse(
        {
            "system": [{"text": "Be short."}],
            "messages": [{"role": "user", "content": [{"text": "hi"}]}],
            "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 0.9, "stopSequences": ["x"]},
            "toolConfig": {
                "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}],
                "toolChoice": {"any": {}},
            },
            "additionalModelRequestFields": {"top_k": 7, "thinking": {"type": "disabled"}},
            "serviceTier": {"type": "flex"},
            "requestMetadata": {"a": "b"},
        }
    )
    assert request.messages == (Message("system", (Text("Be short."),)), *HELLO)
    assert request.sampling == Sampling(0.5, 0.9, 7, stop=("x",))
    assert (request.max_output, request.thinking_budget, request.tier) == (5, 0, "flex")
    assert request.tool_choice == ToolChoice("required")
    assert request.metadata == {"a": "b"}
    assert request.wants_usage


def test_a_changed_setting_is_what_is_rendered() -> None:
    request = parse(
        {
            "messages": [{"role": "user", "content": [{"text": "hi"}]}],
            "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 4096}, "x": 1},
        }
    )
    changed = msgspec.structs.replace(request, thinking_budget=2048)
    assert render(changed)["additionalModelRequestFields"] == {
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "x": 1,
    }


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"choices": 2}, "choices"),
        ({"user": "u"}, "user"),
        ({"top_logprobs": 0}, "top_logprobs"),
        ({"verbosity": "low"}, "verbosity"),
        ({"cache_key": "k"}, "cache_key"),
        ({"modalities": ("audio",)}, "modalities"),
        ({"sampling": Sampling(seed=1)}, "seed"),
        ({"sampling": Sampling(frequency_penalty=0.1)}, "frequency_penalty"),
        ({"sampling": Sampling(presence_penalty=0.1)}, "presence_penalty"),
        ({"response_format": ResponseFormat("json_object")}, "response_format"),
        ({"tier": "scale"}, "tier"),
        ({"show_thinking": True}, "show_thinking"),
    ],
)
def test_settings_without_a_word_are_named(change: dict[str, Any], named: str) -> None:
    loss = Loss()
    render(ChatRequest(CLAUDE, HELLO, **change), loss=loss)
    assert loss.names == (named,)


def test_values_that_say_nothing_are_no_loss() -> None:
    loss = Loss()
    request = ChatRequest(
        CLAUDE,
        HELLO,
        parallel_tool_calls=True,
        tier="auto",
        verbosity="medium",
        modalities=("text",),
        response_format=ResponseFormat("text"),
        stream=True,
        wants_usage=True,
    )
    assert render(request, loss=loss) == {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    assert loss.names == ()


def test_a_schema_is_a_text() -> None:
    loss = Loss()
    wanted = ResponseFormat("json_schema", "n", "d", msgspec.Raw(b'{"type":"object"}'), strict=False)
    shown = render(ChatRequest(CLAUDE, HELLO, response_format=wanted), loss=loss)
    assert shown["outputConfig"]["textFormat"]["structure"]["jsonSchema"] == {
        "schema": '{"type":"object","additionalProperties":false}',
        "name": "n",
        "description": "d",
    }
    assert loss.names == ("response_format.strict",)


def test_a_providers_refused_fields_are_dropped_and_named_in_the_cores_words() -> None:
    loss = Loss()
    request = ChatRequest(CLAUDE, HELLO, tier="flex", metadata={"a": "b"})
    assert "serviceTier" not in render(request, Quirks(drop=("serviceTier", "absent")), loss)
    assert loss.names == ("tier",)


def test_what_bars_what() -> None:
    loss = Loss()
    request = ChatRequest(
        CLAUDE, HELLO, effort="high", max_output=8000, sampling=Sampling(temperature=0.3, top_p=0.9, top_k=5)
    )
    shown = render(request, loss=loss)
    assert shown["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": 6400}}
    assert shown["inferenceConfig"] == {"maxTokens": 8000}
    assert set(loss.names) == {"temperature", "top_k", "top_p"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"effort": "high", "tools": (Tool("f"),), "tool_choice": ToolChoice("required")}, {"effort"}),
        (
            {"effort": "high", "messages": (*HELLO, Message("assistant", (ToolCall("c", "f", "{}"),)))},
            {"effort"},
        ),
        ({"sampling": Sampling(temperature=1.5)}, {"temperature"}),
        ({"sampling": Sampling(stop=("\n", "END"))}, {"stop"}),
    ],
)
def test_what_claude_refuses_is_named_and_left_out(change: dict[str, Any], named: set[str]) -> None:
    loss = Loss()
    shown = render(
        ChatRequest(**{"model": CLAUDE, "messages": HELLO, "max_output": 8000, **change}), loss=loss
    )
    assert set(loss.names) == named
    assert "additionalModelRequestFields" not in shown
    assert shown["inferenceConfig"].get("temperature", 1) == 1
    assert shown["inferenceConfig"].get("stopSequences", ["END"]) == ["END"]


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ([7], "messages[0]"),
        ([{"role": "user"}], "messages[0].content"),
        ([{"role": "user", "content": "hi"}], "messages[0].content"),
        ([{"role": "tool", "content": []}], "messages[0].role"),
    ],
)
def test_bad_messages(value: Any, param: str) -> None:
    with pytest.raises((InvalidRequest, Unrepresentable)) as caught:
        parse({"messages": value})
    assert caught.value.param == param


def test_a_managed_prompt_can_not_cross() -> None:
    with pytest.raises(Unrepresentable):
        parse({}, "arn:aws:bedrock:us-east-1:123456789012:prompt/PROMPT12AB")


def test_tools_of_others_are_refused_or_dropped() -> None:
    request = ChatRequest(
        CLAUDE, HELLO, tools=(Opaque("openai_chat", msgspec.Raw(b"{}"), "tools"), Tool("f"))
    )
    with pytest.raises(Unrepresentable) as caught:
        render(request)
    assert caught.value.param == "tools[0]"
    loss = Loss(drop=True)
    assert len(render(request, loss=loss)["toolConfig"]["tools"]) == 1
    assert loss.names == ("tools[0]",)
