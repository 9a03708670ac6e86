"""The official SDK's own types and its own reading of streams accept what is rendered: google-genai 3.6.1."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from google.genai import _common, types
from google.genai._api_client import HttpResponse
from hypothesis import given, settings

from dialects.gemini_generate.fates import ROWS
from dialects.gemini_generate.test_response import answers as whole_answers
from dialects.gemini_generate.test_writing import answers as streamed_answers
from dialects.gemini_generate.test_writing import write
from dialects.golden import cases, sse
from waypost.core.asked import Asked, PathAsk
from waypost.core.fold import unfold
from waypost.core.response import ChatResponse
from waypost.dialects.gemini.relay import GeminiRelay
from waypost.dialects.gemini_generate.ask import parse_ask
from waypost.dialects.gemini_generate.codec import GENERATE
from waypost.dialects.gemini_generate.response import render_response
from waypost.errors import Overloaded


def read(document: Any) -> types.GenerateContentResponse:
    """As the SDK does: what it does not know is left out, the rest has to be of its types."""
    return types.GenerateContentResponse._from_response(response=document, kwargs={})


def segments(stream: bytes) -> list[Any]:
    """The events of a stream, as the SDK cuts it."""
    response = httpx.Response(200, content=stream)
    return list(HttpResponse({}, response_stream=response).segments())


@settings(deadline=None)
@given(whole_answers)
def test_every_rendered_answer(answer: ChatResponse) -> None:
    shown = read(msgspec.json.decode(render_response(answer, 5, "id")))
    assert shown.usage_metadata is not None
    assert shown.usage_metadata.prompt_token_count == answer.usage.input  # type: ignore[union-attr]  # always set


@settings(deadline=None)
@given(streamed_answers)
def test_every_rendered_event(answer: ChatResponse) -> None:
    shown = [read(event) for event in segments(write(list(unfold(answer))))]
    assert shown[-1].usage_metadata is not None
    assert shown[-1].response_id == answer.response_id


@pytest.mark.parametrize("case", cases("gemini_generate", "responses"))
def test_a_cost_beside_the_counts_is_no_harm(case: Any) -> None:
    reply = GENERATE.parse_reply(msgspec.json.encode(case["body"]))
    shown = read(msgspec.json.decode(GENERATE.render_reply(reply, 5)))
    assert shown.model_version == case["body"].get("modelVersion")


@pytest.mark.parametrize("case", cases("gemini_generate", "streams"))
def test_relayed_streams(case: Any) -> None:
    relay = GeminiRelay(Asked("m", True, {}, form="sse"), lambda usage, tier: 120_000)
    out = relay.feed(sse(case["events"])) + relay.end()
    found = segments(out)
    assert found == case["client"]
    for event in found:
        read(event)


def test_an_error_in_a_stream_is_what_the_sdk_looks_for() -> None:
    relay = GeminiRelay(Asked("m", True, {}, form="sse"), lambda usage, tier: None)
    [event] = segments(relay.fail(Overloaded("busy")))
    assert msgspec.json.encode(event).startswith(b'{"error":')
    assert isinstance(event["error"]["code"], int)


#: Fields of the SDK's configuration that are not sent: it acts on them itself.
LOCAL = {
    "httpOptions",
    "shouldReturnHttpResponse",
    "automaticFunctionCalling",
    "automaticContinuation",
}
OWNERS = (
    "Content",
    "Part",
    "Blob",
    "FileData",
    "FunctionCall",
    "FunctionResponse",
    "FunctionResponsePart",
    "Tool",
    "FunctionDeclaration",
    "ToolConfig",
    "FunctionCallingConfig",
    "ThinkingConfig",
    "GenerationConfig",
)


@pytest.mark.parametrize("owner", OWNERS)
def test_every_field_of_a_type_has_a_row(owner: str) -> None:
    model: type[_common.BaseModel] = getattr(types, owner)
    known = {row.field for row in ROWS if row.owner == owner}
    assert {field.alias for field in model.model_fields.values()} <= known


def test_every_field_of_the_configuration_has_a_row() -> None:
    known = {row.field for row in ROWS if row.owner in ("Request", "GenerationConfig")}
    fields = {field.alias for field in types.GenerateContentConfig.model_fields.values()}
    assert fields - LOCAL <= known


@pytest.mark.parametrize("case", cases("gemini_generate", "requests"))
def test_golden_requests_are_of_the_sdk_s_types(case: Any) -> None:
    body = case["body"]
    assert parse_ask(msgspec.json.encode(body), path=PathAsk("m")).model == "m"
    for content in body["contents"]:
        types.Content.model_validate(content)
    for tool in body.get("tools", []):
        types.Tool.model_validate(tool)
    types.GenerationConfig.model_validate(
        {name: value for name, value in body.get("generationConfig", {}).items() if name != "imageConfig"}
    )
