"""Between `anthropic_messages` and `openai_chat`, both ways, through the lane."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.anthropic_messages.wire import sse, unsse
from dialects.golden import cases
from dialects.golden import sse as openai_sse
from waypost.core.asked import Stamp
from waypost.core.quirks import Quirks
from waypost.dialects.anthropic_messages.codec import MESSAGES
from waypost.dialects.anthropic_messages.crossing import CROSSING
from waypost.dialects.dialect import Dialect
from waypost.dialects.lane import CrossLane, Lanes
from waypost.dialects.openai_chat.codec import CHAT
from waypost.dialects.registry import DIALECTS
from waypost.errors import Throttled, Unrepresentable

STAMP = Stamp("x1", 17)
PNG = "iVBORw0KGgoAAA=="
PDF = "JVBERi0xLjQ="
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def lane(client: Dialect, target: Dialect) -> CrossLane:
    found = Lanes(DIALECTS).find(client, (target.name,))
    assert isinstance(found, CrossLane)
    return found


def to_openai(messages: Any, **more: Any) -> tuple[Any, tuple[str, ...]]:
    body = {"model": "m", "max_tokens": 99, "messages": messages, **more}
    asked = MESSAGES.parse_ask(msgspec.json.encode(body))
    onward = lane(MESSAGES, CHAT).render_onward(asked, "gpt", Quirks())
    return msgspec.json.decode(onward.body), onward.dropped


def to_anthropic(messages: Any, model: str = "claude-sonnet-4-5", **more: Any) -> tuple[Any, tuple[str, ...]]:
    asked = CHAT.parse_ask(msgspec.json.encode({"model": "m", "messages": messages, **more}))
    onward = lane(CHAT, MESSAGES).render_onward(asked, model, Quirks())
    return msgspec.json.decode(onward.body), onward.dropped


def user(content: Any) -> Any:
    return {"role": "user", "content": content}


def text(words: str) -> Any:
    return {"type": "text", "text": words}


def function(name: str) -> Any:
    return {"type": "function", "function": {"name": name, "parameters": SCHEMA}}


TOOL = {"name": "f", "input_schema": SCHEMA}


def words_of(message: Any) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


# --- requests from Anthropic's clients ---------------------------------------------------------------------------


def test_turns_and_system_to_openai() -> None:
    body, dropped = to_openai(
        [user("a"), {"role": "assistant", "content": [text("b")]}, user([text("c")])], system="be brief"
    )
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert [words_of(message) for message in body["messages"]] == ["be brief", "a", "b", "c"]
    assert body["max_tokens"] == 99
    assert dropped == ()


def test_a_tool_loop_with_thinking_to_openai() -> None:
    body, _ = to_openai(
        [
            user("weather?"),
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "EqQB"},
                    text("I look."),
                    {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
                    {"type": "tool_use", "id": "t2", "name": "f", "input": {}},
                ],
            },
            user(
                [
                    {"type": "tool_result", "tool_use_id": "t1", "content": "one"},
                    {"type": "tool_result", "tool_use_id": "t2", "content": [text("two")]},
                    text("go on"),
                ]
            ),
        ],
        tools=[TOOL | {"description": "d", "strict": True}],
    )
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["user", "assistant", "tool", "tool", "user"]
    calls = body["messages"][1]["tool_calls"]
    assert [(call["id"], call["function"]["arguments"]) for call in calls] == [
        ("t1", '{"a":1}'),
        ("t2", "{}"),
    ]
    assert [message["tool_call_id"] for message in body["messages"][2:4]] == ["t1", "t2"]
    assert [words_of(message) for message in body["messages"][2:]] == ["one", "two", "go on"]
    tool = body["tools"][0]["function"]
    assert (tool["name"], tool["description"], tool["parameters"], tool["strict"]) == ("f", "d", SCHEMA, True)


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        ({"type": "auto"}, "auto", None),
        ({"type": "any"}, "required", None),
        ({"type": "none"}, "none", None),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}, None),
        ({"type": "auto", "disable_parallel_tool_use": True}, "auto", False),
    ],
)
def test_tool_choices_to_openai(choice: Any, expected: Any, parallel: bool | None) -> None:
    body, dropped = to_openai([user("x")], tools=[TOOL], tool_choice=choice)
    assert (body["tool_choice"], body.get("parallel_tool_calls"), dropped) == (expected, parallel, ())


def test_media_to_openai() -> None:
    body, dropped = to_openai(
        [
            user(
                [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                    {"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}},
                    {
                        "type": "document",
                        "title": "a.pdf",
                        "citations": {"enabled": True},
                        "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                    },
                ]
            )
        ]
    )
    urls = [part["image_url"]["url"] for part in body["messages"][0]["content"][:2]]
    assert urls == [f"data:image/png;base64,{PNG}", "https://e.org/a.png"]
    file = body["messages"][0]["content"][2]["file"]
    assert (file["file_data"], file["filename"]) == (f"data:application/pdf;base64,{PDF}", "a.pdf")
    assert dropped == ("messages[0].citations",)


def test_settings_to_openai() -> None:
    body, dropped = to_openai(
        [user("x")],
        stop_sequences=["END"],
        output_config={"effort": "high", "format": {"type": "json_schema", "schema": SCHEMA}},
        thinking={"type": "adaptive"},
        temperature=0.5,
        metadata={"user_id": "u"},
        stream=True,
        inference_geo="us",
    )
    assert list(body["stop"]) == ["END"]
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert body["reasoning_effort"] == "high"
    assert (body["temperature"], body["user"], body["stream"]) == (0.5, "u", True)
    assert body["stream_options"] == {"include_usage": True}
    assert dropped == ("inference_geo",)


def test_what_only_anthropic_runs_is_refused() -> None:
    with pytest.raises(Unrepresentable) as caught:
        to_openai([user("x")], tools=[{"type": "web_search_20260318", "name": "web_search"}])
    assert caught.value.param == "tools[0]"


# --- requests to Anthropic ---------------------------------------------------------------------------------------


def test_turns_and_system_to_anthropic() -> None:
    body, dropped = to_anthropic(
        [
            {"role": "system", "content": "be brief"},
            {"role": "developer", "content": "and kind"},
            user("a"),
            {"role": "assistant", "content": "b"},
            user([text("c")]),
        ],
        max_tokens=7,
    )
    assert body == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 7,
        "system": [text("be brief"), text("and kind")],
        "messages": [
            user([text("a")]),
            {"role": "assistant", "content": [text("b")]},
            user([text("c")]),
        ],
    }
    assert dropped == ()


def test_a_tool_loop_to_anthropic() -> None:
    def call(call_id: str, arguments: str) -> Any:
        return {"id": call_id, "type": "function", "function": {"name": "f", "arguments": arguments}}

    body, dropped = to_anthropic(
        [
            user("weather?"),
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "hm",
                "tool_calls": [call("c.1", '{"a":1}'), call("c2", "")],
            },
            {"role": "tool", "tool_call_id": "c.1", "content": "one"},
            {"role": "tool", "tool_call_id": "c2", "content": "two"},
            user("go on"),
        ],
        tools=[function("f")],
        parallel_tool_calls=False,
    )
    assert body["messages"][1]["content"] == [
        {"type": "tool_use", "id": "c_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "c2", "name": "f", "input": {}},
    ]
    assert body["messages"][2] == user(
        [
            {"type": "tool_result", "tool_use_id": "c_1", "content": [text("one")]},
            {"type": "tool_result", "tool_use_id": "c2", "content": [text("two")]},
            text("go on"),
        ]
    )
    assert body["tools"] == [TOOL]
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert dropped == ("messages[1].thinking",)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
    ],
)
def test_tool_choices_to_anthropic(choice: Any, expected: Any) -> None:
    assert to_anthropic([user("x")], tools=[function("f")], tool_choice=choice)[0]["tool_choice"] == expected


def test_media_to_anthropic() -> None:
    body, dropped = to_anthropic(
        [
            user(
                [
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"},
                    },
                    {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}},
                    {
                        "type": "file",
                        "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "a.pdf"},
                    },
                ]
            )
        ]
    )
    assert [block["source"]["type"] for block in body["messages"][0]["content"]] == [
        "base64",
        "url",
        "base64",
    ]
    assert body["messages"][0]["content"][2]["title"] == "a.pdf"
    assert dropped == ("messages[0].content[0].detail",)


def test_settings_to_anthropic() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
    body, dropped = to_anthropic(
        [user("x")],
        stop="END",
        n=2,
        seed=7,
        temperature=1.5,
        user="u",
        reasoning_effort="low",
        max_tokens=10_000,
        response_format=wanted,
    )
    assert body["stop_sequences"] == ["END"]
    assert "temperature" not in body, "1.5 is refused, and so is every one beside thinking"
    assert body["metadata"] == {"user_id": "u"}
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    closed = SCHEMA | {"additionalProperties": False}
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": closed}}
    assert set(dropped) == {"temperature", "response_format.name", "seed", "n"}


def test_a_new_model_is_told_a_word() -> None:
    body, dropped = to_anthropic([user("x")], "claude-opus-5-5", reasoning_effort="low", temperature=0.2)
    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "low"})
    assert dropped == ("temperature",)


FORCED = {"type": "function", "function": {"name": "f"}}
CALL = {"id": "c", "type": "function", "function": {"name": "f.x", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("model", "more", "named"),
    [
        ("claude-sonnet-4-5", {"reasoning_effort": "low", "tool_choice": FORCED}, ("reasoning_effort",)),
        ("claude-opus-5-5", {"reasoning_effort": "low", "tool_choice": FORCED}, ("reasoning_effort",)),
        ("claude-sonnet-4-5", {"temperature": 0.5, "top_p": 0.5}, ("top_p",)),
    ],
)
def test_what_claude_refuses_together_is_not_sent_together(
    model: str, more: dict[str, Any], named: tuple[str, ...]
) -> None:
    body, dropped = to_anthropic([user("x")], model, tools=[function("f")], max_tokens=9000, **more)
    assert dropped == named
    assert not body.keys() & {"thinking", "output_config", "top_p"}


def test_thinking_is_not_asked_for_amid_the_calls_of_another_model() -> None:
    loop = [
        user("x"),
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": "1"},
    ]
    body, dropped = to_anthropic(loop, tools=[function("f")], reasoning_effort="low")
    assert dropped == ("reasoning_effort",)
    assert "thinking" not in body
    assert body["messages"][1]["content"][0]["name"] == "f_x", "a name that Anthropic takes back"
    body, dropped = to_anthropic(loop, "claude-opus-5-5", tools=[function("f")], reasoning_effort="low")
    assert (body["thinking"], dropped) == ({"type": "adaptive"}, ())


def test_words_put_in_the_models_mouth_end_without_space() -> None:
    body, _ = to_anthropic([user("x"), {"role": "assistant", "content": "One, two, \n"}])
    assert body["messages"][1]["content"] == [text("One, two,")]


def test_names_that_anthropic_refuses_are_refused_here() -> None:
    with pytest.raises(Unrepresentable, match="Rename it") as caught:
        to_anthropic([user("x")], tools=[function("a.b")])
    assert caught.value.param == "tools[0]"


def test_a_strict_tool_has_a_schema_that_the_grammar_knows() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": {}}, "strict": True}}
    body, _ = to_anthropic([user("x")], tools=[tool])
    assert body["tools"][0]["input_schema"] == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


# --- answers -----------------------------------------------------------------------------------------------------


def test_an_answer_of_openai_to_anthropics_client() -> None:
    subject = lane(MESSAGES, CHAT)
    asked = MESSAGES.parse_ask(b'{"model":"m","messages":[{"role":"user","content":"x"}]}')
    case = next(case.values[0] for case in cases("openai_chat", "responses") if case.id == "tools")
    reply = subject.parse_reply(msgspec.json.encode(case["body"]))
    shown = msgspec.json.decode(subject.render_reply(asked, reply, 1500, STAMP))
    assert shown["type"] == "message"
    assert shown["stop_reason"] == "tool_use"
    assert {block["type"] for block in shown["content"]} >= {"tool_use"}
    assert shown["usage"]["cost"] == 0.0000015


def test_an_answer_of_anthropic_to_openais_client() -> None:
    subject = lane(CHAT, MESSAGES)
    asked = CHAT.parse_ask(b'{"model":"m","messages":[{"role":"user","content":"x"}]}')
    case = next(case.values[0] for case in cases("anthropic_messages", "responses") if case.id == "tools")
    reply = subject.parse_reply(msgspec.json.encode(case["body"]))
    shown = msgspec.json.decode(subject.render_reply(asked, reply, 1500, STAMP))
    choice = shown["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert words_of(choice["message"]) == "I look."
    assert [call["function"]["arguments"] for call in choice["message"]["tool_calls"]] == [
        '{"city":"Oslo"}',
        "{}",
    ]
    assert (shown["usage"]["prompt_tokens"], shown["usage"]["completion_tokens"]) == (10, 5)


def test_a_stream_of_openai_to_anthropics_client() -> None:
    asked = MESSAGES.parse_ask(b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}')
    relay = lane(MESSAGES, CHAT).stream_relay(asked, lambda usage, tier: 1500, STAMP)
    case = next(case.values[0] for case in cases("openai_chat", "streams") if case.id == "tools")
    shown = unsse(relay.feed(openai_sse(case["events"])) + relay.end())
    assert relay.finished
    starts = [event["content_block"] for event in shown if event["type"] == "content_block_start"]
    assert [start["id"] for start in starts] == ["call_1", "call_2"]
    json = ["".join(_json_of(shown, index)) for index in (0, 1)]
    assert json == ['{"city":"Oslo"}', "{}"]
    assert shown[-2]["delta"]["stop_reason"] == "tool_use"
    assert (shown[-2]["usage"]["input_tokens"], shown[-2]["usage"]["cost"]) == (19, 0.0000015)
    assert shown[-1] == {"type": "message_stop"}


def _json_of(events: list[Any], index: int) -> list[str]:
    deltas = [event for event in events if event["type"] == "content_block_delta" and event["index"] == index]
    return [event["delta"]["partial_json"] for event in deltas]


def test_a_stream_of_anthropic_to_openais_client() -> None:
    asked = CHAT.parse_ask(b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}')
    relay = lane(CHAT, MESSAGES).stream_relay(asked, lambda usage, tier: 1500, STAMP)
    case = next(case.values[0] for case in cases("anthropic_messages", "streams") if case.id == "tools")
    out = relay.feed(sse(case["events"])) + relay.end()
    assert relay.finished
    assert relay.usage is not None
    assert (relay.usage.input, relay.usage.output, relay.finish_reason) == (10, 5, "tools")
    assert b'"content":"look."' in out
    assert b'"finish_reason":"tool_calls"' in out
    assert out.endswith(b"data: [DONE]\n\n")


def test_errors_of_the_target_are_told_in_the_clients_words() -> None:
    error = lane(MESSAGES, CHAT).parse_error(429, [(b"retry-after", b"3")], b'{"error":{"message":"slow"}}')
    assert isinstance(error, Throttled)
    shown = msgspec.json.decode(MESSAGES.render_error(error))
    assert shown["error"]["type"] == "rate_limit_error"
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"no"}}'
    refused = lane(CHAT, MESSAGES).parse_error(400, [], body)
    assert msgspec.json.decode(CHAT.render_error(refused))["error"]["type"] == "invalid_request_error"


def test_names_are_those_of_the_wire() -> None:
    assert CROSSING.names["max_output"] == "max_tokens"
    assert b"false" in CROSSING.neutral["stream"]
