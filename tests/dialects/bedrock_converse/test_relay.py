from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.bedrock_converse.frames import TEXT, Said, frame, pieces, said, stream
from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.relay import ConverseRelay
from waypost.errors import Garbled, Overloaded, Throttled, Truncated

ASKED = Asked("m", True, {}, wants_usage=True, input_estimate=7)


def relay() -> ConverseRelay:
    return ConverseRelay(ASKED, lambda usage, tier: usage.input + 10 * usage.output)


@given(st.lists(st.integers(0, 5000), max_size=8))
def test_any_split_passes_the_same(cuts: list[int]) -> None:
    passing = relay()
    out = b"".join(map(passing.feed, pieces(stream(TEXT), cuts)))
    assert out.startswith(stream(TEXT[:-1]))
    [last] = said(out)[-1:]
    assert last["metadata"]["usage"] == {**TEXT[-1]["metadata"]["usage"], "cost": 2.9e-08}
    assert last["metadata"]["metrics"] == {"latencyMs": 5}
    assert passing.finished
    assert passing.failure is None
    assert passing.usage == Usage(input=9, output=2)
    assert (passing.tier, passing.finish_reason, passing.deltas) == ("flex", "end_turn", 2)


@pytest.mark.parametrize(
    ("event", "commits"),
    [
        ({"messageStart": {"role": "assistant"}}, False),
        ({"contentBlockStart": {"contentBlockIndex": 0, "start": {}}}, False),
        ({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": ""}}}, False),
        (
            {
                "contentBlockDelta": {
                    "contentBlockIndex": 0,
                    "delta": {"reasoningContent": {"signature": "x"}},
                }
            },
            False,
        ),
        ({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "x"}}}}, True),
        ({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "x"}}}, True),
        ({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{"}}}}, True),
        (
            {
                "contentBlockStart": {
                    "contentBlockIndex": 0,
                    "start": {"toolUse": {"toolUseId": "a", "name": "f"}},
                }
            },
            True,
        ),
        ({"newEvent": {"x": 1}}, False),
    ],
)
def test_what_commits(event: Said, commits: bool) -> None:
    passing = relay()
    assert passing.feed(frame(event)) == frame(event)
    assert passing.committed is commits


def test_cache_counts_are_part_of_the_input() -> None:
    passing = relay()
    usage = {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokens": 30, "cacheWriteInputTokens": 400}
    passing.feed(stream([*TEXT[:-1], {"metadata": {"usage": usage}}]))
    assert passing.usage == Usage(input=431, output=2, cache_read=30, cache_write=400)


def test_counts_before_the_end_are_no_bill() -> None:
    passing = relay()
    passing.feed(stream([TEXT[1], TEXT[-1]]))
    assert not passing.finished
    assert passing.usage is None
    assert passing.partial() == Usage(input=9, output=2, source="partial")


def test_no_counts_are_estimated_and_marked() -> None:
    passing = relay()
    [last] = said(passing.feed(stream([*TEXT[:-1], {"metadata": {"metrics": {"latencyMs": 1}}}])))[-1:]
    assert last["metadata"]["usage"]["estimated"] is True
    assert passing.usage is None


def test_a_stream_that_ends_after_its_stop_is_whole() -> None:
    passing = relay()
    passing.feed(stream(TEXT[:-1]))
    assert passing.end() == b""
    assert passing.finished
    assert passing.usage is None


@pytest.mark.parametrize("cut", [0, 1, 2, 4])
def test_a_cut_stream_is_truncated(cut: int) -> None:
    passing = relay()
    passing.feed(stream(TEXT[:cut]))
    passing.end()
    assert isinstance(passing.failure, Truncated)


def test_half_a_message_at_the_end_is_truncated() -> None:
    passing = relay()
    passing.feed(stream(TEXT)[:-3])
    passing.end()
    assert isinstance(passing.failure, Truncated)


def test_an_exception_ends_it() -> None:
    passing = relay()
    out = passing.feed(stream([*TEXT[:2], {"throttlingException": {"message": "slow"}}, *TEXT[2:]]))
    assert out == stream(TEXT[:2])
    assert isinstance(passing.failure, Throttled)
    assert passing.feed(stream(TEXT)) == b""
    assert passing.end() == b""
    assert not passing.finished


@pytest.mark.parametrize("bad", [b"data: {}\n\ndata: {}\n\n", frame({"x": 1}).replace(b"1", b"2")])
def test_what_is_no_stream_is_garbled(bad: bytes) -> None:
    passing = relay()
    assert passing.feed(bad) == b""
    assert isinstance(passing.failure, Garbled)


def test_a_payload_that_is_not_json_is_garbled() -> None:
    passing = relay()
    passing.feed(frame({"contentBlockDelta": 7}))
    assert isinstance(passing.failure, Garbled)


def test_an_error_in_the_stream_has_no_terminator() -> None:
    assert said(relay().fail(Overloaded("The gateway is busy."))) == [
        {
            "serviceUnavailableException": {
                "message": "The gateway is busy.",
                "waypost": {"code": "overloaded", "param": None},
            }
        }
    ]
