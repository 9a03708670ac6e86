from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import (
    CacheHint,
    Citation,
    Media,
    Message,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from waypost.dialects.openai_responses.items import parse_items, render_messages
from waypost.errors import InvalidRequest, Unrepresentable

from .bare import bare_parts


def parse(*items: Any) -> list[Message]:
    return parse_items([msgspec.Raw(msgspec.json.encode(item)) for item in items])


def render(*messages: Message, loss: Loss | None = None) -> Any:
    items = render_messages(messages, 0, loss if loss is not None else Loss())
    return msgspec.json.decode(msgspec.json.encode(items))


def test_what_the_assistant_said_in_a_row_is_one_message() -> None:
    messages = parse(
        {"role": "user", "content": "go"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "web_search_call", "id": "ws_1"},
        {"type": "function_call_output", "call_id": "c1", "output": "4"},
        {"type": "computer_call_output", "call_id": "c2", "output": {}},
    )
    assert [message.role for message in messages] == ["user", "assistant", "tool", "user"]
    assert [type(part) for part in messages[1].parts] == [Thinking, Text, ToolCall, Opaque]
    assert bare_parts(messages[2].parts) == [ToolResult("c1", (Text("4"),))]


def test_a_signature_goes_back_to_the_call_before_it() -> None:
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": "google-gemini-v1:before:s"}
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    [message] = parse(call, sealed)
    assert bare_parts(message.parts) == [ToolCall("c1", "f", "{}", signature="s", maker="google-gemini-v1")]
    [alone] = parse(sealed)
    assert bare_parts(alone.parts) == [Thinking("", "s", maker="google-gemini-v1")]


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (7, "input[0]"),
        ({"content": "x"}, "input[0]"),
        ({"role": "robot", "content": "x"}, "input[0]"),
        ({"role": "user"}, "input[0].content"),
        ({"type": "message", "role": "user", "content": 7}, "input[0].content"),
    ],
)
def test_bad_items_are_named(item: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(item)
    assert caught.value.param == param


def test_messages_of_another_dialect() -> None:
    items = render(
        Message("system", (Text("Be short."), Text("Be kind."))),
        Message("user", (Text("Look"), Media("image", url="https://e.org/a"))),
        Message(
            "assistant",
            (
                Thinking("hm", "gA", maker="openai-responses-v1"),
                Text("Cited.", citations=(Citation("https://e.org", "E", start=0, end=5),)),
                ToolCall("c1", "f", "{}"),
                Refusal("no"),
            ),
        ),
        Message("tool", (ToolResult("c1", (Text("4"),), name="f"),)),
        Message("tool", (ToolResult("c2", ()),)),
    )
    assert items.pop(2) == {  # an id that OpenAI did not give would be refused
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "gA",
    }
    assert items == [
        {
            "role": "system",
            "content": [
                {"type": "input_text", "text": "Be short."},
                {"type": "input_text", "text": "Be kind."},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": "https://e.org/a"},
            ],
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {
                    "type": "output_text",
                    "text": "Cited.",
                    "annotations": [
                        {
                            "type": "url_citation",
                            "url": "https://e.org",
                            "title": "E",
                            "start_index": 0,
                            "end_index": 5,
                        }
                    ],
                }
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"type": "function_call_output", "call_id": "c1", "output": "4"},
        {"type": "function_call_output", "call_id": "c2", "output": ""},
    ]


@pytest.mark.parametrize(
    "part",
    [
        Thinking("hm"),
        Thinking("hm", "s", maker="anthropic-claude-v1"),
        Thinking("", "s", maker="anthropic-claude-v1", redacted=True),
    ],
)
def test_reasoning_that_openai_would_refuse_is_named(part: Thinking) -> None:
    loss = Loss()
    assert render(Message("assistant", (part, Text("x"))), loss=loss) == [
        {"role": "assistant", "content": "x"}
    ]
    assert loss.names == ("messages[0].thinking",)


def test_settings_of_results_without_a_word_are_named() -> None:
    loss = Loss()
    result = ToolResult("c1", (Text("boom"),), is_error=True, cache=CacheHint())
    assert render(Message("tool", (result,)), loss=loss) == [
        {"type": "function_call_output", "call_id": "c1", "output": "boom"}
    ]
    assert loss.names == ("messages[0].is_error", "messages[0].cache")


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (Message("assistant", (Media("image", data="AA"),)), "messages[0].content[0]"),
        (Message("assistant", (Opaque("other", msgspec.Raw(b"{}")),)), "messages[0].content[0]"),
        (Message("user", (Text("a"), Thinking("x"))), "messages[0].content[1]"),
        (Message("user", (Media("video", url="u"),)), "messages[0].content[0]"),
    ],
)
def test_content_without_a_form_is_refused_or_named(message: Message, param: str) -> None:
    with pytest.raises(Unrepresentable) as caught:
        render(message)
    assert caught.value.param == param
    loss = Loss(drop=True)
    render(message, loss=loss)
    assert loss.names == (param,)


def test_a_message_of_which_nothing_remains_is_left_out() -> None:
    sound = Media("video", data="AA", mime="video/mp4")
    loss = Loss(drop=True)
    messages = (Message("user", (sound,)), Message("user", (Text("Hi"),)))
    assert render_messages(messages, 0, loss) == [{"role": "user", "content": "Hi"}]
    assert loss.names == ("messages[0].content[0]",)


def test_sources_of_what_the_model_did_not_say_are_named() -> None:
    cited = Text("x", citations=(Citation("https://e.org"),))
    loss = Loss()
    render(Message("user", (cited,)), Message("tool", (ToolResult("c", (cited,)),)), loss=loss)
    assert loss.names == ("messages[0].citations", "messages[1].citations")
