from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import Stamp
from waypost.core.events import Event
from waypost.core.fold import fold, unfold
from waypost.core.quirks import Quirks
from waypost.core.request import (
    ChatRequest,
    Message,
    Refusal,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.dialects.openai_chat.codec import CHAT
from waypost.dialects.openai_chat.crossing import CROSSING
from waypost.dialects.structured import (
    TOOL,
    Shape,
    ShapedLane,
    as_prompt,
    as_tool,
    ask_again,
    from_tool,
    shape_faults,
    wanted_shape,
)
from waypost.errors import InvalidRequest

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
RAW = msgspec.Raw(msgspec.json.encode(SCHEMA))
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
BODY = {"model": "m", "messages": [{"role": "user", "content": "count"}], "response_format": FORMAT}


def shape() -> Shape:
    return Shape(RAW, with_tools=False)


def answer(*parts: Text | ToolCall | Refusal, finish: Finish = Finish.STOP) -> ChatResponse:
    return ChatResponse("id", "m", (Choice(0, parts, finish),))


def asked(**more: object):  # type: ignore[no-untyped-def]
    return CHAT.parse_ask(msgspec.json.encode(BODY | more))


def test_a_shape_is_looked_for_where_its_dialect_puts_it() -> None:
    assert wanted_shape(CHAT, CHAT.parse_ask(b'{"model":"m","messages":[{}]}')) is None
    assert wanted_shape(CHAT, asked(response_format={"type": "json_object"})) is None
    found = wanted_shape(CHAT, asked(tools=[{"type": "function", "function": {"name": "f"}}]))
    assert found is not None
    assert found.with_tools


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ('{"n":1}', []),
        ('{"n":"one"}', ['at /n: "one" is not of type "integer"']),
        ("{}", ['at /: "n" is a required property']),
        ("```json\n{}\n```", ["it is not JSON"]),
        ("[" * 100_000, ["it is not JSON"]),
    ],
)
def test_faults_say_where_and_what(text: str, faults: list[str]) -> None:
    assert shape().faults(text) == faults


@pytest.mark.parametrize(
    "schema", [{"type": "nope"}, {"$ref": "http://127.0.0.1:9/x"}, {"$ref": "file:///etc/passwd"}]
)
def test_a_schema_that_can_not_be_used_is_refused_and_nothing_is_fetched(schema: object) -> None:
    wanted = Shape(msgspec.Raw(msgspec.json.encode(schema)), with_tools=False)
    with pytest.raises(InvalidRequest) as caught:
        wanted.prepare()
    assert caught.value.param == "response_format.json_schema.schema"


def test_only_a_complete_answer_is_held_to_the_shape() -> None:
    assert shape_faults(shape(), answer(Text('{"n":'), Text("1}"))) == []
    assert shape_faults(shape(), answer(Text("no")))
    assert shape_faults(shape(), answer(Text('{"n":'), finish=Finish.LENGTH)) == []
    assert shape_faults(shape(), answer(ToolCall("c", "f", "{}"))) == []
    assert shape_faults(shape(), answer(Refusal("no"), finish=Finish.REFUSED)) == []


REQUEST = ChatRequest(
    "m",
    (Message("system", (Text("be brief"),)), Message("user", (Text("count"),))),
    response_format=ResponseFormat("json_schema", "x", schema=RAW),
)


def test_the_shape_as_a_tool() -> None:
    shaped = as_tool(REQUEST)
    assert isinstance(shaped.tools[0], Tool)
    assert shaped.tools[0].parameters == RAW
    assert shaped.tool_choice == ToolChoice("one", TOOL)
    assert shaped.response_format is None


def test_the_shape_in_words_stands_after_what_the_client_said_first() -> None:
    shaped = as_prompt(REQUEST)
    assert [message.role for message in shaped.messages] == ["system", "system", "user"]
    told = shaped.messages[1].parts[0]
    assert isinstance(told, Text)
    assert bytes(RAW).decode() in told.text


def test_the_tools_call_is_the_answers_text() -> None:
    called = answer(ToolCall("c", TOOL, '{"n":1}'), finish=Finish.TOOLS)
    assert from_tool(called).choices == (Choice(0, (Text('{"n":1}'),), Finish.STOP),)
    other = answer(ToolCall("c", "f", "{}"), finish=Finish.TOOLS)
    assert from_tool(other) == other


def test_asking_again_tells_what_was_wrong() -> None:
    again = ask_again(CROSSING, asked(), answer(Text("no")), ["it is not JSON"])
    assert [message.role for message in again.messages] == ["user", "assistant", "user"]
    told = again.messages[-1].parts[0]
    assert isinstance(told, Text)
    assert "it is not JSON" in told.text


def test_a_lane_by_tool_whole_and_streamed() -> None:
    lane = ShapedLane(CROSSING, CHAT, CROSSING, "tool")
    sent = msgspec.json.decode(lane.render_onward(asked(), "t", Quirks()).body)
    assert sent["tool_choice"] == {"type": "function", "function": {"name": TOOL}}
    assert "response_format" not in sent
    called = ChatResponse("id", "t", (Choice(0, (ToolCall("c", TOOL, '{"n":1}'),), Finish.TOOLS),), 1)
    body = CROSSING.render_response(called, asked(), None, Stamp("x", 1))
    reply = lane.parse_reply(body)
    assert reply.response is not None
    assert reply.response.choices[0].parts == (Text('{"n":1}'),)
    relay = lane.stream_relay(asked(stream=True), lambda usage, tier: 0, Stamp("x", 1))
    renderer = CROSSING.stream_renderer(asked(stream=True), Stamp("x", 1))
    events: list[Event] = list(unfold(called))
    stream = b"".join(map(renderer.render, events)) + b"data: [DONE]\n\n"
    out = relay.feed(stream)
    assert relay.finished
    read = CROSSING.stream_parser()
    assert fold(read.feed(out)).choices[0].parts == (Text('{"n":1}'),)


def test_a_request_with_tools_of_its_own_is_told_in_words() -> None:
    lane = ShapedLane(CROSSING, CHAT, CROSSING, "tool")
    own = [{"type": "function", "function": {"name": "f"}}]
    sent = msgspec.json.decode(lane.render_onward(asked(tools=own), "t", Quirks()).body)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["f"]
    assert sent["messages"][0]["role"] == "system"
