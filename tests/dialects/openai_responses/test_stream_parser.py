from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.golden import cases, named_sse
from effort import examples
from waypost.core.events import Event, Failed, Finished, PartEnded, PartStarted, Started
from waypost.core.fold import fold
from waypost.core.request import Text
from waypost.core.response import ChatResponse
from waypost.dialects.openai_responses.response import parse_response
from waypost.dialects.openai_responses.stream_parser import ResponsesStreamParser
from waypost.errors import Garbled, Truncated

from .bare import bare


def read(stream: bytes, *cuts: int) -> list[Event]:
    parser = ResponsesStreamParser()
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [event for a, b in pairwise(edges) for event in parser.feed(stream[a:b])]


def folded(events: list[Any]) -> ChatResponse:
    return bare(fold(read(named_sse(events))))


WHOLE = [case for case in cases("openai_responses", "streams") if case.values[0]["whole"]]


@pytest.mark.parametrize("case", WHOLE)
def test_the_events_add_up_to_the_whole_answer(case: Any) -> None:
    assert folded(case["events"]) == bare(parse_response(msgspec.json.encode(case["whole"])))


@pytest.mark.parametrize("case", WHOLE)
def test_every_part_is_ended_before_the_finish(case: Any) -> None:
    events = read(named_sse(case["events"]))
    started = [event.part for event in events if isinstance(event, PartStarted)]
    ended = [event.part for event in events if isinstance(event, PartEnded)]
    assert sorted(started) == sorted(ended) == list(range(len(started)))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize("case", WHOLE)
def test_what_was_not_streamed_is_taken_from_what_is_done(case: Any) -> None:
    without = [
        event for event in case["events"] if not event["type"].endswith((".delta", ".annotation.added"))
    ]
    assert folded(without) == folded(case["events"])
    only_last = [event for event in case["events"] if "response" in event]
    assert folded(only_last) == folded(case["events"])


@pytest.mark.parametrize("case", WHOLE)
def test_what_is_not_done_is_ended_all_the_same(case: Any) -> None:
    """Citations and signatures come with an item's end on some servers, so texts alone are compared."""
    deltas = [event for event in case["events"] if not event["type"].endswith(".done")]
    texts = [part.text for part in folded(deltas).choices[0].parts if isinstance(part, Text)]
    assert texts == [part.text for part in folded(case["events"]).choices[0].parts if isinstance(part, Text)]


@pytest.mark.parametrize("case", cases("openai_responses", "streams"))
@settings(deadline=None, max_examples=examples(25))
@given(cuts=st.lists(st.integers(0, 20_000), max_size=6))
def test_any_split_gives_the_same_events(case: Any, cuts: list[int]) -> None:
    stream = named_sse(case["events"])
    assert read(stream, *cuts) == read(stream)


@pytest.mark.parametrize("case", cases("openai_responses", "streams"))
def test_how_it_ended(case: Any) -> None:
    parser = ResponsesStreamParser()
    events = parser.feed(named_sse(case["events"])) + parser.end()
    failure = case["state"]["failure"]
    assert (parser.failure.code if parser.failure else None) == failure
    assert parser.finished is (failure is None)
    told = [event.code for event in events if isinstance(event, Failed)]
    assert told == ([failure] if failure and failure != "upstream_truncated" else [])


def test_the_tier_that_was_asked_for_is_not_yet_the_one_that_served() -> None:
    events = read(b'data: {"type":"response.created","response":{"id":"r","service_tier":"auto"}}\n\n')
    assert events == [Started("r", "")]
    events = read(b'data: {"type":"response.created","response":{"id":"r","service_tier":"flex"}}\n\n')
    assert events == [Started("r", "", None, "flex")]


def test_odd_streams() -> None:
    events = read(
        b': ping\n\ndata: {"type":"response.output_text.delta","output_index":4,"delta":"x"}\n\n'
        b'data: {"type":"response.new_event"}\n\n'
        b'data: {"type":"response.output_item.added","output_index":0,"item":7}\n\n'
        b'data: {"type":"response.output_item.added","output_index":0,"item":{"type":"function_call"}}\n\n'
        b'data: {"type":"response.function_call_arguments.delta","output_index":0,"delta":"{"}\n\n'
        b'data: {"type":"response.completed","response":{"output":[]}}\n\n'
    )
    assert [type(event) for event in events] == [Started, Finished]


def test_garbage_is_garbled() -> None:
    parser = ResponsesStreamParser()
    assert parser.feed(b"data: <html>\n\n") == []
    assert isinstance(parser.failure, Garbled)


def test_an_end_without_the_last_blank_line_is_whole() -> None:
    parser = ResponsesStreamParser()
    parser.feed(b'data: {"type":"response.completed","response":{"output":[]}}')
    parser.end()
    assert parser.finished
    empty = ResponsesStreamParser()
    empty.feed(b"data: [DONE]\n\n")
    empty.end()
    assert isinstance(empty.failure, Truncated)
