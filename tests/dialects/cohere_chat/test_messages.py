from __future__ import annotations

import pytest

from waypost.core.loss import Loss
from waypost.core.request import (
    CacheHint,
    Citation,
    Extras,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from waypost.dialects.cohere_chat.messages import Writer
from waypost.errors import Unrepresentable

PLAN = Extras("cohere_chat", {}, "tool_plan")


def write(message: Message, loss: Loss | None = None, *, thinks: bool = True) -> object:
    return Writer(loss or Loss(), thinks=thinks).message(message, 0)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (Text("a", CacheHint()), "messages[0].cache"),
        (Text("a", citations=(Citation("u"),)), "messages[0].citations"),
        (Refusal("no"), "messages[0].refusal"),
        (Thinking("", "x", redacted=True, maker="anthropic-claude-v1"), "messages[0].thinking"),
    ],
)
def test_what_is_named(part: Part, name: str) -> None:
    loss = Loss()
    write(Message("assistant", (part,)), loss)
    assert loss.names == (name,)


def test_a_failed_tool_is_named() -> None:
    loss = Loss()
    result = ToolResult("c", (Text("x"),), is_error=True, cache=CacheHint())
    assert write(Message("tool", (result,)), loss) == {"role": "tool", "tool_call_id": "c", "content": "x"}
    assert loss.names == ("messages[0].is_error", "messages[0].cache")


@pytest.mark.parametrize(
    ("message", "where"),
    [
        (Message("user", (Media("audio", data="AA", mime="audio/wav"),)), "messages[0].content[0]"),
        (Message("user", (Media("file", data="AA", mime="application/pdf"),)), "messages[0].content[0]"),
        (Message("user", (Media("image", file_id="f"),)), "messages[0].content[0]"),
        (Message("assistant", (Media("image", data="AA"),)), "messages[0].content[0]"),
        (Message("tool", (ToolResult("c", (Media("image", data="AA"),)),)), "messages[0].content[0]"),
        (Message("user", (Opaque("x", b"{}"),)), "messages[0].content[0]"),  # type: ignore[arg-type]  # never looked at
        (Message("tool", ()), "messages[0]"),
    ],
)
def test_what_is_refused_or_dropped(message: Message, where: str) -> None:
    with pytest.raises(Unrepresentable) as caught:
        write(message)
    assert caught.value.param == where
    loss = Loss(drop=True)
    write(message, loss)
    assert loss.names == (where,)


def test_a_plan_goes_back_as_a_plan() -> None:
    call = ToolCall("c", "f", "")
    shown = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for thinks in (True, False):
        assert write(Message("assistant", (Thinking("p", extras=PLAN), call)), thinks=thinks) == {
            "role": "assistant",
            "tool_plan": "p",
            "tool_calls": [shown],
        }


def test_nothing_is_left_out() -> None:
    assert write(Message("assistant", ())) is None
    assert write(Message("user", (Text(""),))) is None


def test_pictures() -> None:
    loss = Loss()
    content = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
        {"type": "image_url", "image_url": {"url": "https://e.org/a", "detail": "low"}},
    ]
    parts = (Media("image", data="AA", name="n"), Media("image", url="https://e.org/a", detail="low"))
    assert write(Message("user", parts), loss) == {"role": "user", "content": content}
    assert loss.names == ("messages[0].content[0].name",)
