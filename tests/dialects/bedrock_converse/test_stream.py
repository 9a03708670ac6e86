from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.bedrock_converse.frames import TEXT, frame, pieces, stream
from dialects.golden import cases
from effort import examples
from waypost.core.events import Event, Failed, Finished, PartEnded, PartStarted, Started
from waypost.core.fold import fold
from waypost.core.response import ChatResponse
from waypost.dialects.bedrock_converse.response import parse_response
from waypost.dialects.bedrock_converse.stream import ConverseStreamParser
from waypost.errors import Garbled, Truncated

STREAMS = cases("bedrock_converse", "streams")
WHOLE = {case.id: case.values[0]["body"] for case in cases("bedrock_converse", "responses")}


def read(data: bytes, cuts: list[int] | None = None) -> tuple[list[Event], ConverseStreamParser]:
    parser = ConverseStreamParser()
    events = [event for piece in pieces(data, cuts or []) for event in parser.feed(piece)]
    return events + parser.end(), parser


def bare(response: ChatResponse) -> ChatResponse:
    """Without what only a whole answer has room for: metrics, traces, the wire form of the usage."""
    return msgspec.structs.replace(response, extras=None)


@pytest.mark.parametrize("case", STREAMS)
def test_golden(case: Any) -> None:
    events, parser = read(stream(case["events"]))
    if case["failure"] is not None:
        assert parser.failure is not None
        assert parser.failure.code == case["failure"]
        assert not parser.finished
        said = [event for event in events if isinstance(event, Failed)]
        assert [event.code for event in said] == (
            [] if case["failure"] == "upstream_truncated" else [case["failure"]]
        )
        return
    assert parser.finished
    assert parser.failure is None
    assert len([event for event in events if isinstance(event, Started)]) == 1
    assert len([event for event in events if isinstance(event, Finished)]) == 1
    started = [event.part for event in events if isinstance(event, PartStarted)]
    assert sorted(event.part for event in events if isinstance(event, PartEnded)) == started
    if case["whole"] is not None:
        whole = parse_response(msgspec.json.encode(WHOLE[case["whole"]]))
        assert bare(fold(events)) == bare(whole)


@pytest.mark.parametrize("case", STREAMS)
@settings(deadline=None, max_examples=examples(30))
@given(cuts=st.lists(st.integers(0, 100_000), max_size=8))
def test_any_split_gives_the_same_events(case: Any, cuts: list[int]) -> None:
    data = stream(case["events"])
    assert read(data, cuts)[0] == read(data)[0]


def test_a_tool_without_arguments_has_an_empty_object() -> None:
    [case] = [case.values[0] for case in STREAMS if case.id == "tool_without_arguments"]
    [part] = fold(read(stream(case["events"]))[0]).choices[0].parts
    assert getattr(part, "arguments", None) == "{}"


@pytest.mark.parametrize(
    "bad", [b"<html>nothing of the kind</html>", frame({"contentBlockDelta": 7}), frame({"x": 1})[:-1] + b"!"]
)
def test_garbage_is_garbled(bad: bytes) -> None:
    parser = ConverseStreamParser()
    parser.feed(bad)
    assert isinstance(parser.failure, Garbled)
    assert parser.feed(stream(TEXT)) == []


def test_half_a_message_is_truncated() -> None:
    _, parser = read(stream(TEXT[:-1]) + frame(TEXT[-1])[:-1])
    assert isinstance(parser.failure, Truncated)


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(TEXT),
            st.dictionaries(
                st.sampled_from(
                    ["contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "x"]
                ),
                st.dictionaries(
                    st.sampled_from(["delta", "start", "contentBlockIndex", "stopReason"]),
                    st.one_of(
                        st.integers(-2, 2),
                        st.dictionaries(
                            st.sampled_from(
                                ["text", "toolUse", "toolResult", "image", "reasoningContent", "citation"]
                            ),
                            st.sampled_from(
                                [1, "x", [], {}, {"input": "x"}, {"type": "x"}, {"redactedContent": "!"}]
                            ),
                            max_size=2,
                        ),
                    ),
                    max_size=3,
                ),
                min_size=1,
                max_size=1,
            ),
        ),
        max_size=8,
    )
)
def test_odd_events_never_raise_and_fold(events: list[Any]) -> None:
    found, parser = read(stream(events))
    fold(found)
    assert parser.finished is (parser.failure is None)
