from __future__ import annotations

import msgspec
import pytest

from dialects.openai_chat.saying import say
from waypost.core.request import Extras, Message, Text, Thinking, ToolCall, ToolResult
from waypost.dialects.openai_chat.messages import parse_message, render_message
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
