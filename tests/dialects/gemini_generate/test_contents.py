from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, Extras, Media, Message, Opaque, Text, ToolCall, ToolResult
from waypost.dialects.gemini_generate.contents import parse_contents, render_contents
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.errors import InvalidRequest, Unrepresentable


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def read(*contents: Any, system: Any = None) -> tuple[Message, ...]:
    return parse_contents([raw(each) for each in contents], None if system is None else raw(system), None)


def write(*messages: Message, loss: Loss | None = None, native: bool = False) -> Any:
    extras = Extras("gemini_generate") if native else None
    rendering = Rendering(ChatRequest("gemini-2.5-pro", messages, extras=extras), loss or Loss())
    return msgspec.json.decode(msgspec.json.encode(render_contents(messages, rendering)))


def user(text: str) -> Message:
    return Message("user", (Text(text),))


def answer(call_id: str) -> Message:
    return Message("tool", (ToolResult(call_id, (Text("x"),)),))


CALLS = Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")))


def test_roles() -> None:
    found = read(
        {"parts": [{"text": "a"}]},
        {"role": "model", "parts": [{"text": "b"}]},
        system={"parts": [{"text": "s"}]},
    )
    assert [message.role for message in found] == ["system", "user", "assistant"]
    with pytest.raises(Unrepresentable) as caught:
        read({"role": "system", "parts": []})
    assert caught.value.param == "contents[0].role"
    with pytest.raises(InvalidRequest):
        read(7)
    with pytest.raises(InvalidRequest):
        read(system=7)


def test_a_streamed_answer_that_comes_back_by_the_event_is_one_answer() -> None:
    call = {"functionCall": {"id": "a", "name": "f", "args": {}}}
    other = {"functionCall": {"id": "b", "name": "g", "args": {}}}
    found = read(
        {"role": "user", "parts": [{"text": "go"}]},
        {"role": "model", "parts": [call]},
        {"role": "model", "parts": [other]},
        {"role": "model", "parts": [{"text": ""}]},
    )
    assert found[1:] == (Message("assistant", (*CALLS.parts, Text(""))),)
    words = read(*({"role": "model", "parts": [{"text": word}]} for word in ("one", " two", "")))
    assert words == (Message("assistant", (Text("one two"),)),)


def test_results_are_messages_of_their_own() -> None:
    content = {
        "role": "user",
        "parts": [
            {"text": "before"},
            {"functionResponse": {"id": "a", "name": "f", "response": {"result": "x"}}},
            {"functionResponse": {"id": "b", "name": "g", "response": {"result": "y"}}},
            {"text": "after"},
        ],
    }
    found = read(content)
    assert [message.role for message in found] == ["user", "tool", "tool", "user"]
    assert write(*found, native=True)["contents"] == [content]


@pytest.mark.parametrize(
    "contents",
    [
        [{"role": "user", "parts": []}],
        [{"role": "function", "parts": [{"functionResponse": {"id": "a", "name": "f", "response": {}}}]}],
        [{"role": "model", "parts": [{"functionResponse": {"id": "a", "name": "f", "response": {}}}]}],
        [
            {"role": "user", "parts": [{"functionResponse": {"id": "a", "name": "f", "response": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"id": "b", "name": "f", "response": {}}}]},
        ],
        [{"parts": [{"text": "a"}], "new": 1}, {"role": "user", "parts": [{"text": "b"}]}],
    ],
)
def test_borders_of_contents_stay(contents: Any) -> None:
    shown = write(*read(*contents), native=True)["contents"]
    assert shown == contents
    assert read(*shown) == read(*contents)


def test_results_of_others_go_together() -> None:
    shown = write(user("go"), CALLS, answer("a"), answer("b"), user("on"))["contents"]
    assert [(content["role"], len(content["parts"])) for content in shown] == [
        ("user", 1),
        ("model", 2),
        ("user", 2),
        ("user", 1),
    ]
    assert [part["functionResponse"]["name"] for part in shown[2]["parts"]] == ["f", "g"]


def test_instructions_are_hoisted_from_wherever_they_stand() -> None:
    shown = write(Message("system", (Text("a"),)), user("x"), Message("developer", (Text("b"),)), user("y"))
    assert shown["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert len(shown["contents"]) == 2


def test_instructions_alone_are_what_is_asked() -> None:
    assert write(Message("system", (Text("a"),))) == {
        "contents": [{"role": "user", "parts": [{"text": "a"}]}]
    }


def test_instructions_are_text() -> None:
    pictured = Message("system", (Text("a"), Media("image", data="AA==")))
    with pytest.raises(Unrepresentable) as caught:
        write(pictured, user("x"))
    assert caught.value.param == "messages[0].content[1]"
    loss = Loss(drop=True)
    assert write(pictured, user("x"), loss=loss)["systemInstruction"] == {"parts": [{"text": "a"}]}
    assert loss.names == ("messages[0].content[1]",)


def test_a_message_of_nothing_is_left_out() -> None:
    assert len(write(user("x"), Message("assistant", ()), user(""))["contents"]) == 1


def test_cached_content_is_content() -> None:
    found = parse_contents([raw({"role": "user", "parts": [{"text": "a"}]})], None, raw("cachedContents/x"))
    assert found[0].parts == (Opaque("gemini_generate", raw("cachedContents/x"), "cachedContent"),)
    assert write(*found, native=True)["cachedContent"] == "cachedContents/x"
