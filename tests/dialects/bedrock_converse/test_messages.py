from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import CacheHint, Media, Message, Text, ToolCall, ToolResult
from waypost.dialects.bedrock_converse.messages import Conversation, parse_messages, parse_system
from waypost.dialects.bedrock_converse.own import Taking
from waypost.dialects.bedrock_converse.parts import Writer
from waypost.dialects.fields import parse_object
from waypost.errors import Unrepresentable


def parse(*items: Any) -> list[Message]:
    return parse_messages([msgspec.Raw(msgspec.json.encode(item)) for item in items])


def write(*messages: Message, loss: Loss | None = None) -> tuple[Any, Any]:
    known = loss or Loss()
    conversation = Conversation(Writer(known), known)
    for number, message in enumerate(messages):
        conversation.add(message, number)
    conversation.close()
    both = msgspec.json.encode([conversation.system, conversation.messages])
    system, shown = msgspec.json.decode(both)
    return system, shown


def result(call_id: str) -> Any:
    return {"toolResult": {"toolUseId": call_id, "content": [{"text": "r"}]}}


def test_results_are_messages_of_their_own_and_come_together_again() -> None:
    wire = {"role": "user", "content": [result("a"), result("b"), {"text": "and?"}]}
    found = parse(wire)
    assert found == [
        Message("tool", (ToolResult("a", (Text("r"),)),)),
        Message("tool", (ToolResult("b", (Text("r"),)),)),
        Message("user", (Text("and?"),)),
    ]
    assert write(*found) == ([], [wire])


def test_two_messages_of_one_role_stay_two() -> None:
    wire = [{"role": "user", "content": [{"text": "a"}]}, {"role": "user", "content": [{"text": "b"}]}]
    assert write(*parse(*wire)) == ([], wire)


def test_messages_of_others_alternate() -> None:
    assert write(
        Message("user", (Text("a"),)),
        Message("user", (Text("b"),)),
        Message("assistant", (Text(""),)),
        Message("tool", (ToolResult("c", ()),)),
    ) == (
        [],
        [
            {
                "role": "user",
                "content": [{"text": "a"}, {"text": "b"}, {"toolResult": {"toolUseId": "c", "content": []}}],
            }
        ],
    )


def test_the_system_prompt_stands_apart() -> None:
    loss = Loss()
    system, shown = write(
        Message("system", (Text("a", CacheHint(3600)),)),
        Message("developer", (Text("b"),)),
        Message("user", (Text("c"),)),
        Message("system", (Text("d"),)),
        loss=loss,
    )
    assert system == [
        {"text": "a"},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
        {"text": "b"},
        {"text": "d"},
    ]
    assert shown == [{"role": "user", "content": [{"text": "c"}]}]
    assert loss.names == ("messages[3].role",), "it moved to the front"


def test_a_picture_in_a_system_prompt_is_refused() -> None:
    message = Message("system", (Media("image", data="AA", mime="image/png"), Text("x")))
    with pytest.raises(Unrepresentable) as caught:
        write(message)
    assert caught.value.param == "messages[0].content[0]"
    loss = Loss(drop=True)
    assert write(message, loss=loss)[0] == [{"text": "x"}]


def test_cache_points_that_hang_on_nothing_keep_their_place() -> None:
    wire = {
        "role": "assistant",
        "content": [
            {"cachePoint": {"type": "default"}},
            {"text": "a"},
            {"toolUse": {"toolUseId": "c", "name": "f", "input": {}}},
            {"cachePoint": {"type": "default"}},
        ],
    }
    [message] = parse(wire)
    assert message.parts == (Text("a"), ToolCall("c", "f", "{}"))
    assert message.extras is not None
    assert set(message.extras.fields) == {"cachePoint"}
    assert write(message) == ([], [wire])


def test_system_blocks() -> None:
    taking = Taking(parse_object(b'{"system":[{"text":"a"},{"cachePoint":{"type":"default"}}]}'))
    assert parse_system(taking) == [Message("system", (Text("a", CacheHint(300)),))]
    assert parse_system(Taking(parse_object(b'{"system":[]}'))) == []
