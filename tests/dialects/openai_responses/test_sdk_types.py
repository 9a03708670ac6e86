"""OpenAI's own SDK takes everything that is rendered here: its types, and its accumulating stream."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import openai
import pydantic
import pytest
from hypothesis import given, settings
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_item_list import ResponseItemList

from dialects.golden import cases
from effort import examples
from waypost.core.asked import Asked, Stamp
from waypost.core.fold import unfold
from waypost.core.request import Opaque, Text
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage
from waypost.dialects.openai_responses import state
from waypost.dialects.openai_responses.ask import parse_ask
from waypost.dialects.openai_responses.response import parse_response, render_response
from waypost.dialects.openai_responses.state import Stored
from waypost.dialects.openai_responses.stream_renderer import ResponsesStreamRenderer
from waypost.errors import Overloaded

from .answers import answers, signed_part

STAMP = Stamp("wp-1", 17)
ASKED = parse_ask(
    msgspec.json.encode(
        {
            "model": "m",
            "input": "x",
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}],
            "reasoning": {"effort": "low"},
            "stream": True,
        }
    )
)
EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(ResponseStreamEvent)


def streamed(answer: ChatResponse, asked: Asked = ASKED) -> bytes:
    renderer = ResponsesStreamRenderer(asked, STAMP)
    return b"".join(map(renderer.render, unfold(answer))) + renderer.end(answer.usage or Usage(), 1000)


def client(body: bytes, kind: str) -> openai.OpenAI:
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, headers={"content-type": kind}, content=body)
    )
    return openai.OpenAI(
        api_key="k", base_url="http://127.0.0.1/v1", http_client=httpx.Client(transport=transport)
    )


@settings(deadline=None, max_examples=examples(40))
@given(answers(signed_part))
def test_whole_answers(answer: ChatResponse) -> None:
    body = render_response(answer, ASKED, 1000, STAMP)
    shown = Response.model_validate(msgspec.json.decode(body))
    assert shown.output_text == "".join(
        part.text for part in answer.choices[0].parts if isinstance(part, Text)
    )
    assert client(body, "application/json").responses.create(model="m", input="x") == shown


@settings(deadline=None, max_examples=examples(40))
@given(answers(signed_part))
def test_streams(answer: ChatResponse) -> None:
    stream = streamed(answer)
    for line in stream.splitlines():
        if line.startswith(b"data: "):
            EVENT.validate_python(msgspec.json.decode(line[6:]))
    text: list[str] = []
    with client(stream, "text/event-stream").responses.stream(model="m", input="x") as events:
        for event in events:
            if event.type == "response.output_text.delta":
                text.append(event.delta)
        if answer.choices[0].finish in (Finish.STOP, Finish.TOOLS):
            final = events.get_final_response()
            assert final.output_text == "".join(text)
            assert final.usage is not None
            assert final.usage.input_tokens == (answer.usage or Usage()).input
    assert "".join(text) == "".join(part.text for part in answer.choices[0].parts if isinstance(part, Text))


@pytest.mark.parametrize("case", cases("openai_responses", "responses"))
def test_golden_answers(case: Any) -> None:
    response = parse_response(msgspec.json.encode(case["body"]))
    Response.model_validate(msgspec.json.decode(render_response(response, ASKED, None, STAMP)))
    as_foreign = msgspec.structs.replace(response, extras=None)
    Response.model_validate(msgspec.json.decode(render_response(as_foreign, ASKED, None, STAMP)))
    for line in streamed(response).splitlines():
        if line.startswith(b"data: "):
            event = msgspec.json.decode(line[6:])
            if not any(isinstance(part, Opaque) for part in response.choices[0].parts):
                EVENT.validate_python(event)


def test_an_error_in_a_stream_is_raised() -> None:
    answer = ChatResponse("r", "m", (Choice(0, (Text("x"),), Finish.STOP),))
    renderer = ResponsesStreamRenderer(ASKED, STAMP)
    begun = b"".join(renderer.render(event) for event in list(unfold(answer))[:3])
    broken = begun + renderer.fail(Overloaded("The gateway is busy."))
    for line in broken.splitlines():
        if line.startswith(b"data: "):
            EVENT.validate_python(msgspec.json.decode(line[6:]))
    with (
        pytest.raises(openai.APIError) as caught,
        client(broken, "text/event-stream").responses.stream(model="m", input="x") as events,
    ):
        events.until_done()
    assert caught.value.message == "The gateway is busy."
    assert caught.value.code == "overloaded"


def test_listings_and_kept_responses() -> None:
    asked = parse_ask(
        msgspec.json.encode(
            {
                "model": "m",
                "input": [
                    {"role": "user", "content": "x"},
                    {"role": "assistant", "content": "y"},
                    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "c", "output": "4"},
                    {"type": "custom_tool_call", "call_id": "d", "name": "f", "input": "ls"},
                    {"type": "custom_tool_call_output", "call_id": "d", "output": "4"},
                    {"type": "reasoning", "summary": []},
                ],
            }
        )
    )
    page = state.render_listing(state.input_items(asked, "wp-1"))
    assert len(ResponseItemList.model_validate(msgspec.json.decode(page)).data) == 7
    for status in ("queued", "in_progress", "cancelled"):
        stored = Stored("resp_1", 17, status, "m", asked.fields)
        Response.model_validate(msgspec.json.decode(state.render_stored(stored)))
    failed = Stored("resp_1", 17, "failed", "m", asked.fields)
    Response.model_validate(msgspec.json.decode(state.render_failed(failed, Overloaded("busy"))))
