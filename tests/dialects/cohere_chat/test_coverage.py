"""Every field of Cohere's chat request (cohere-python 7.3, `V2Client.chat`, 2026-11-25), and how a request of another
dialect reaches it. The dialect is only spoken to targets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.quirks import Quirks
from waypost.dialects.cohere_chat.codec import COHERE_CHAT
from waypost.dialects.cross import render_across
from waypost.dialects.openai_chat.codec import CHAT

HELLO: list[Any] = [{"role": "user", "content": "hi"}]
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
STRICT = {"type": "function", "function": {**TOOL["function"], "strict": True}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
THINK = "command-a-reasoning-08-2025"

#: The field, a request of OpenAI's, the model, and what the field becomes.
REACHED: list[tuple[str, Any, str, Any]] = [
    ("model", {}, "command-r", "command-r"),
    ("messages", {}, "command-r", HELLO),
    ("stream", {"stream": True}, "command-r", True),
    ("tools", {"tools": [TOOL]}, "command-r", [TOOL]),
    ("strict_tools", {"tools": [STRICT]}, "command-r", True),
    ("response_format", {"response_format": {"type": "json_object"}}, "command-r", {"type": "json_object"}),
    ("max_tokens", {"max_completion_tokens": 9}, "command-r", 9),
    ("stop_sequences", {"stop": "END"}, "command-r", ["END"]),
    ("temperature", {"temperature": 0.5}, "command-r", 0.5),
    ("seed", {"seed": 3}, "command-r", 3),
    ("frequency_penalty", {"frequency_penalty": 0.5}, "command-r", 0.5),
    ("presence_penalty", {"presence_penalty": 0.5}, "command-r", 0.5),
    ("k", {"top_k": 5}, "command-r", 5),
    ("p", {"top_p": 0.5}, "command-r", 0.5),
    ("tool_choice", {"tools": [TOOL], "tool_choice": "required"}, "command-r", "REQUIRED"),
    ("thinking", {"reasoning_effort": "none"}, THINK, {"type": "disabled"}),
    (
        "message.tool_plan",
        {"messages": [*HELLO, {"role": "assistant", "reasoning_content": "p", "tool_calls": [CALL]}]},
        "command-r",
        "p",
    ),
    (
        "message.tool_calls",
        {"messages": [*HELLO, {"role": "assistant", "content": None, "tool_calls": [CALL]}]},
        "command-r",
        [CALL],
    ),
    (
        "message.tool_call_id",
        {"messages": [*HELLO, {"role": "tool", "tool_call_id": "c", "content": "x"}]},
        "command-r",
        "c",
    ),
]
#: Fields that no other dialect has a word for, each with its reason. `logprobs` is proved in `test_request.py`.
UNREACHED = {
    "documents": "grounding documents: other dialects put them into messages",
    "citation_options": "Cohere's own; its default is kept",
    "safety_mode": "Cohere's own; its default is kept",
    "priority": "a place in Cohere's queue, which is no tier with a price",
    "logprobs": "of the core's `top_logprobs`",
}
SCHEMA = frozenset(
    (
        "model", "messages", "stream", "tools", "strict_tools", "documents", "citation_options", "response_format",
        "safety_mode", "max_tokens", "stop_sequences", "temperature", "seed", "frequency_penalty", "presence_penalty",
        "k", "p", "logprobs", "tool_choice", "thinking", "priority",
    )
)  # fmt: skip


@pytest.mark.parametrize(("field", "asked", "model", "value"), REACHED, ids=[row[0] for row in REACHED])
def test_reached(field: str, asked: Any, model: str, value: Any) -> None:
    assert CHAT.codec is not None
    assert COHERE_CHAT.codec is not None
    body = CHAT.parse_ask(msgspec.json.encode({"model": "route", "messages": HELLO, **asked}))
    onward = render_across(CHAT.codec, COHERE_CHAT.codec, COHERE_CHAT.family, body, model, Quirks())
    shown = msgspec.json.decode(onward.body)
    name = field.removeprefix("message.")
    assert (shown if name == field else shown["messages"][-1])[name] == value
    assert onward.dropped == ()


def test_the_table_is_whole() -> None:
    assert {row[0] for row in REACHED if "." not in row[0]} | set(UNREACHED) == SCHEMA
