from __future__ import annotations

from typing import Any

import msgspec
import openai._streaming as sdk
import pytest
from hypothesis import given, settings

from dialects.golden import cases, named_sse
from waypost.core.asked import Asked, Stamp
from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started
from waypost.core.fold import fold, unfold
from waypost.core.request import Media, Text, ToolCall
from waypost.core.response import ChatResponse, Finish
from waypost.core.usage import Usage
from waypost.dialects.openai_responses.response import render_response
from waypost.dialects.openai_responses.stream_parser import ResponsesStreamParser
from waypost.dialects.openai_responses.stream_renderer import ResponsesStreamRenderer
from waypost.errors import Overloaded, Unrepresentable

from .answers import answers, own_part, signed_part
from .bare import bare

ASKED = Asked("m", True, {})
STAMP = Stamp("wp-1", 17)


def write(events: list[Event], usage: Usage = Usage(), asked: Asked = ASKED) -> bytes:  # noqa: B008
    renderer = ResponsesStreamRenderer(asked, STAMP)
    return b"".join(map(renderer.render, events)) + renderer.end(usage, 1000)


def shown(stream: bytes) -> list[Any]:
    events = [
        (event.event, msgspec.json.decode(event.data))
        for event in sdk.SSEDecoder().iter_bytes(iter([stream]))
    ]
    assert all(name == event["type"] for name, event in events)
    assert [event["sequence_number"] for _, event in events] == list(range(len(events)))
    return [event for _, event in events]


def read(stream: bytes) -> ChatResponse:
    parser = ResponsesStreamParser()
    return fold(parser.feed(stream) + parser.end())


@settings(deadline=None)
@given(answers(own_part))
def test_a_rendered_stream_folds_to_the_same_answer(answer: ChatResponse) -> None:
    stream = write(list(unfold(answer)), answer.usage or Usage())
    usage = msgspec.structs.replace(answer.usage or Usage(), charged_nusd=1000)
    assert bare(read(stream)) == msgspec.structs.replace(answer, usage=usage)


@settings(deadline=None)
@given(answers(signed_part))
def test_the_last_event_has_the_same_response_as_a_whole_answer(answer: ChatResponse) -> None:
    last = shown(write(list(unfold(answer)), answer.usage or Usage()))[-1]
    assert last["response"] == msgspec.json.decode(render_response(answer, ASKED, 1000, STAMP))


@settings(deadline=None)
@given(answers(signed_part))
def test_the_stream_is_consistent(answer: ChatResponse) -> None:
    """Items are numbered in order, begun once, done once, and what is done is what was said of them."""
    events = shown(write(list(unfold(answer))))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    added = [event for event in events if event["type"] == "response.output_item.added"]
    done = {
        event["output_index"]: event["item"]
        for event in events
        if event["type"] == "response.output_item.done"
    }
    assert [event["output_index"] for event in added] == list(range(len(added)))
    assert [done[index] for index in sorted(done)] == events[-1]["response"]["output"]
    for event in added:
        assert event["item"]["id"] == done[event["output_index"]]["id"]
    for event in events:
        if "item_id" in event:
            assert event["item_id"] == done[event["output_index"]]["id"]
    said: dict[tuple[int, int], str] = {}
    for event in events:
        place = (event.get("output_index", -1), event.get("content_index", 0))
        if event["type"].endswith(".delta"):
            said[place] = said.get(place, "") + event["delta"]
        for name in ("text", "arguments", "refusal"):
            if event["type"].endswith(".done") and isinstance(event.get(name), str):
                assert said.get(place, "") == event[name]


@pytest.mark.parametrize(
    "case", [case for case in cases("openai_responses", "streams") if case.values[0]["whole"]]
)
def test_golden_streams_say_the_same_again(case: Any) -> None:
    parser = ResponsesStreamParser()
    events = parser.feed(named_sse(case["events"]))
    again = shown(write(events))
    assert again[-1]["response"]["status"] == case["whole"]["status"]
    assert len(again[-1]["response"]["output"]) == len(case["whole"]["output"])
    assert bare(read(write(events))).choices == bare(fold(events)).choices


def test_calls_side_by_side() -> None:
    events: list[Event] = [
        Started("id", "m"),
        PartStarted(0, 0, Text("")),
        PartDelta(0, 0, "I look."),
        PartEnded(0, 0),
        PartStarted(0, 1, ToolCall("c1", "f", "")),
        PartStarted(0, 2, ToolCall("c2", "g", "")),
        PartDelta(0, 1, "{"),
        PartDelta(0, 2, "["),
        PartDelta(0, 1, "}"),
        PartEnded(0, 1),
        PartEnded(0, 2),
        Finished(0, Finish.TOOLS),
    ]
    output = shown(write(events))[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "function_call"]
    assert [item["arguments"] for item in output[1:]] == ["{}", "["]


def test_a_custom_tools_call_is_shown_once_it_is_whole() -> None:
    asked = Asked("m", True, {"tools": msgspec.Raw(b'[{"type":"custom","name":"run"}]')})
    events: list[Event] = [
        PartStarted(0, 0, ToolCall("c1", "run", "")),
        PartDelta(0, 0, '{"input":"l'),
        PartDelta(0, 0, 's"}'),
        PartEnded(0, 0),
        Finished(0, Finish.TOOLS),
    ]
    kinds = {event["type"]: event for event in shown(write(events, asked=asked))}
    assert kinds["response.custom_tool_call_input.delta"]["delta"] == "ls"
    assert kinds["response.custom_tool_call_input.done"]["input"] == "ls"
    assert kinds["response.output_item.done"]["item"]["input"] == "ls"


def test_what_is_still_open_is_ended_by_the_finish() -> None:
    events: list[Event] = [Started("id", "m"), PartStarted(0, 0, Text("a")), Finished(0, Finish.LENGTH)]
    last = shown(write(events))[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["output"][0]["status"] == "incomplete"
    assert last["response"]["output"][0]["content"][0]["text"] == "a"


def test_no_terminator_after_a_failure_and_the_failure_once() -> None:
    stream = write([Started("a", "m"), PartStarted(0, 0, Text("x")), Failed("upstream_failed", "gone")])
    assert b"response.completed" not in stream
    last = shown(stream)[-1]
    assert (last["type"], last["code"], last["message"]) == ("error", "upstream_failed", "gone")
    renderer = ResponsesStreamRenderer(ASKED, STAMP)
    renderer.render(Started("a", "m"))
    assert b'"sequence_number":2' in renderer.fail(Overloaded("busy"))
    assert renderer.fail(Overloaded("busy")) == renderer.end(Usage(), None) == b""


def test_what_can_not_be_shown_is_refused() -> None:
    with pytest.raises(Unrepresentable):
        write([Started("a", "m"), PartStarted(0, 0, Media("audio", data="AA"))])
    with pytest.raises(Unrepresentable):
        write([Started("a", "m"), PartStarted(1, 0, Text("x"))])


def test_an_empty_answer_is_an_answer() -> None:
    assert [event["type"] for event in shown(write([]))] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]
