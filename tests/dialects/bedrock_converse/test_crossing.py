"""Between Converse and OpenAI's chat, in both directions."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from dialects.bedrock_converse.frames import TEXT, said, stream
from dialects.golden import sse
from waypost.core.asked import Asked, PathAsk, Stamp
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.codec import CONVERSE
from waypost.dialects.lane import CrossLane
from waypost.dialects.openai_chat.codec import CHAT
from waypost.errors import Rejected, Throttled, Unrepresentable

assert CHAT.codec is not None
assert CONVERSE.codec is not None
CODEC = CONVERSE.codec
TO_BEDROCK = CrossLane(CHAT.codec, CONVERSE, CODEC)
TO_OPENAI = CrossLane(CODEC, CHAT, CHAT.codec)
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
STAMP = Stamp("x", 17)
PNG = base64.b64encode(b"png").decode()
PDF = base64.b64encode(b"pdf").decode()
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
#: As Claude's grammars want it.
CLOSED = SCHEMA | {"additionalProperties": False}
USER = {"role": "user", "content": "hi"}


def openai(body: Any, drop: bool = False) -> Asked:
    asked = CHAT.parse_ask(msgspec.json.encode({"model": "m", **body}))
    return msgspec.structs.replace(asked, drop_content=drop)


def converse(body: Any, *, streamed: bool = False) -> Asked:
    return CONVERSE.parse_ask(msgspec.json.encode(body), path=PathAsk("route", streamed))


def there(body: Any, model: str = CLAUDE) -> tuple[Any, tuple[str, ...]]:
    onward = TO_BEDROCK.render_onward(openai(body), model, Quirks())
    return msgspec.json.decode(onward.body), onward.dropped


def back(body: Any, quirks: Quirks = Quirks()) -> tuple[Any, tuple[str, ...]]:  # noqa: B008 - a value
    onward = TO_OPENAI.render_onward(converse(body), "gpt-x", quirks)
    return msgspec.json.decode(onward.body), onward.dropped


def test_a_conversation_there() -> None:
    body, dropped = there(
        {
            "messages": [
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": [{"type": "text", "text": "Weather in Oslo and Bergen?"}]},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": f"c{n}",
                            "type": "function",
                            "function": {"name": "weather", "arguments": f'{{"n":{n}}}'},
                        }
                        for n in (1, 2)
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "rain"},
                {"role": "tool", "tool_call_id": "c2", "content": "sun"},
                {"role": "user", "content": "And now?"},
            ],
            "tools": [
                {"type": "function", "function": {"name": "weather", "parameters": SCHEMA, "strict": True}}
            ],
            "tool_choice": "required",
            "temperature": 0.5,
            "top_p": 0.9,
            "stop": ["END"],
            "max_completion_tokens": 100,
            "seed": 7,
            "logit_bias": {"1": 2},
        }
    )
    assert body == {
        "system": [{"text": "Be short."}],
        "messages": [
            {"role": "user", "content": [{"text": "Weather in Oslo and Bergen?"}]},
            {
                "role": "assistant",
                "content": [
                    {"toolUse": {"toolUseId": f"c{n}", "name": "weather", "input": {"n": n}}} for n in (1, 2)
                ],
            },
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "c1", "content": [{"text": "rain"}]}},
                    {"toolResult": {"toolUseId": "c2", "content": [{"text": "sun"}]}},
                    {"text": "And now?"},
                ],
            },
        ],
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": CLOSED}, "strict": True}}],
            "toolChoice": {"any": {}},
        },
        "inferenceConfig": {"maxTokens": 100, "temperature": 0.5, "stopSequences": ["END"]},
    }
    assert set(dropped) == {"seed", "logit_bias", "top_p"}, "Claude takes one of temperature and top_p"


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        ("auto", {"auto": {}}),
        ("required", {"any": {}}),
        ({"type": "function", "function": {"name": "f"}}, {"tool": {"name": "f"}}),
    ],
)
def test_every_tool_choice_both_ways(choice: Any, wire: Any) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    body, dropped = there({"messages": [USER], "tools": tools, "tool_choice": choice})
    assert (body["toolConfig"]["toolChoice"], dropped) == (wire, ())
    again, _ = back(body)
    assert (again["tool_choice"], again["tools"]) == (choice, tools)


def test_no_tool_choice() -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    body, dropped = there({"messages": [USER], "tools": tools, "tool_choice": "none"})
    assert ("toolConfig" in body, dropped) == (False, ())


def test_pictures_and_documents_both_ways() -> None:
    content = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "a"}},
    ]
    body, dropped = there({"messages": [{"role": "user", "content": content}]})
    assert dropped == ()
    assert body["messages"][0]["content"][1:] == [
        {"image": {"source": {"bytes": PNG}, "format": "png"}},
        {"document": {"source": {"bytes": PDF}, "format": "pdf", "name": "a"}},
    ]
    assert back(body)[0]["messages"][0]["content"] == content


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "new_kind", "x": 1},
    ],
)
def test_content_without_a_form_is_refused_or_dropped_and_named(part: Any) -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, part]}]}
    with pytest.raises(Unrepresentable) as caught:
        there(body)
    assert caught.value.param == "messages[0].content[1]"
    onward = TO_BEDROCK.render_onward(openai(body, drop=True), CLAUDE, Quirks())
    assert onward.dropped == ("messages[0].content[1]",)


def test_a_schema_both_ways() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": CLOSED}}
    body, dropped = there({"messages": [USER], "response_format": wanted})
    assert dropped == ()
    assert back(body)[0]["response_format"] == wanted


def test_effort_is_told_to_the_model_in_its_own_way() -> None:
    asked = {"messages": [USER], "reasoning_effort": "low", "max_completion_tokens": 10_000}
    assert there(asked)[0]["additionalModelRequestFields"] == {
        "thinking": {"type": "enabled", "budget_tokens": 2000}
    }
    assert there(asked, "openai.gpt-oss-20b-1:0")[0]["additionalModelRequestFields"] == {
        "reasoning_effort": "low"
    }
    body, dropped = there(asked, "meta.llama3-70b-instruct-v1:0")
    assert "additionalModelRequestFields" not in body
    assert dropped == ("reasoning_effort",)


def test_reasoning_of_others_does_not_go_to_claude() -> None:
    history = [USER, {"role": "assistant", "content": "a", "reasoning_content": "hm"}, USER]
    body, dropped = there({"messages": history})
    assert body["messages"][1]["content"] == [{"text": "a"}]
    assert dropped == ("messages[1].thinking",)


def test_signed_reasoning_comes_back_over_a_tool_loop() -> None:
    blocks = [
        {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
        {"toolUse": {"toolUseId": "c", "name": "f", "input": {}}},
    ]
    answer = {"output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": "tool_use"}
    response = CODEC.parse_response(msgspec.json.encode(answer))
    shown = msgspec.json.decode(CODEC.render_response(response, converse({"messages": [{}]}), None, STAMP))
    assert shown["output"]["message"]["content"] == blocks


def test_a_conversation_back() -> None:
    body, dropped = back(
        {
            "system": [{"text": "Be short."}],
            "messages": [
                {"role": "user", "content": [{"text": "hi"}, {"cachePoint": {"type": "default"}}]},
                {
                    "role": "assistant",
                    "content": [{"toolUse": {"toolUseId": "c", "name": "f", "input": {"a": 1}}}],
                },
                {
                    "role": "user",
                    "content": [{"toolResult": {"toolUseId": "c", "content": [{"json": {"b": 2}}]}}],
                },
            ],
            "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "stopSequences": ["x"]},
            "guardrailConfig": {"guardrailIdentifier": "g"},
            "performanceConfig": {"latency": "standard"},
        },
        Quirks(takes=("cache_control",)),
    )
    assert body["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": '{"b":2}'},
    ]
    assert (body["max_tokens"], body["temperature"], body["stop"]) == (9, 0.5, ["x"])
    assert dropped == ("guardrailConfig",)


def test_an_answer_to_a_client_of_openai() -> None:
    answer = {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 3, "outputTokens": 2, "cacheReadInputTokens": 4},
    }
    reply = TO_BEDROCK.parse_reply(msgspec.json.encode(answer))
    assert (reply.usage, reply.finish_reason) == (Usage(input=7, output=2, cache_read=4), "stop")
    shown = msgspec.json.decode(TO_BEDROCK.render_reply(openai({"messages": [USER]}), reply, 5, STAMP))
    assert shown["choices"][0]["message"]["content"] == "Hello"
    assert shown["usage"]["prompt_tokens"] == 7


def test_an_answer_to_a_client_of_aws() -> None:
    answer = {
        "id": "a",
        "model": "gpt-x",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "length"}
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}},
    }
    reply = TO_OPENAI.parse_reply(msgspec.json.encode(answer))
    shown = msgspec.json.decode(TO_OPENAI.render_reply(converse({"messages": [{}]}), reply, 5, STAMP))
    assert shown["output"]["message"] == {"role": "assistant", "content": [{"text": "Hello"}]}
    assert shown["stopReason"] == "max_tokens"
    assert shown["usage"]["inputTokens"] == 3
    assert shown["usage"]["cacheReadInputTokens"] == 4


def test_streams_both_ways() -> None:
    relay = TO_BEDROCK.stream_relay(
        openai({"messages": [USER], "stream": True}), lambda usage, tier: 5, STAMP
    )
    shown = relay.feed(stream(TEXT))
    assert b'"content":"Hello"' in shown
    assert shown.endswith(b"data: [DONE]\n\n")
    assert relay.usage == Usage(input=9, output=2)
    chunks = [
        {
            "id": "a",
            "model": "g",
            "choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}],
        },
        {"id": "a", "model": "g", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"id": "a", "model": "g", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
        "[DONE]",
    ]
    back = TO_OPENAI.stream_relay(converse({"messages": [{}]}, streamed=True), lambda usage, tier: 5, STAMP)
    assert [next(iter(each)) for each in said(back.feed(sse(chunks)))] == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert back.finished


def test_errors_lose_their_form_and_keep_their_words() -> None:
    error = TO_BEDROCK.parse_error(400, [], b'{"message":"no such thing"}')
    assert isinstance(error, Rejected)
    assert (error.body, error.status) == (None, 400)
    assert b"no such thing" in CHAT.render_error(error)
    throttled = TO_OPENAI.parse_error(429, [], b'{"error":{"message":"slow"}}')
    assert isinstance(throttled, Throttled)
    assert msgspec.json.decode(CONVERSE.render_error(throttled))["code"] == "ThrottlingException"
