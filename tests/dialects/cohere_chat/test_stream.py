from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.bedrock_converse.frames import pieces
from dialects.golden import cases, sse
from effort import examples
from waypost.core.events import Event, Failed, Finished, PartEnded, PartStarted, Started
from waypost.core.fold import fold
from waypost.core.response import ChatResponse
from waypost.dialects.cohere_chat.codec import COHERE_CHAT
from waypost.dialects.cohere_chat.stream import CohereStreamParser
from waypost.errors import Garbled

STREAMS = cases("cohere_chat", "streams")
WHOLE = {case.id: case.values[0]["body"] for case in cases("cohere_chat", "responses")}


def read(data: bytes, cuts: list[int] | None = None) -> tuple[list[Event], CohereStreamParser]:
    parser = CohereStreamParser()
    events = [event for piece in pieces(data, cuts or []) for event in parser.feed(piece)]
    return events + parser.end(), parser


def bare(response: ChatResponse) -> ChatResponse:
    return msgspec.structs.replace(response, extras=None)


@pytest.mark.parametrize("case", STREAMS)
def test_golden(case: Any) -> None:
    events, parser = read(sse(case["events"]))
    if case["failure"] is not None:
        assert parser.failure is not None
        assert parser.failure.code == case["failure"]
        assert not parser.finished
        assert bool([event for event in events if isinstance(event, Failed)]) is (
            case["failure"] != "upstream_truncated"
        )
        return
    assert parser.finished
    assert len([event for event in events if isinstance(event, Started)]) == 1
    assert len([event for event in events if isinstance(event, Finished)]) == 1
    started = [event.part for event in events if isinstance(event, PartStarted)]
    assert [event.part for event in events if isinstance(event, PartEnded)] == started
    if case["whole"] is not None:
        assert COHERE_CHAT.codec is not None
        whole = COHERE_CHAT.codec.parse_response(msgspec.json.encode(WHOLE[case["whole"]]))
        assert bare(fold(events)) == bare(whole)


@pytest.mark.parametrize("case", STREAMS)
@settings(deadline=None, max_examples=examples(30))
@given(cuts=st.lists(st.integers(0, 100_000), max_size=8))
def test_any_split_gives_the_same_events(case: Any, cuts: list[int]) -> None:
    data = sse(case["events"])
    assert read(data, cuts)[0] == read(data)[0]


@pytest.mark.parametrize("bad", [b"data: <html>\n\n", b"data: 7\n\n"])
def test_garbage_is_garbled(bad: bytes) -> None:
    parser = CohereStreamParser()
    parser.feed(bad)
    assert isinstance(parser.failure, Garbled)
