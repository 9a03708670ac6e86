"""Anthropic's own SDK reads everything that we render."""

from __future__ import annotations

from typing import Any, get_type_hints

import anthropic
import httpx2
import msgspec
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.beta import BetaMessage
from anthropic.types.beta import message_create_params as beta_params
from anthropic.types.message_create_params import MessageCreateParamsBase
from hypothesis import given, settings
from pydantic import TypeAdapter

from dialects.anthropic_messages.test_request_coverage import CONTENT, HEADERS, SETTINGS
from dialects.anthropic_messages.test_stream_renderer import answers, foreign, write
from dialects.anthropic_messages.wire import unsse
from dialects.golden import cases
from waypost.core.asked import Stamp
from waypost.core.fold import fold, unfold
from waypost.core.request import Citation, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages.errors import render_error
from waypost.dialects.anthropic_messages.response import parse_response, render_response
from waypost.errors import BudgetExceeded, InvalidRequest

STAMP = Stamp("x1", 17)
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
FOREIGN = foreign(
    Thinking("hm", "sig", maker="google-gemini-v1"),
    Text("a", citations=(Citation(url="https://example.org"),)),
    ToolCall("c", "f", "{}"),
    Refusal("no"),
)


def test_whole_answers_of_other_dialects() -> None:
    response = msgspec.structs.replace(fold(FOREIGN), usage=Usage(input=3, output=2))
    message = Message.model_validate_json(render_response(response, 1500, STAMP), strict=True)
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "text"]
    assert message.usage.model_extra == {"cost": 0.0000015}


@pytest.mark.parametrize("case", cases("anthropic_messages", "responses"))
def test_whole_answers_of_ours(case: Any) -> None:
    body = render_response(parse_response(msgspec.json.encode(case["body"])), None, STAMP)
    kind = BetaMessage if case["body"]["stop_reason"] == "compaction" else Message
    kind.model_validate_json(body)


@settings(deadline=None)
@given(answers)
def test_events(answer: ChatResponse) -> None:
    for stream in (write(list(unfold(answer))), write(FOREIGN, Usage(input=3), 1500)):
        for event in unsse(stream):
            if event.get("content_block", {}).get("type") != "x":
                EVENT.validate_python(event)


def test_the_sdk_gathers_a_stream() -> None:
    stream = write(FOREIGN, Usage(input=3, output=2), 1500)
    headers = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=stream, headers=headers))
    client = anthropic.Anthropic(api_key="x", http_client=httpx2.Client(transport=transport))
    with client.messages.stream(
        model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}]
    ) as gathering:
        message = gathering.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "text"]
    assert (message.stop_reason, message.usage.input_tokens) == ("tool_use", 3)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (InvalidRequest("x", param="p"), anthropic.BadRequestError),
        (BudgetExceeded("x"), anthropic.APIStatusError),
    ],
)
def test_errors(error: Any, raised: type[anthropic.APIStatusError]) -> None:
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(error.status, content=render_error(error))
    )
    client = anthropic.Anthropic(api_key="x", max_retries=0, http_client=httpx2.Client(transport=transport))
    with pytest.raises(raised) as caught:
        client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])
    assert caught.value.error_code == error.code
    assert caught.value.api_message == "x"


def test_the_coverage_has_every_field() -> None:
    known = {row.name.partition(".")[0] for row in SETTINGS} | HEADERS
    for params in (MessageCreateParamsBase, beta_params.MessageCreateParamsBase):
        assert get_type_hints(params).keys() <= known
    assert {row.name.partition(".")[0] for row in CONTENT} > {"text", "image", "document", "tool_use"}
