from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.golden import cases
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks, Taken
from waypost.core.request import (
    ChatRequest,
    Media,
    Message,
    Opaque,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from waypost.dialects.openai_chat.body import render_request
from waypost.dialects.openai_chat.request import parse_request
from waypost.errors import InvalidRequest, Unrepresentable

#: A target that takes all that a client of this dialect can say. `reasoning_content` stands for a rule of its own.
TAKES_ALL = Quirks(takes=tuple(word for word in get_args(Taken) if word != "reasoning_content"))


def again(body: Any) -> Any:
    loss = Loss()
    request = parse_request(msgspec.json.encode(body))
    rendered = msgspec.json.decode(render_request(request, TAKES_ALL, loss))
    assert loss.names == ()
    return rendered


def with_usage(body: Any) -> Any:
    """A stream is asked for its usage, whatever the client said."""
    if body.get("stream") is not True:
        return body
    options = body.get("stream_options")
    given = options if isinstance(options, dict) else {}
    return {**body, "stream_options": {**given, "include_usage": True}}


@pytest.mark.parametrize("case", cases("openai_chat", "requests"))
def test_golden_round_trip(case: Any) -> None:
    assert again(case["body"]) == with_usage(case["body"])


json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
PART_NAMES = [
    "type",
    "text",
    "refusal",
    "image_url",
    "url",
    "detail",
    "cache_control",
    "input_audio",
    "data",
    "file",
    "video_url",
    "thinking",
]
part = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("text"), "text": st.text(max_size=5)},
        optional={
            "cache_control": st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}, 7]),
            "prompt_cache_breakpoint": st.sampled_from(
                [{"mode": "explicit"}, {"mode": "explicit", "ttl": "12h"}, {"mode": "x"}]
            ),
            "x": json,
        },
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("image_url"),
            "image_url": st.fixed_dictionaries(
                {
                    "url": st.sampled_from(
                        ["https://e.org/a", "data:image/png;base64,AA==", "data:,x", "data:a;b=c;base64,"]
                    )
                },
                optional={"detail": st.sampled_from(["low", None])},
            ),
        }
    ),
    st.dictionaries(st.sampled_from(PART_NAMES), json | st.sampled_from(PART_NAMES), max_size=4),
    json,
)
call = st.one_of(
    st.fixed_dictionaries(
        {
            "id": st.text(max_size=3),
            "type": st.just("function"),
            "function": st.fixed_dictionaries(
                {"name": st.text(max_size=3), "arguments": st.text(min_size=1, max_size=3)},
                optional={"x": json},
            ),
        },
        optional={
            "index": json,
            "extra_content": st.sampled_from(
                [{"google": {"thought_signature": "s"}}, {"google": {}}, {"a": 1}]
            ),
        },
    ),
    json,
)
makers = st.sampled_from(["anthropic-claude-v1", "google-gemini-v1", "openai-responses-v1", "unknown", None])
detail = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("reasoning.text"), "text": st.text(max_size=3), "format": makers},
        optional={"signature": st.text(max_size=2), "id": json, "x": json},
    ),
    st.fixed_dictionaries(
        {"type": st.just("reasoning.summary"), "summary": st.text(max_size=3), "format": makers},
        optional={"id": json},
    ),
    st.fixed_dictionaries(
        {"type": st.just("reasoning.encrypted"), "data": st.text(max_size=3), "format": makers},
        optional={"index": json},
    ),
    st.fixed_dictionaries({"type": st.just("reasoning.server_tool_call")}),
    json,
)
citation = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("url_citation"),
            "url_citation": st.fixed_dictionaries(
                {
                    "url": st.text(max_size=2),
                    "title": st.text(max_size=2),
                    "start_index": st.integers(0, 3),
                    "end_index": st.integers(0, 5),
                },
                optional={"content": st.text(max_size=2), "x": json},
            ),
        }
    ),
    # Other kinds come after the citations when they are rendered again.
)
message = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
        "tool_call_id": st.text(max_size=3),
    },
    optional={
        "content": st.text(max_size=5) | st.lists(part, max_size=3) | json,
        "refusal": st.text(max_size=3) | json,
        "reasoning_content": st.text(max_size=3) | json,
        "reasoning": st.text(max_size=3) | json,
        "tool_calls": st.lists(call, max_size=3) | json,
        "name": json | st.text(max_size=2),
        "audio": json
        | st.fixed_dictionaries({"id": st.text(max_size=2), "data": st.just("AA==")}, optional={"x": json}),
        "images": json
        | st.lists(
            st.fixed_dictionaries(
                {"type": st.just("image_url"), "image_url": st.just({"url": "data:image/png;base64,AA=="})},
                optional={"index": json},
            ),
            max_size=2,
        ),
        "reasoning_details": st.lists(detail, max_size=3) | json,
        "extra_content": st.just({"google": {"thought_signature": "s"}}) | json,
        "function_call": st.just({"name": "f", "arguments": "{}"}) | json,
    },
)
cited = st.fixed_dictionaries(
    {
        "role": st.just("assistant"),
        "content": st.text(max_size=5),
        "annotations": st.lists(citation, max_size=2),
    }
)
old_result = st.fixed_dictionaries(
    {"role": st.just("function"), "name": st.text(max_size=2), "content": st.none() | st.text(max_size=2)}
)
tool = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("function"),
            "function": st.fixed_dictionaries(
                {"name": st.text(max_size=3)},
                optional={"description": json, "parameters": json, "strict": json, "x": json},
            ),
        },
        optional={"x": json},
    ),
    json,
)
schema_format = st.fixed_dictionaries(
    {"type": st.sampled_from(["json_schema", "json_object", "text", "grammar"])},
    optional={
        "json_schema": st.fixed_dictionaries(
            {"name": st.text(min_size=1, max_size=3)},
            optional={"schema": json, "strict": json, "description": json, "x": json},
        )
        | st.sampled_from([None, 7]),
        "x": json,
    },
)
number = st.integers(-3, 3) | st.floats(-2, 2) | json
request_body = st.fixed_dictionaries(
    {
        "model": st.text(min_size=1, max_size=4),
        "messages": st.lists(message | cited | old_result, min_size=1, max_size=3),
    },
    optional={
        "tools": st.lists(tool, max_size=2) | json,
        "tool_choice": st.sampled_from(
            ["auto", "none", "required", {"type": "function", "function": {"name": "a"}}]
        )
        | json,
        "response_format": schema_format | json,
        "stop": st.lists(st.text(max_size=2), max_size=2) | json,
        "temperature": number,
        "top_p": number,
        "seed": number,
        "n": number,
        "max_tokens": number,
        "max_completion_tokens": number,
        "stream": json,
        "stream_options": st.just({"include_usage": True}) | st.just({"include_usage": True, "x": 1}) | json,
        "reasoning_effort": st.sampled_from(["low", "max"]) | json,
        "reasoning": st.dictionaries(
            st.sampled_from(["effort", "max_tokens", "exclude", "enabled", "summary"]),
            st.sampled_from(["low", "none", 0, 7, -1, True, False, None]),
        )
        | json,
        "include_reasoning": json,
        "thinking": st.fixed_dictionaries(
            {"type": st.sampled_from(["enabled", "disabled", "adaptive"])},
            optional={"budget_tokens": st.integers(-1, 3), "x": json},
        )
        | json,
        "functions": st.lists(
            st.fixed_dictionaries({"name": st.text(max_size=2)}, optional={"x": json}), max_size=2
        )
        | json,
        "function_call": st.sampled_from(["auto", "none", {"name": "f"}]) | json,
        "service_tier": json,
        "metadata": st.dictionaries(st.text(max_size=2), st.text(max_size=2)) | json,
        "verbosity": st.sampled_from(["low", "xhigh"]) | json,
        "prompt_cache_key": json,
        "safety_identifier": json,
        "modalities": st.lists(st.sampled_from(["text", "image", "audio"]), max_size=2) | json,
        "top_logprobs": st.integers(0, 2) | json,
        "parallel_tool_calls": json,
        "user": json,
        "logprobs": json,
        "x_vendor": json,
    },
)


@settings(deadline=None)
@given(request_body)
def test_the_round_trip_is_the_identity(body: Any) -> None:
    assert again(body) == with_usage(body)


def test_what_the_core_sees() -> None:
    body = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be short."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    {"type": "new_kind", "x": 1},
                ],
            },
            {
                "role": "assistant",
                "reasoning_content": "hm",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "max_tokens": 9,
        "stop": "x",
        "n": 2,
    }
    request = parse_request(msgspec.json.encode(body))
    assert request.messages[0] == Message("system", (Text("Be short."),))
    text, image, other = request.messages[1].parts
    assert text == Text("Look")
    assert image == Media("image", data="AAAA", mime="image/png")
    assert isinstance(other, Opaque)
    assert request.messages[2].parts == (Thinking("hm"), ToolCall("c1", "f", "{}"))
    assert request.messages[3].parts == (ToolResult("c1", (Text("42"),)),)
    assert request.tool_choice == ToolChoice("one", "f")
    assert (request.max_output, request.sampling.stop, request.choices) == (9, ("x",), 2)


def test_another_dialects_parts_are_refused_by_name() -> None:
    foreign = Opaque("anthropic_messages", msgspec.Raw(b"{}"))
    with pytest.raises(Unrepresentable) as caught:
        render_request(ChatRequest("m", (Message("user", (Text("a"), foreign)),)))
    assert caught.value.param == "messages[0].content[1]"
    with pytest.raises(Unrepresentable) as caught:
        render_request(ChatRequest("m", (Message("user", (Text("a"),)),), tools=(foreign,)))
    assert caught.value.param == "tools[0]"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (7, "messages[0]"),
        ({"role": "robot", "content": "x"}, "messages[0].role"),
        ({"content": "x"}, "messages[0].role"),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
    ],
)
def test_bad_messages(message: Any, param: str) -> None:
    with pytest.raises((InvalidRequest, Unrepresentable)) as caught:
        parse_request(msgspec.json.encode({"model": "m", "messages": [message]}))
    assert caught.value.param == param
