from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.events import Event
from waypost.dialects.openai_chat.ordinary import read_ordinary
from waypost.dialects.openai_chat.stream import ChatStreamParser

FIRST = b'data: {"id":"a","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"x"}}]}\n\n'


def event(**choice: object) -> bytes:
    return b"data: " + msgspec.json.encode({"id": "a", "model": "m", "choices": [choice]}) + b"\n\n"


def test_the_usual_event_is_read() -> None:
    usual = event(index=0, delta={"content": "ä river"}, finish_reason=None, logprobs=None)
    assert read_ordinary(usual) == (0, "ä river")


@pytest.mark.parametrize(
    "other",
    [
        event(index=0, delta={"content": "x", "refusal": "y"}),
        event(index=0, delta={"content": None}),
        event(index=0, delta={}),
        event(index=0, delta={"content": "x"}, finish_reason="stop"),
        event(index=0, delta={"content": "x"}, logprobs={"content": []}),
        event(index=0, delta={"content": "x"}, stop_reason="y"),
        event(index=0, delta={"content": "x"}) * 2,
        event(index=0, delta={"content": "x"})[:-1],
        b'data: {"choices":[{"index":0,"delta":{"content":"x"}}],"usage":{"prompt_tokens":1}}\n\n',
        b'data: {"choices":[],"error":{"message":"no"}}\n\n',
        b"data: [DONE]\n\n",
        b": ping\n\n",
        b'data: {"choices":[{"index":0,"delta":{"content":"\xff"}}]}\n\n',
        b"data: {}\n\n",
        b"",
    ],
)
def test_everything_else_is_not(other: bytes) -> None:
    assert read_ordinary(other) is None


deltas = st.fixed_dictionaries(
    {},
    optional={
        "content": st.none() | st.text(max_size=4),
        "reasoning": st.text(max_size=3),
        "refusal": st.none() | st.text(max_size=3),
        "odd": st.integers(),
    },
)
choices = st.fixed_dictionaries(
    {"index": st.integers(0, 1), "delta": deltas},
    optional={
        "finish_reason": st.none() | st.just("stop"),
        "logprobs": st.none(),
        "stop_reason": st.text(max_size=2),
    },
)


@given(st.lists(choices, max_size=6))
def test_the_quick_way_and_the_long_way_give_the_same_events(given_choices: list[dict[str, object]]) -> None:
    stream = [FIRST, *(event(**choice) for choice in given_choices)]
    quick, long = ChatStreamParser(), ChatStreamParser()
    by_event: list[Event] = [found for each in stream for found in quick.feed(each)]
    by_byte: list[Event] = [found for byte in b"".join(stream) for found in long.feed(bytes([byte]))]
    assert by_event == by_byte
