from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.anthropic_messages.wire import pieces, sse
from dialects.golden import cases
from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted
from waypost.core.fold import fold
from waypost.core.request import Thinking, ToolCall
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages.response import parse_response
from waypost.dialects.anthropic_messages.stream_parser import AnthropicStreamParser
from waypost.errors import Garbled, Throttled, Truncated

STREAMS = cases("anthropic_messages", "streams")
WHOLE = {case.id: case.values[0]["body"] for case in cases("anthropic_messages", "responses")}
PAIRED = [pytest.param(case.values[0], WHOLE[case.id], id=case.id) for case in STREAMS if case.id in WHOLE]


def read(stream: bytes, cuts: list[int] = []) -> tuple[AnthropicStreamParser, list[Event]]:  # noqa: B006
    parser = AnthropicStreamParser()
    events = [event for piece in pieces(stream, cuts) for event in parser.feed(piece)]
    return parser, events + parser.end()


@pytest.mark.parametrize("case", STREAMS)
@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 10_000), max_size=6))
def test_any_split_gives_the_same_events(case: Any, cuts: list[int]) -> None:
    stream = sse(case["events"])
    parser, events = read(stream, cuts)
    assert events == read(stream)[1]
    assert parser.finished is case["state"]["finished"]
    assert (parser.failure and parser.failure.code) == case["state"]["failure"]


def test_most_answers_are_paired() -> None:
    assert len(PAIRED) >= 12


@pytest.mark.parametrize(("case", "whole"), PAIRED)
def test_a_stream_folds_to_the_whole_answer(case: Any, whole: Any) -> None:
    _, events = read(sse(case["events"]))
    assert fold(events) == parse_response(msgspec.json.encode(whole))


@pytest.mark.parametrize("case", STREAMS)
def test_parts_start_and_end(case: Any) -> None:
    parser, events = read(sse(case["events"]))
    open_parts: set[int] = set()
    for event in events:
        if isinstance(event, PartStarted):
            open_parts.add(event.part)
        elif isinstance(event, PartDelta):
            assert event.part in open_parts
        elif isinstance(event, PartEnded):
            open_parts.remove(event.part)
        elif isinstance(event, Finished):
            assert not open_parts
    assert parser.failure is not None or not open_parts


def test_an_error_is_the_last_event() -> None:
    parser, events = read(sse(next(c.values[0]["events"] for c in STREAMS if c.id == "error_event")))
    assert isinstance(events[-1], Failed)
    assert events[-1].code == "upstream_overloaded"
    assert isinstance(parser.failure, Throttled)
    assert not parser.finished


def start(index: int, block: Any) -> Any:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **fields: Any) -> Any:
    return {"type": "content_block_delta", "index": index, "delta": fields}


END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}


def test_what_the_wire_leaves_out() -> None:
    """No message_start, blocks that are not stopped, input in the start of a block, a signature from the start."""
    _, events = read(
        sse(
            [
                start(0, {"type": "thinking", "thinking": "a"}),
                delta(0, type="signature_delta", signature="s"),
                start(1, {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}),
                delta(7, type="text_delta", text="lost"),
                END,
            ]
        )
    )
    answer = fold(events)
    assert answer.choices[0].parts == (
        Thinking("a", "s", maker="anthropic-claude-v1"),
        ToolCall("t", "f", '{"a":1}'),
    )
    assert answer.usage is None


def test_counts_of_the_start_are_used_until_the_end() -> None:
    first = {
        "type": "message_start",
        "message": {"id": "m", "usage": {"input_tokens": 9, "output_tokens": 1}},
    }
    parser = AnthropicStreamParser()
    assert fold(parser.feed(sse([first]))).usage == Usage(input=9, output=1)
    parser.end()
    assert isinstance(parser.failure, Truncated)


def test_garbage_is_garbled() -> None:
    parser, events = read(b"event: message_start\ndata: <html>\n\n")
    assert events == []
    assert isinstance(parser.failure, Garbled)
    huge, _ = read(b"data: " + b"x" * (1 << 20) + b"\n\n")
    assert isinstance(huge.failure, Garbled)
