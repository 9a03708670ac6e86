from __future__ import annotations

import msgspec
import pytest

from dialects.openai_chat.saying import say
from waypost.core.request import Citation, Extras, Media, Message, Text, Thinking, ToolCall, ToolResult
from waypost.dialects.openai_chat.messages import parse_message, render_message, render_messages
from waypost.errors import Unrepresentable


def test_a_changed_text_is_what_is_rendered() -> None:
    """Nothing kept beside the model brings back what a guardrail took out."""
    for wire in (
        b'{"role":"user","content":"secret"}',
        b'{"role":"user","content":[{"type":"text","text":"secret","x":1}]}',
    ):
        message = parse_message(msgspec.Raw(wire), "messages[0]")
        [part] = message.parts
        assert isinstance(part, Text)
        changed = msgspec.structs.replace(message, parts=(msgspec.structs.replace(part, text="***"),))
        assert b"secret" not in msgspec.json.encode(render_message(changed, "messages[0]", say()))


def test_extras_of_another_dialect_stay_out() -> None:
    foreign = Extras("anthropic_messages", {"secret_field": msgspec.Raw(b"1")}, "parts")
    message = Message(
        "assistant", (Thinking("a", "sig", foreign), Text("b"), ToolCall("c", "f", "{}", foreign)), foreign
    )
    assert msgspec.json.decode(
        msgspec.json.encode(render_message(message, "m", say("reasoning_content")))
    ) == {
        "role": "assistant",
        "reasoning_content": "a",
        "content": "b",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }


def test_a_tool_message_holds_one_result() -> None:
    two = (ToolResult("a", (Text("1"),)), ToolResult("b", (Text("2"),)))
    with pytest.raises(Unrepresentable):
        render_message(Message("tool", two), "messages[1]", say())


def test_sources_in_a_result_are_named() -> None:
    saying = say()
    result = ToolResult("c", (Text("x", citations=(Citation("https://e.org"),)),))
    render_message(Message("tool", (result,)), "messages[1]", saying)
    assert saying.loss.names == ("messages[1].citations",)


def test_a_turn_of_which_nothing_can_be_said_is_left_out_and_named() -> None:
    saying = say()
    turn = Message("assistant", (Thinking("hm"),))
    assert render_messages((turn, Message("user", (Text("x"),))), saying) == [
        {"role": "user", "content": "x"}
    ]
    assert saying.loss.names == ("messages[0].thinking",)
    silent = Message("assistant", ())
    assert render_messages((silent,), saying) == [{"role": "assistant", "content": None}]


def test_a_part_that_moves_to_a_later_message_is_named_where_it_stood() -> None:
    film = Media("video", data="AA", mime="video/mp4")
    messages = (Message("tool", (ToolResult("c", (film,)),)), Message("user", (Text("x"),)))
    with pytest.raises(Unrepresentable) as caught:
        render_messages(messages, say())
    assert caught.value.param == "messages[0]"
