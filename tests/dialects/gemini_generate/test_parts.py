from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import (
    CacheHint,
    ChatRequest,
    Citation,
    Extras,
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from waypost.dialects.gemini_generate.calls import Calls
from waypost.dialects.gemini_generate.own import MAKER
from waypost.dialects.gemini_generate.parts import PARTS, UNCHECKED, parse_part, render_parts
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.errors import Unrepresentable


def read(part: Any) -> tuple[Part, ...]:
    return parse_part(msgspec.Raw(msgspec.json.encode(part)), Calls("0"))


def write(*parts: Part, model: str = "gemini-3-pro", loss: Loss | None = None, native: bool = False) -> Any:
    extras = Extras("gemini_generate") if native else None
    rendering = Rendering(ChatRequest(model, (), extras=extras), loss or Loss())
    shown, _ = render_parts(parts, "messages[0]", rendering)
    return msgspec.json.decode(msgspec.json.encode(shown))


SIGNED = Thinking("", "c2ln", maker=MAKER)


@pytest.mark.parametrize(
    ("wire", "parts"),
    [
        ({"text": "a"}, (Text("a"),)),
        ({"text": "a", "thoughtSignature": "c2ln"}, (Text("a"), SIGNED)),
        ({"text": "a", "thought_signature": "c2ln"}, (Text("a"), SIGNED)),
        (
            {"text": "", "thoughtSignature": "c2ln"},
            (Thinking("", "c2ln", Extras("gemini_generate", {}, "part"), MAKER),),
        ),
        ({"text": "a", "thought": True}, (Thinking("a", maker=MAKER),)),
        ({"text": "a", "thought": True, "thoughtSignature": "c2ln"}, (Thinking("a", "c2ln", None, MAKER),)),
        (
            {"text": "a", "thought": False},
            (Text("a", extras=Extras("gemini_generate", {"thought": msgspec.Raw(b"false")})),),
        ),
        (
            {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
            (ToolCall("c", "f", '{"a":1}', None, "c2ln", MAKER),),
        ),
        (
            {"function_call": {"name": "f"}},
            (ToolCall("call_0_0", "f", "{}", Extras("gemini_generate", {}, "noid noargs")),),
        ),
        (
            {"inlineData": {"mimeType": "image/png", "data": "AA=="}, "thoughtSignature": "c2ln"},
            (Media("image", data="AA==", mime="image/png"), SIGNED),
        ),
    ],
)
def test_read(wire: Any, parts: tuple[Part, ...]) -> None:
    assert read(wire) == parts


@pytest.mark.parametrize(
    "wire",
    [
        {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "c2ln"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"toolCall": {"id": "x", "toolType": "GOOGLE_SEARCH"}},
        {"text": "beside", "executableCode": {}},
        {"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "$.a"}], "willContinue": True}},
        {"functionCall": {"name": "f", "args": 7}},
        {"functionCall": {"args": {}}},
        {"functionResponse": {"name": "f", "response": {}}, "partMetadata": {}},
        {"text": 7},
        {},
        7,
    ],
)
def test_what_only_google_says_is_opaque(wire: Any) -> None:
    raw = msgspec.Raw(msgspec.json.encode(wire))
    assert read(wire) == (Opaque("gemini_generate", raw, PARTS),)
    assert write(*read(wire)) == [wire]


def test_results_are_parts() -> None:
    [result] = read({"functionResponse": {"name": "f", "response": {"result": "x"}}})
    assert isinstance(result, ToolResult)
    assert result.parts == (Text("x"),)


def test_a_signature_goes_to_the_part_before_it() -> None:
    assert write(Text("a"), SIGNED, Text("b")) == [
        {"text": "a", "thoughtSignature": "c2ln"},
        {"text": "b"},
    ]
    assert write(SIGNED) == [{"text": "", "thoughtSignature": "c2ln"}]
    assert write(Text("a"), SIGNED, SIGNED) == [
        {"text": "a", "thoughtSignature": "c2ln"},
        {"text": "", "thoughtSignature": "c2ln"},
    ]


def test_thinking_of_other_models() -> None:
    loss = Loss()
    foreign = Thinking("hm", "c2ln", maker="anthropic-claude-v1")
    hidden = Thinking("", "c2ln", maker="anthropic-claude-v1", redacted=True)
    assert write(foreign, hidden, Text("a"), loss=loss) == [{"text": "hm", "thought": True}, {"text": "a"}]
    assert loss.names == ("messages[0].thinking",)


def test_the_first_call_of_another_model_says_that_it_is_unchecked() -> None:
    calls = (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}"))
    first, second = write(*calls)
    assert first["thoughtSignature"] == UNCHECKED
    assert "thoughtSignature" not in second
    assert all("thoughtSignature" not in call for call in write(*calls, model="gemini-2.5-pro"))
    assert all("thoughtSignature" not in call for call in write(*calls, native=True))
    [own] = write(ToolCall("a", "f", "{}", None, "c2ln", MAKER))
    assert own["thoughtSignature"] == "c2ln"
    [foreign] = write(ToolCall("a", "f", "{}", None, "x", "anthropic-claude-v1"))
    assert foreign["thoughtSignature"] == UNCHECKED


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        (" ", {}),
        ("{", {"invalid_json": "{"}),
        ("[1]", {"invalid_json": "[1]"}),
        ('"x"', {"invalid_json": '"x"'}),
    ],
)
def test_arguments(text: str, args: Any) -> None:
    [call] = write(ToolCall("a", "f", text), model="gemini-2.0-flash")
    assert call == {"functionCall": {"id": "a", "name": "f", "args": args}}


def test_texts() -> None:
    assert write(Text(""), Refusal("no"), Text("a")) == [{"text": "no"}, {"text": "a"}]
    assert write(Text(""), native=True) == [{"text": ""}]


def test_what_a_part_can_not_keep_is_named() -> None:
    loss = Loss()
    write(
        Text("a", CacheHint(), citations=(Citation("u"),)),
        Media("image", data="AA==", cache=CacheHint()),
        loss=loss,
    )
    assert loss.names == ("cache_control", "messages[0].content[0].citations")


def test_a_part_of_another_dialect_is_refused() -> None:
    odd = Opaque("openai_chat", msgspec.Raw(b"{}"), "content")
    with pytest.raises(Unrepresentable) as caught:
        write(Text("a"), odd)
    assert caught.value.param == "messages[0].content[1]"
    loss = Loss(drop=True)
    assert write(Text("a"), odd, loss=loss) == [{"text": "a"}]
    assert loss.names == ("messages[0].content[1]",)
