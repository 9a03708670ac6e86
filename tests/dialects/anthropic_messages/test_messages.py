from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import Media, Message, Text, ToolCall, ToolResult
from waypost.dialects.anthropic_messages.messages import parse_messages, render_messages
from waypost.dialects.anthropic_messages.own import Taking
from waypost.errors import Unrepresentable


def render(*messages: Message, drop: bool = False) -> tuple[Any, Any, tuple[str, ...]]:
    loss = Loss(drop=drop)
    system, turns = msgspec.json.decode(msgspec.json.encode(render_messages(messages, loss)))
    return system, turns, loss.names


def parse(messages: Any, **more: Any) -> tuple[Message, ...]:
    body = {"messages": messages, **more}
    return parse_messages(
        Taking({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in body.items()})
    )


def text(words: str) -> Any:
    return {"type": "text", "text": words}


def result(call_id: str) -> Any:
    return {"type": "tool_result", "tool_use_id": call_id}


USER = Message("user", (Text("hi"),))


def test_results_are_messages_of_their_own() -> None:
    found = parse(
        [{"role": "user", "content": [result("a"), result("b"), text("x"), text("y"), result("c")]}]
    )
    assert [message.role for message in found] == ["tool", "tool", "user", "tool"]
    assert found[2].parts == (Text("x"), Text("y"))


def test_results_and_what_the_user_says_are_one_turn() -> None:
    _, turns, lost = render(
        USER,
        Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}"))),
        Message("tool", (ToolResult("a", ()),)),
        Message("tool", (ToolResult("b", ()),)),
        USER,
        USER,
        Message("assistant", (Text("ok"),)),
        Message("tool", (ToolResult("c", ()),)),
        Message("assistant", (Text("ok"),)),
    )
    assert [turn["role"] for turn in turns] == [
        "user",
        "assistant",
        "user",
        "user",
        "assistant",
        "user",
        "assistant",
    ]
    assert turns[2]["content"] == [result("a"), result("b"), text("hi")]
    assert lost == ()


def test_turns_of_one_role_stay_as_they_were_written() -> None:
    wire = [
        {"role": "user", "content": [result("a")]},
        {"role": "user", "content": "x"},
        {"role": "user", "content": [text("y")]},
    ]
    assert render(*parse(wire))[1] == wire
    noted = [{"role": "user", "content": [result("a")], "n": 1}, {"role": "user", "content": [result("b")]}]
    assert render(*parse(noted))[1] == noted


def test_system_prompts() -> None:
    system, turns, lost = render(Message("system", (Text("a"),)), Message("developer", (Text("b"),)), USER)
    assert (system, len(turns), lost) == ([text("a"), text("b")], 1, ())
    assert render(*parse([{"role": "user", "content": "x"}], system="a"))[0] == "a"
    assert render(*parse([{"role": "user", "content": "x"}], system=[text("a")]))[0] == [text("a")]
    assert render(USER)[0] is None


def test_a_later_system_message_moves_and_is_named() -> None:
    system, turns, lost = render(USER, Message("system", (Text("a"),)), USER)
    assert (system, len(turns), lost) == ([text("a")], 2, ("messages[1].role",))


def test_a_system_turn_of_ours_stays_in_its_place() -> None:
    wire = [{"role": "user", "content": "x"}, {"role": "system", "content": "a"}]
    found = parse(wire)
    assert [message.role for message in found] == ["user", "system"]
    assert render(*found) == (None, wire, ())


def test_messages_without_anything_to_say_are_left_out() -> None:
    assert len(render(USER, Message("assistant", (Text(""),)), USER)[1]) == 2
    with pytest.raises(Unrepresentable):
        render(Message("user", (Text(""),)))
    assert render(Message("user", ()), drop=True) == (None, [], ("messages",))


def test_media_in_a_system_prompt() -> None:
    picture = Message("system", (Media("image", url="u"),))
    with pytest.raises(Unrepresentable) as caught:
        render(picture, USER)
    assert caught.value.param == "messages[0].content[0]"
    assert render(picture, USER, drop=True)[0] is None
