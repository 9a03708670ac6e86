"""Every field of Converse's request and every kind of block, and what becomes of it on the way to another dialect.

The list is that of botocore 1.44's `bedrock-runtime` model (2026-11-25); `test_sdk_types.py` compares the two.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.asked import PathAsk
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Message, Text
from waypost.dialects.bedrock_converse.codec import CONVERSE
from waypost.dialects.cross import render_across
from waypost.dialects.openai_chat.codec import CHAT
from waypost.errors import Unrepresentable

X = [{"role": "user", "content": [{"text": "x"}]}]
TOOL = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}


def user(block: Any) -> Any:
    return {"messages": [{"role": "user", "content": [{"text": "x"}, block]}]}


def assistant(block: Any) -> Any:
    return {"messages": [*X, {"role": "assistant", "content": [{"text": "x"}, block]}, *X]}


def result(block: Any) -> Any:
    return user({"toolResult": {"toolUseId": "c", "content": [block]}})


#: A target that takes more than OpenAI's own format has: what it carries is this dialect's doing.
ROUTER = Quirks(takes=("cache_control", "reasoning_details"))
S3 = {"s3Location": {"uri": "s3://b/a"}}
#: The field, a request with it, and what is found of it in the target's body.
CARRIED: list[tuple[str, Any, str]] = [
    ("messages", {"messages": X}, '"x"'),
    ("system", {"messages": X, "system": [{"text": "be brief"}]}, "be brief"),
    ("inferenceConfig.maxTokens", {"messages": X, "inferenceConfig": {"maxTokens": 77}}, "77"),
    ("inferenceConfig.temperature", {"messages": X, "inferenceConfig": {"temperature": 0.25}}, "0.25"),
    ("inferenceConfig.topP", {"messages": X, "inferenceConfig": {"topP": 0.35}}, "0.35"),
    ("inferenceConfig.stopSequences", {"messages": X, "inferenceConfig": {"stopSequences": ["END"]}}, "END"),
    ("toolConfig.tools.toolSpec", {"messages": X, "toolConfig": {"tools": [TOOL]}}, '"name":"f"'),
    (
        "toolConfig.toolChoice",
        {"messages": X, "toolConfig": {"tools": [TOOL], "toolChoice": {"any": {}}}},
        '"tool_choice":"required"',
    ),
    (
        "outputConfig.textFormat",
        {
            "messages": X,
            "outputConfig": {
                "textFormat": {
                    "type": "json_schema",
                    "structure": {"jsonSchema": {"name": "shape", "schema": '{"type":"object"}'}},
                }
            },
        },
        '"name":"shape"',
    ),
    ("outputConfig.effort", {"messages": X, "outputConfig": {"effort": "high"}}, '"reasoning_effort":"high"'),
    ("ContentBlock.text", user({"text": "words"}), "words"),
    (
        "ContentBlock.image",
        user({"image": {"format": "png", "source": {"bytes": "QUJD"}}}),
        "image/png;base64,QUJD",
    ),
    (
        "ContentBlock.document",
        user({"document": {"format": "pdf", "name": "n", "source": {"bytes": "QUJD"}}}),
        "application/pdf;base64,QUJD",
    ),
    (
        "DocumentSource.text",
        user({"document": {"name": "n", "source": {"text": "ABC"}}}),
        "text/plain;base64,QUJD",
    ),
    ("ContentBlock.audio", user({"audio": {"format": "wav", "source": {"bytes": "QUJD"}}}), '"input_audio"'),
    (
        "ContentBlock.toolUse",
        assistant({"toolUse": {"toolUseId": "c9", "name": "f", "input": {}}}),
        '"id":"c9"',
    ),
    ("ContentBlock.toolResult", result({"text": "found"}), "found"),
    ("ToolResultContentBlock.json", result({"json": {"a": 41}}), "41"),
    (
        "ToolResultContentBlock.document",
        result({"document": {"format": "pdf", "name": "n", "source": {"bytes": "QUJD"}}}),
        "QUJD",
    ),
    (
        "ToolResultContentBlock.image",
        result({"image": {"format": "png", "source": {"bytes": "QUJD"}}}),
        "QUJD",
    ),
    ("ContentBlock.cachePoint", user({"cachePoint": {"type": "default"}}), "cache_control"),
    (
        "ContentBlock.reasoningContent",
        assistant({"reasoningContent": {"reasoningText": {"text": "hm"}}}),
        "hm",
    ),
    (
        "ContentBlock.citationsContent",
        assistant({"citationsContent": {"content": [{"text": "cited"}]}}),
        "cited",
    ),
    ("GuardrailConverseContentBlock.text", user({"guardContent": {"text": {"text": "look"}}}), "look"),
    ("SystemContentBlock.text", {"messages": X, "system": [{"text": "sys"}]}, "sys"),
    (
        "SystemContentBlock.guardContent",
        {"messages": X, "system": [{"guardContent": {"text": {"text": "g"}}}]},
        '"g"',
    ),
    (
        "SystemContentBlock.cachePoint",
        {"messages": X, "system": [{"text": "s"}, {"cachePoint": {"type": "default"}}]},
        "cache_control",
    ),
]
#: Read into the core, which is as far as this dialect carries it: the target's codec has its own tests.
READ: list[tuple[str, Any, Any]] = [
    ("serviceTier", {"messages": X, "serviceTier": {"type": "flex"}}, ("tier", "flex")),
    ("requestMetadata", {"messages": X, "requestMetadata": {"a": "b"}}, ("metadata", {"a": "b"})),
    (
        "additionalModelRequestFields",
        {
            "messages": X,
            "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        },
        ("thinking_budget", 2000),
    ),
]
#: Dropped, and named so.
NAMED: list[tuple[str, Any, str]] = [
    ("guardrailConfig", {"messages": X, "guardrailConfig": {"guardrailIdentifier": "g"}}, "guardrailConfig"),
    ("projectIdentifier", {"messages": X, "projectIdentifier": "p"}, "projectIdentifier"),
    ("promptVariables", {"messages": X, "promptVariables": {"a": {"text": "b"}}}, "promptVariables"),
    (
        "additionalModelResponseFieldPaths",
        {"messages": X, "additionalModelResponseFieldPaths": ["/a"]},
        "additionalModelResponseFieldPaths",
    ),
    (
        "performanceConfig",
        {"messages": X, "performanceConfig": {"latency": "optimized"}},
        "performanceConfig",
    ),
    (
        "additionalModelRequestFields.other",
        {"messages": X, "additionalModelRequestFields": {"other": 1}},
        "additionalModelRequestFields",
    ),
    (
        "DocumentBlock.context",
        user({"document": {"format": "pdf", "name": "n", "source": {"bytes": "AA"}, "context": "c"}}),
        "messages[0].context",
    ),
    (
        "DocumentBlock.citations",
        user(
            {
                "document": {
                    "format": "pdf",
                    "name": "n",
                    "source": {"bytes": "AA"},
                    "citations": {"enabled": True},
                }
            }
        ),
        "messages[0].citations",
    ),
    (
        "ImageBlock.error",
        user({"image": {"format": "png", "source": {"bytes": "AA"}, "error": {"message": "m"}}}),
        "messages[0].error",
    ),
    (
        "GuardrailConverseTextBlock.qualifiers",
        user({"guardContent": {"text": {"text": "x", "qualifiers": ["query"]}}}),
        "messages[0].guardContent",
    ),
]
#: Refused, naming the part.
REFUSED: list[tuple[str, Any, str]] = [
    (
        "ContentBlock.video",
        user({"video": {"format": "mp4", "source": {"bytes": "AA"}}}),
        "messages[0].content[1]",
    ),
    (
        "ContentBlock.image.s3Location",
        user({"image": {"format": "png", "source": S3}}),
        "messages[0].content[1]",
    ),
    (
        "DocumentSource.content",
        user({"document": {"name": "n", "source": {"content": [{"text": "a"}]}}}),
        "messages[0].content[1]",
    ),
    (
        "ContentBlock.searchResult",
        user({"searchResult": {"source": "s", "title": "t", "content": [{"text": "c"}]}}),
        "messages[0].content[1]",
    ),
    (
        "ContentBlock.toolAddition",
        assistant({"toolAddition": {"tool": {"name": "n"}}}),
        "messages[1].content[1]",
    ),
    (
        "ContentBlock.toolRemoval",
        assistant({"toolRemoval": {"tool": {"name": "n"}}}),
        "messages[1].content[1]",
    ),
    (
        "ToolUseBlock.type",
        assistant({"toolUse": {"toolUseId": "c", "name": "f", "input": {}, "type": "server_tool_use"}}),
        "messages[1].content[1]",
    ),
    (
        "ToolResultBlock.type",
        user({"toolResult": {"toolUseId": "c", "content": [], "type": "t"}}),
        "messages[0].content[1]",
    ),
    (
        "GuardrailConverseContentBlock.image",
        user({"guardContent": {"image": {"format": "png", "source": {"bytes": "AA"}}}}),
        "messages[0].content[1]",
    ),
    (
        "ToolResultContentBlock.searchResult",
        result({"searchResult": {"source": "s", "title": "t", "content": []}}),
        "messages[1]",
    ),
    (
        "ToolResultContentBlock.video",
        result({"video": {"format": "mp4", "source": {"bytes": "AA"}}}),
        "messages[1]",
    ),
    (
        "toolConfig.tools.systemTool",
        {"messages": X, "toolConfig": {"tools": [{"systemTool": {"name": "s"}}]}},
        "tools[0]",
    ),
    (
        "toolConfig.tools.cachePoint",  # before any tool; after one it is that tool's
        {"messages": X, "toolConfig": {"tools": [{"cachePoint": {"type": "default"}}, TOOL]}},
        "tools[0]",
    ),
]


def cross(body: Any, quirks: Quirks = ROUTER) -> tuple[str, tuple[str, ...]]:
    assert CONVERSE.codec is not None
    assert CHAT.codec is not None
    asked = CONVERSE.parse_ask(msgspec.json.encode(body), path=PathAsk("m"))
    onward = render_across(CONVERSE.codec, CHAT.codec, CHAT.family, asked, "gpt-x", quirks)
    return onward.body.decode(), onward.dropped


def parse(body: Any) -> ChatRequest:
    assert CONVERSE.codec is not None
    return CONVERSE.codec.parse_request(CONVERSE.parse_ask(msgspec.json.encode(body), path=PathAsk("m")))


@pytest.mark.parametrize(("field", "body", "found"), CARRIED, ids=[row[0] for row in CARRIED])
def test_carried(field: str, body: Any, found: str) -> None:
    assert found in cross(body)[0], field


@pytest.mark.parametrize(("field", "body", "core"), READ, ids=[row[0] for row in READ])
def test_read(field: str, body: Any, core: tuple[str, Any]) -> None:
    assert getattr(parse(body), core[0]) == core[1], field


@pytest.mark.parametrize(("field", "body", "name"), NAMED, ids=[row[0] for row in NAMED])
def test_dropped_and_named(field: str, body: Any, name: str) -> None:
    assert name in cross(body)[1], field


@pytest.mark.parametrize(("field", "body", "param"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(field: str, body: Any, param: str) -> None:
    with pytest.raises(Unrepresentable) as caught:
        cross(body)
    assert (caught.value.param or "").startswith(param), field


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (user({"cachePoint": {"type": "default"}}), "cache"),
        ({"messages": X, "system": [{"text": "s"}, {"cachePoint": {"type": "default"}}]}, "cache"),
        (assistant({"reasoningContent": {"reasoningText": {"text": "hm"}}}), "messages[1].thinking"),
    ],
)
def test_what_a_plain_target_does_not_take_is_named(body: Any, name: str) -> None:
    shown, dropped = cross(body, Quirks())
    assert dropped == (name,)
    assert "hm" not in shown
    assert "cache" not in shown


def test_a_status_is_kept() -> None:
    [_, tool] = parse(user({"toolResult": {"toolUseId": "c", "content": [], "status": "error"}})).messages
    assert getattr(tool.parts[0], "is_error", False)


def test_a_role_of_its_own_is_a_system_message() -> None:
    request = parse({"messages": [*X, {"role": "system", "content": [{"text": "s"}]}]})
    assert request.messages[1].role == "system"
    assert request.messages[0] == Message("user", (Text("x"),))
