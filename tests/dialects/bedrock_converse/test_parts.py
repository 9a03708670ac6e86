from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.request import (
    CacheHint,
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
from waypost.dialects.bedrock_converse.families import family_of
from waypost.dialects.bedrock_converse.parts import Writer, cache_hint, cache_point, parse_block
from waypost.errors import Unrepresentable

CLAUDE = family_of("anthropic.claude-3-7-sonnet-20250219-v1:0")
NOVA = family_of("amazon.nova-pro-v1:0")
OWN = Extras("bedrock_converse", {}, "own")


def parse(value: Any) -> Part:
    return parse_block(msgspec.Raw(msgspec.json.encode(value)))


def write(*parts: Part, loss: Loss | None = None, family: Any = CLAUDE) -> Any:
    blocks = Writer(loss or Loss(), family).blocks(parts, "messages[0]")
    return msgspec.json.decode(msgspec.json.encode(blocks))


@pytest.mark.parametrize(
    ("wire", "part"),
    [
        ({"text": "a"}, Text("a")),
        ({"toolUse": {"toolUseId": "c", "name": "f", "input": {"a": 1}}}, ToolCall("c", "f", '{"a":1}')),
        (
            {"toolResult": {"toolUseId": "c", "content": [{"text": "a"}], "status": "error"}},
            ToolResult("c", (Text("a"),), is_error=True),
        ),
        (
            {"toolResult": {"toolUseId": "c", "content": [{"json": {"a": 1}}]}},
            ToolResult("c", (Text('{"a":1}', extras=Extras("bedrock_converse", {}, "json")),)),
        ),
        (
            {"image": {"format": "png", "source": {"bytes": "AA"}}},
            Media("image", data="AA", mime="image/png"),
        ),
        (
            {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
            Thinking("t", "s", OWN, "anthropic-claude-v1"),
        ),
        (
            {"reasoningContent": {"redactedContent": "RXVvQg=="}},
            Thinking("", "EuoB", maker="anthropic-claude-v1", redacted=True),
        ),
        (
            {"guardContent": {"text": {"text": "g", "qualifiers": ["query"]}}},
            Text(
                "g",
                extras=Extras(
                    "bedrock_converse", {"guardContent": msgspec.Raw(b'["query"]')}, "guardContent"
                ),
            ),
        ),
    ],
)
def test_every_kind(wire: Any, part: Part) -> None:
    assert parse(wire) == part
    assert write(part) == [wire]


@pytest.mark.parametrize(
    "wire",
    [
        7,
        {},
        {"new": {}},
        {"text": 7},
        {"text": "a", "image": {}},
        {"image": 7},
        {"toolUse": {"toolUseId": "c", "name": "f"}},
        {"toolUse": {"toolUseId": "c", "name": "f", "input": {}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "c", "content": "x"}},
        {"reasoningContent": {"redactedContent": "/w=="}},
        {"reasoningContent": {"redactedContent": "?"}},
        {"searchResult": {"source": "s", "title": "t", "content": []}},
        {"toolAddition": {"tool": {}}},
    ],
)
def test_the_rest_is_opaque(wire: Any) -> None:
    part = parse(wire)
    assert isinstance(part, Opaque)
    assert write(part) == [wire]


def test_cache_points() -> None:
    for seconds in (300, 3600):
        fields = msgspec.json.encode(cache_point(CacheHint(seconds))["cachePoint"])
        assert cache_hint(msgspec.json.decode(fields, type=dict[str, msgspec.Raw])) == CacheHint(seconds)
    assert cache_hint(None) is None
    assert cache_hint({"type": msgspec.Raw(b'"new"')}) is None
    assert write(Text("a", CacheHint(300)), Text("b")) == [
        {"text": "a"},
        {"cachePoint": {"type": "default"}},
        {"text": "b"},
    ]


@pytest.mark.parametrize(
    ("part", "family", "sent"),
    [
        (Thinking("t", "s", maker="anthropic-claude-v1"), CLAUDE, True),
        (Thinking("", "s", maker="anthropic-claude-v1", redacted=True), CLAUDE, True),
        (Thinking("t", None, OWN, "anthropic-claude-v1"), NOVA, True),
        (Thinking("t", "s", maker="anthropic-claude-v1"), NOVA, False),
        (Thinking("t", "s", maker="google-gemini-v1"), CLAUDE, False),
        (Thinking("t"), CLAUDE, False),
        (Thinking("t", "", maker="anthropic-claude-v1"), CLAUDE, False),
        (Thinking("", "", maker="anthropic-claude-v1", redacted=True), CLAUDE, False),
        (Thinking("", "s", maker="openai-responses-v1", redacted=True), CLAUDE, False),
    ],
)
def test_whose_reasoning_goes_back(part: Thinking, family: Any, sent: bool) -> None:
    loss = Loss()
    assert bool(write(part, loss=loss, family=family)) is sent
    assert loss.names == (() if sent else ("messages[0].thinking",))


def test_what_is_named() -> None:
    loss = Loss()
    shown = write(Text("a", citations=(Citation("u"),)), Refusal("no"), Text(""), loss=loss)
    assert shown == [{"text": "a"}, {"text": "no"}]
    assert loss.names == ("messages[0].citations", "messages[0].refusal")


@pytest.mark.parametrize(
    ("part", "where"),
    [
        (Opaque("openai_chat", msgspec.Raw(b"{}")), "messages[0].content[0]"),
        (
            ToolResult("c", (Media("audio", data="AA", mime="audio/wav"),)),
            "messages[0].content[0].content[0]",
        ),
        (ToolResult("c", (Opaque("openai_chat", msgspec.Raw(b"{}")),)), "messages[0].content[0].content[0]"),
    ],
)
def test_what_is_refused_or_dropped(part: Part, where: str) -> None:
    with pytest.raises(Unrepresentable) as caught:
        write(part)
    assert caught.value.param == where
    loss = Loss(drop=True)
    write(part, loss=loss)
    assert loss.names == (where,)


@pytest.mark.parametrize("arguments", ["{not json", "[1]"])
def test_arguments_that_are_no_object_go_in_one(arguments: str) -> None:
    [block] = write(ToolCall("c", "f", arguments))
    assert block["toolUse"]["input"] == {"INVALID_JSON": arguments}


def test_ids_and_names_are_those_that_converse_takes_back() -> None:
    call, result = write(ToolCall("a|b" * 30, "f.g", "{}"), ToolResult("a|b" * 30, (Text("x"),)))
    assert call["toolUse"]["name"] == "f_g"
    assert call["toolUse"]["toolUseId"] == result["toolResult"]["toolUseId"] == ("a_b" * 30)[-64:]


def test_hints_and_sources_inside_a_result_are_named() -> None:
    loss = Loss()
    write(ToolResult("c", (Text("a", CacheHint(), citations=(Citation("u"),)),)), loss=loss)
    assert loss.names == ("messages[0].citations", "messages[0].cache")


def test_media_of_the_model_are_refused() -> None:
    picture = Media("image", data="AA", mime="image/png")
    with pytest.raises(Unrepresentable):
        Writer(Loss()).blocks((picture,), "messages[0]", of_model=True)
    assert Writer(Loss(), reply=True).blocks((picture,), "output.message", of_model=True)


def test_results_of_others() -> None:
    assert write(ToolResult("c", (Text("a"), Refusal("no")), name="f"), ToolCall("d", "g", "")) == [
        {"toolResult": {"toolUseId": "c", "content": [{"text": "a"}, {"text": "no"}]}},
        {"toolUse": {"toolUseId": "d", "name": "g", "input": {}}},
    ]
