from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import (
    ChatRequest,
    Message,
    Part,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from waypost.dialects.claude import may_think, narrow_schema, refused_sampling, version, without_unsigned

ASK = Message("user", (Text("hi"),))
CALL = ToolCall("c", "f", "{}")
RESULT = Message("tool", (ToolResult("c", (Text("1"),)),))
OWN = Thinking("hm", "sig", maker="anthropic-claude-v1")
FOREIGN = Thinking("hm", "sig", maker="google-gemini-v1")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-3-7-sonnet-20250219", (3, 7)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("us.anthropic.claude-opus-4-6-v1", (4, 6)),
        ("claude-next", (99, 0)),
        ("other-4-6", (0, 0)),
    ],
)
def test_a_model_tells_its_version(model: str, expected: tuple[int, int]) -> None:
    assert version(model) == expected


def said(*parts: Part) -> Message:
    return Message("assistant", parts)


@pytest.mark.parametrize(
    ("messages", "by_budget", "expected"),
    [
        ((ASK,), True, True),
        ((ASK, said(Text("ok")), ASK), True, True),
        (
            (
                ASK,
                said(Text("One,")),
            ),
            True,
            False,
        ),
        ((ASK, said(CALL), RESULT), True, False),
        ((ASK, said(CALL), RESULT, ASK), True, False),
        ((ASK, said(CALL), RESULT), False, True),
        ((ASK, said(FOREIGN, CALL), RESULT), True, False),
        ((ASK, said(OWN, CALL), RESULT), True, True),
        ((ASK, said(CALL), RESULT, said(Text("done")), ASK), True, True),
    ],
)
def test_a_turn_under_way_begins_with_its_own_reasoning(
    messages: tuple[Message, ...], by_budget: bool, expected: bool
) -> None:
    assert may_think(ChatRequest("m", messages), by_budget=by_budget) is expected


UNSIGNED = Thinking("hm", "", maker="anthropic-claude-v1")
HIDDEN = Thinking("", "", maker="anthropic-claude-v1", redacted=True)


def test_reasoning_without_its_signature_is_left_out_and_named() -> None:
    messages = (ASK, said(UNSIGNED, CALL), RESULT, said(OWN, Text("a")), said(HIDDEN, FOREIGN))
    loss = Loss()
    request = without_unsigned(ChatRequest("claude-opus-4-1", messages), loss)
    assert request.messages == (ASK, said(CALL), RESULT, said(OWN, Text("a")), said(FOREIGN))
    assert loss.names == ("messages[1].thinking", "messages[4].thinking")
    assert not may_think(msgspec.structs.replace(request, messages=request.messages[:3]), by_budget=True)


def test_other_makers_models_take_back_what_they_did_not_sign() -> None:
    request, loss = ChatRequest("kimi-k2", (ASK, said(UNSIGNED, Text("a")))), Loss()
    assert without_unsigned(request, loss) is request
    assert loss.names == ()


@pytest.mark.parametrize(
    ("mode", "expected"), [("auto", True), ("none", True), ("required", False), ("one", False)]
)
def test_no_thinking_where_a_tool_has_to_be_called(mode: Any, expected: bool) -> None:
    request = ChatRequest("m", (ASK,), tools=(Tool("f"),), tool_choice=ToolChoice(mode, "f"))
    assert may_think(request, by_budget=False) is expected


@pytest.mark.parametrize(
    ("sampling", "model", "thinks", "refused"),
    [
        (Sampling(temperature=0.5, top_p=0.5), "claude-sonnet-4-5", False, ["top_p"]),
        (Sampling(temperature=0.5, top_p=1.0), "claude-sonnet-4-5", False, []),
        (Sampling(temperature=0.5, top_p=0.5), "claude-sonnet-4-20250514", False, []),
        (Sampling(temperature=0.5, top_p=0.5), "other", False, []),
        (Sampling(temperature=0.5, top_p=0.5, top_k=3), "other", True, ["temperature", "top_k", "top_p"]),
        (Sampling(temperature=1.0, top_p=0.97), "other", True, []),
    ],
)
def test_settings_that_do_not_go_together(
    sampling: Sampling, model: str, thinks: bool, refused: list[str]
) -> None:
    assert list(refused_sampling(sampling, model, thinks=thinks)) == refused


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object"}, {"type": "object", "additionalProperties": False}),
        (
            {"properties": {"a": {"type": ["object", "null"]}}},
            {
                "properties": {"a": {"type": ["object", "null"], "additionalProperties": False}},
                "additionalProperties": False,
            },
        ),
        (
            {"type": "integer", "minimum": 1, "maximum": 9, "description": "A number"},
            {"type": "integer", "description": "A number\n\n(minimum: 1, maximum: 9)"},
        ),
        (
            {"type": "array", "items": {"type": "object"}, "minItems": 2},
            {
                "type": "array",
                "items": {"type": "object", "additionalProperties": False},
                "description": "(minItems: 2)",
            },
        ),
        ({"type": "array", "minItems": 1}, {"type": "array", "minItems": 1}),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": ["odd"]}, {"type": "string", "description": '(format: ["odd"])'}),
        (
            {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
            {"anyOf": [{"type": "string", "description": "(maxLength: 3)"}, {"type": "null"}]},
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {
                "type": "object",
                "additionalProperties": False,
                "description": '(additionalProperties: {"type":"string"})',
            },
        ),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}},
            {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "additionalProperties": False}}},
        ),
        ([1], [1]),
    ],
)
def test_a_schema_is_made_to_fit_the_grammars(schema: Any, expected: Any) -> None:
    assert msgspec.json.decode(narrow_schema(msgspec.Raw(msgspec.json.encode(schema)))) == expected


def test_what_is_no_schema_stays() -> None:
    assert bytes(narrow_schema(msgspec.Raw(b"{"))) == b"{"
